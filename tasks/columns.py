"""Tables as text for a terminal."""

from collections.abc import Iterator


def aligned(lines: list[list[str]]) -> Iterator[str]:
    """Rows of cells as lines with their columns under each other."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
