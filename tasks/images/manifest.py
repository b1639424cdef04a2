"""Manifests: a CSV or Parquet file that lists pictures with their labels, a row a picture."""

import json
import math
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.images.csv_rows import read_csv
from tasks.images.file_kinds import is_picture_name
from unfont.errors import UserError
from unfont.text import storable

IMAGE_COLUMNS = ("image", "path", "file", "file_name", "filename")
SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
NOT_READ = (".xlsx", ".xls", ".ods", ".json", ".jsonl", ".xml", ".yaml", ".yml")
BATCH = 64  # rows in memory at a time: embedded pictures may be large


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A row of a manifest: its picture's path or bytes; empty labels are null."""

    number: int
    path: str | None
    data: bytes | None
    labels: dict[str, str | None]


def read_manifest(
    path: Path,
    *,
    columns: Sequence[str],
    required: str,
    renamed: Mapping[str, str],
    exists: Callable[[str], bool] = lambda name: False,
) -> Iterator[Listed]:
    """The rows of a manifest, numbered from 1.

    The picture is in a column `image`, `path`, `file`, `file_name` or `filename`: a path, or in Parquet a struct of
    bytes and path as Hugging Face `datasets` writes it. A CSV file of two columns, pictures and targets, needs no
    header.

    Args:
        columns: the labels to take; one that the manifest lacks is null in every row.
        required: the label that it must have.
        renamed: a column's name in the manifest, by its name here (`image` for the picture's).
        exists: whether there is a picture of this name: then a first row that has it is no header.

    Raises:
        UserError: it cannot be read, or has no column of pictures, of the required label, or of a renamed one.
    """
    if not path.is_file():
        raise UserError("there is no such manifest", where=path, fix="name a CSV or Parquet file")
    if path.suffix.lower() in NOT_READ:
        raise UserError("a manifest of this kind is not read", where=path, fix="save it as CSV (UTF-8) or Parquet")

    def places_of(header: Sequence[str]) -> dict[str, str]:
        return _places(header, path, columns=columns, required=required, renamed=renamed)

    try:
        if path.suffix.lower() == ".parquet":
            yield from _read_parquet(path, places_of)
            return
        known = {*IMAGE_COLUMNS, *columns, *renamed.values()}
        rows = read_csv(
            path, headed=("image", required), known=known, is_picture=lambda name: is_picture_name(name) or exists(name)
        )
        yield from _of_csv(rows, places_of)
    except UserError:
        raise
    except Exception as error:  # damaged bytes can make the readers raise any exception
        raise UserError(
            f"the manifest cannot be read: {error}", where=path, fix="give a CSV file in UTF-8, or Parquet"
        ) from error


def label_of(value: Any) -> str | None:
    """A manifest's value as a label: stripped, NFC; null where it is empty or NaN."""
    if isinstance(value, float):
        if math.isnan(value):
            return None
        value = int(value) if value.is_integer() else value  # pandas makes floats of integers beside a null
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    text = "" if value is None else unicodedata.normalize("NFC", storable(str(value)).strip())
    return None if text in ("", "nan", "NaN") else text


def _places(
    header: Sequence[str], path: Path, *, columns: Sequence[str], required: str, renamed: Mapping[str, str]
) -> dict[str, str]:
    """What the manifest calls the columns that it has, by their names here; capitals do not matter."""
    named = [name for name in header if name]
    has = f"it has {', '.join(named)}"
    if len(set(named)) < len(named):
        raise UserError("two columns have one name", where=path, fix=f"rename one: {has}")
    spelled = {name.casefold(): name for name in reversed(named)} | {name: name for name in named}

    def find(name: str) -> str | None:
        return spelled.get(name, spelled.get(name.casefold()))

    places = {ours: renamed.get(ours, find(ours) or ours) for ours in columns if ours in renamed or find(ours)}
    picture = next((renamed[name] for name in IMAGE_COLUMNS if name in renamed), None)
    picture = picture or next((found for name in IMAGE_COLUMNS if (found := find(name))), None)
    if picture is None:
        raise UserError("there is no column of pictures", where=path, fix=f"say --columns image=NAME; {has}")
    places["image"] = picture
    places.setdefault(required, required)
    for ours, theirs in places.items():
        if find(theirs) is None:
            fix = f"say --columns {ours}=NAME; {has}"
            raise UserError(f"there is no column '{theirs}'", where=path, fix=fix)
    return {ours: find(theirs) or theirs for ours, theirs in places.items()}


Places = Callable[[Sequence[str]], dict[str, str]]


def _of_csv(rows: Iterator[list[str]], places_of: Places) -> Iterator[Listed]:
    header = next(rows)
    at = {ours: header.index(theirs) for ours, theirs in places_of(header).items()}
    for number, row in enumerate(rows, start=1):
        values = {ours: row[place] if place < len(row) else None for ours, place in at.items()}
        picture = values.pop("image") or None
        labels = {name: label_of(value) for name, value in values.items()}
        yield Listed(number=number, path=picture, data=None, labels=labels)


def _read_parquet(path: Path, places_of: Places) -> Iterator[Listed]:
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        places = places_of(schema.names)
        classes = _class_names(schema)
        number = 0
        for batch in file.iter_batches(BATCH, columns=sorted(set(places.values()))):
            columns = {ours: _values(batch.column(theirs)) for ours, theirs in places.items()}
            pictures = columns.pop("image")
            for place, picture in enumerate(pictures):
                number += 1
                labels = {
                    ours: label_of(_class_name(values[place], classes.get(places[ours])))
                    for ours, values in columns.items()
                }
                where, data = _picture_of(picture)
                yield Listed(number=number, path=where, data=data, labels=labels)


def _picture_of(value: Any) -> tuple[str | None, bytes | None]:
    """Path and bytes of a value: a path, or a struct of both."""
    if isinstance(value, dict):
        path, data = value.get("path"), value.get("bytes")
        return (str(path) if path else None), (data if isinstance(data, bytes) else None)
    if isinstance(value, bytes):
        return None, value
    return (str(value) if value else None), None


def _values(column: pa.Array) -> list[Any]:
    try:
        return column.to_pylist()
    except UnicodeDecodeError:
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        return [
            None if v is None else v.decode("utf-8", "surrogateescape") for v in column.cast(pa.binary()).to_pylist()
        ]


def _class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Names of the classes of the columns that Hugging Face `datasets` writes as numbers (ClassLabel)."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {name: f["names"] for name, f in features.items() if f.get("_type") == "ClassLabel"}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _class_name(value: Any, names: list[str] | None) -> Any:
    if names is None or not isinstance(value, int):
        return value
    return names[value] if 0 <= value < len(names) else None
