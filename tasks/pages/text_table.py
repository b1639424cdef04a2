"""Metrics as text for a terminal: JSON, or aligned tables."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any


def text_of(numbers: dict[str, Any], output_format: str, table: Callable[[dict[str, Any]], str]) -> str:
    """The numbers as JSON, or as text by `table`.

    Raises:
        ValueError: the format is neither 'table' nor 'json'.
    """
    if output_format not in ("table", "json"):
        raise ValueError(f"the output format must be table or json, not '{output_format}'")
    return json.dumps(numbers, indent=2, ensure_ascii=False) if output_format == "json" else table(numbers)


def aligned(lines: Sequence[Sequence[str]], *, numbers: bool = False) -> Iterator[str]:
    """Rows of cells as lines with aligned columns; with `numbers` all but the first column are right-aligned.

    A row may have one cell more than the first, a note that no column is widened for.
    """
    widths = [max(map(len, column)) for column in zip(*(line[: len(lines[0])] for line in lines), strict=True)]
    for line in lines:
        cells = zip(line, [*widths, 0], strict=False)
        yield "  ".join(
            cell.rjust(width) if numbers and place else cell.ljust(width) for place, (cell, width) in enumerate(cells)
        ).rstrip()
