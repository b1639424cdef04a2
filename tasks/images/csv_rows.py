"""The header and the rows of a CSV file, as spreadsheets of several systems write it, or without a header."""

import csv
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from unfont.errors import UserError

DELIMITERS = (",", ";", "\t")
_ZIP = b"PK\x03\x04"  # how an .xlsx begins


def read_csv(
    path: Path, *, headed: Sequence[str], known: Collection[str], is_picture: Callable[[str], bool]
) -> Iterator[list[str]]:
    """The header, and then each row that is not blank.

    Read are UTF-8, with or without a byte order mark, and UTF-16 with one; commas, semicolons or tabs; any line ends.
    Where the first row has no `known` name and two values, of which the first is a picture, there is no header: the
    columns are `headed`.

    Raises:
        UserError: the file is empty, of another kind, has neither header nor two columns, or a row that is too long.
    """
    encoding = _encoding_of(path)
    # Names of files may be any bytes.
    errors = "surrogateescape" if encoding == "utf-8-sig" else "strict"
    with path.open(encoding=encoding, errors=errors, newline="") as file:
        delimiter, cells = _best_delimiter(file, path, known, is_picture)
        file.seek(0)
        # Strict: else a quote that is never closed would swallow the rows behind it.
        rows = filter(None, csv.reader(file, delimiter=delimiter, strict=True, skipinitialspace=True))
        header = list(headed)
        if not _has_header(cells, path, known, is_picture, headed):
            yield header
        else:
            header = [cell.strip() for cell in next(rows)]
            yield header
        for number, row in enumerate(rows, start=1):
            if any(value.strip() for value in row[len(header) :]):
                what = f"row {number} has {len(row)} values, the header {len(header)}"
                raise UserError(what, where=path, fix=f"put values that hold '{delimiter}' in quotes")
            yield row


def _encoding_of(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if start == _ZIP:
        raise UserError("this is no CSV file, but a spreadsheet or an archive", where=path, fix="save it as CSV")
    if len(start) == 4 and (start[::2] == b"\0\0") != (start[1::2] == b"\0\0"):
        raise UserError("the manifest is UTF-16 without a byte order mark", where=path, fix="save it as UTF-8")
    return "utf-8-sig"  # a byte order mark is Excel's


def _best_delimiter(
    file: TextIO, path: Path, known: Collection[str], is_picture: Callable[[str], bool]
) -> tuple[str, list[str]]:
    """The delimiter by which the first row says most, and the row."""
    first = file.readline()
    while first and not first.strip():
        first = file.readline()
    if not first:
        raise UserError("the manifest is empty", where=path, fix="give it a header and rows")

    def cells_of(delimiter: str) -> list[str]:
        return [cell.strip() for cell in next(csv.reader([first], delimiter=delimiter, skipinitialspace=True))]

    def says(delimiter: str) -> tuple[int, bool, int]:
        cells = cells_of(delimiter)
        return _known_in(cells, known), len(cells) > 1 and any(map(is_picture, cells)), len(cells)

    order = DELIMITERS[::-1] if path.suffix.lower() == ".tsv" else DELIMITERS
    best = max(order, key=says)
    return best, cells_of(best)


def _known_in(cells: Sequence[str], known: Collection[str]) -> int:
    names = {name.casefold() for name in known}
    return sum(cell.casefold() in names for cell in cells)


def _has_header(
    cells: Sequence[str],
    path: Path,
    known: Collection[str],
    is_picture: Callable[[str], bool],
    headed: Sequence[str],
) -> bool:
    if _known_in(cells, known) or not any(map(is_picture, cells)):
        return True
    if len(cells) == len(headed) and is_picture(cells[0]):
        return False
    fix = f"put a line above its rows that names the columns, as in {','.join(headed)}"
    raise UserError(f"the manifest has no header, and {len(cells)} columns", where=path, fix=fix)
