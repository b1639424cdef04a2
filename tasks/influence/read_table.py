"""A table from a CSV or Parquet file, as spreadsheets of several systems write it."""

import codecs
import csv
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from unfont.errors import UserError
from unfont.text import clip

DELIMITERS = (",", ";", "\t", "|")
NOT_UTF8, SAVE = "the table is not UTF-8", "save it as UTF-8"
_ZIP = b"PK\x03\x04"  # how an .xlsx begins
_NEEDS_TEXT = "CSV conversion error"  # of a type that the first block of rows seemed to have


def read_table(path: Path) -> pa.Table:
    """The columns of a Parquet file, or of CSV text: UTF-8 or UTF-16; commas, semicolons, tabs or bars.

    Raises:
        UserError: it cannot be read, has no rows, or two columns of one name.
    """
    if not path.is_file():
        raise UserError("there is no such table", where=path, fix="name a CSV or Parquet file")
    try:
        table = pq.ParquetFile(path).read() if _is_parquet(path) else _read_csv(path)
    except UserError:
        raise
    except UnicodeError as error:
        raise UserError(NOT_UTF8, where=path, fix=SAVE) from error
    except (pa.ArrowException, OSError, csv.Error) as error:
        fix = "give a CSV file in UTF-8 with as many values in each row, or Parquet"
        raise UserError(f"the table cannot be read: {clip(error, 200)}", where=path, fix=fix) from error
    _check_text(table, path)
    twice = [name for name, count in Counter(table.column_names).items() if count > 1]
    if twice:
        raise UserError(f"two columns are called '{clip(twice[0])}'", where=path, fix="rename one")
    if not table.num_rows or not table.num_columns:
        raise UserError("the table has no rows", where=path, fix="give it a header and rows")
    return table


def _check_text(table: pa.Table, path: Path) -> None:
    """Raises UserError where a CSV file's column is not text in its encoding: such a one is read as bytes."""
    kinds = [getattr(field.type, "value_type", field.type) for field in table.schema]
    if not _is_parquet(path) and any(pa.types.is_binary(kind) for kind in kinds):
        raise UserError(NOT_UTF8, where=path, fix=SAVE)


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1" or path.suffix.lower() == ".parquet"


def _read_csv(path: Path) -> pa.Table:
    encoding = _encoding_of(path)
    delimiter = _delimiter_of(path, encoding)
    reading = pa.csv.ReadOptions(encoding=encoding)
    parsing = pa.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    # With semicolons between the values, the decimal sign is a comma: columns.py sees to that, and to mixed ones.
    typed = pa.csv.ConvertOptions(strings_can_be_null=True, auto_dict_encode=True)
    try:
        return pa.csv.read_csv(path, reading, parsing, typed)
    except pa.ArrowInvalid as error:
        if _NEEDS_TEXT not in str(error):
            raise
    with pa.csv.open_csv(path, reading, parsing) as file:
        names = file.schema.names
    text = pa.csv.ConvertOptions(strings_can_be_null=True, column_types=dict.fromkeys(names, pa.string()))
    return pa.csv.read_csv(path, reading, parsing, text)


def _encoding_of(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    if start == _ZIP:
        raise UserError("this is no CSV file, but a spreadsheet or an archive", where=path, fix="save it as CSV")
    if len(start) == 4 and b"\0" in start:
        return "utf-16-be" if start[0] == 0 else "utf-16-le"
    return "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"


def _delimiter_of(path: Path, encoding: str) -> str:
    """The delimiter of which the header has most, outside of quotes."""
    with path.open(encoding=encoding, newline="") as file:
        header = file.readline()
    if not header.strip():
        raise UserError("the table has no header", where=path, fix="put a line above its rows that names the columns")
    return max(DELIMITERS, key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter))))
