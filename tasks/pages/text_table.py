"""Numbers as text for a terminal: JSON, or tables."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def json_of(numbers: Mapping[str, Any], output_format: str) -> str | None:
    """The numbers as JSON where that is the format; None where a table is wanted.

    Raises:
        ValueError: another format than 'table' or 'json'.
    """
    if output_format not in ("table", "json"):
        raise ValueError(f"the output format must be table or json, not '{output_format}'")
    return json.dumps(numbers, indent=2, ensure_ascii=False) if output_format == "json" else None


def aligned(lines: list[list[str]]) -> Iterator[str]:
    """Rows of cells as lines with their columns under each other."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
