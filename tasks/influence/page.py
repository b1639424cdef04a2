"""The page of a table's influences: variables, neurons × variables as a map, words, stability, one row."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.influence.text import score_text
from tasks.pages.single_page import write_page
from tasks.pages.versions import versions

MOST_VARIABLES = 40  # columns of a map; the others share its last one
MOST_LISTED = 24  # neurons of a layer that are put in words


def write_influence_page(out: Path, numbers: dict[str, Any], *, settings: dict[str, Any]) -> None:
    """Write what `tasks.influence.explain.explain_table` measured as one page that opens with no network.

    Raises:
        UserError: the page cannot be written.
    """
    names = [each["name"] for each in numbers["variables"]]
    strongest = max((abs(each["permutation"]) for each in numbers["variables"]), default=0.0) or 1.0
    write_page(
        out,
        "influence",
        numbers=numbers,
        score=score_text(numbers["score"]),
        strongest=strongest,
        measurable=[each for each in numbers["variables"] if each["measurable"]],
        columns=names[:MOST_VARIABLES],
        left=len(names) - MOST_VARIABLES,
        layers=_layers(numbers["neurons"]),
        listed=MOST_LISTED,
        settings=settings,
        versions=versions(),
    )


def _layers(neurons: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The neurons of each layer, the last layer first, those with the largest share of the output first."""
    names = list(dict.fromkeys(each["layer"] for each in neurons))[::-1]
    return [{"name": name, "neurons": _ordered(neurons, name)} for name in names]


def _ordered(neurons: Sequence[dict[str, Any]], layer: str) -> list[dict[str, Any]]:
    return sorted((each for each in neurons if each["layer"] == layer), key=lambda each: -each["share"])
