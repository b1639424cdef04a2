"""The pattern that would take the pictures that a pattern leaves outside."""

import re
from collections.abc import Collection, Sequence

from tasks.images.path_pattern import compile_pattern
from tasks.images.script_names import is_script_code, label_meant


def wider_pattern(
    pattern: str, outside: Sequence[str], *, target: str, columns: Sequence[str], known: Collection[str] = ()
) -> tuple[str, int] | None:
    """A pattern that takes pictures whose paths `pattern` does not match, and how many of `outside` it takes.

    Tried are: any suffix, the target's folder, folders above it, and folders below it. Of those that take equally many,
    the one whose labels are `known`, or scripts, is chosen. None where no pattern takes any.

    Args:
        outside: paths that do not match.
        target: the target's placeholder.
        columns: every placeholder.
    """
    best: tuple[int, int, str] | None = None
    deeper = (f"{{{target}}}/*", f"**/{{{target}}}/*", f"{{{target}}}/**/*")
    for candidate in dict.fromkeys((_any_suffix(pattern), *deeper)):
        expression = compile_pattern(candidate, columns=columns, required=target)
        matches = [match for name in outside if (match := expression.fullmatch(name))]
        labels = {match[target] for match in matches}
        likely = sum(label in known or is_script_code(label) or label_meant(label) is not None for label in labels)
        # A folder that everything lies in names no label.
        score = (len(matches), 2 * likely + (len(labels) > 1), candidate)
        if matches and (best is None or score[:2] > best[:2]):
            best = score
    return (best[2], best[0]) if best else None


def _any_suffix(pattern: str) -> str:
    """`{script}/*.png` as `{script}/*`, and `{script}.png` as `{script}.*`."""
    return re.sub(r"\*\.[^*./{}]+$", "*", pattern) if "*." in pattern else re.sub(r"\.[^*./{}]+$", ".*", pattern)
