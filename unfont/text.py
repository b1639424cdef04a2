"""Text that a person gave, made harmless to show and to store."""

import re

_LONE = re.compile("[\ud800-\udfff]")


def shown(name: object) -> str:
    """A file's name as one harmless line: undecodable and control characters are escaped."""
    return "".join(c if c.isprintable() else _escaped(c) for c in str(name))


def clip(label: object, most: int = 60) -> str:
    """A label or a file's name of any length as one harmless line of at most `most` characters."""
    line = shown(label)
    return line if len(line) <= most else f"{line[: most - 1]}…"


def storable(text: str) -> str:
    """A text that UTF-8 can hold: bytes of a file's name that are none are escaped."""
    return _LONE.sub(lambda match: _escaped(match[0]), text)


def _escaped(char: str) -> str:
    if "\udc80" <= char <= "\udcff":  # a byte that is no UTF-8, as Python reads file names
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char.encode("unicode_escape").decode()
