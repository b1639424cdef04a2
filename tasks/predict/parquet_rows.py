"""Pictures in the column `image` of a Parquet file, read a few rows at a time.

The column is as Hugging Face `datasets` and the crop table have it, a struct of bytes and path, or it is bytes, or
paths. A relative path is one from the Parquet file's folder.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.predict.sources import Item
from unfont.errors import UserError
from unfont.text import shown

COLUMN = "image"
ROWS = 64  # in memory at a time
BUFFER = 2**20  # bytes: without one, a row group is read whole


def rows_of(path: str) -> int:
    """How many pictures the file has.

    Raises:
        UserError: it cannot be read, or has no column of pictures.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, int(file.metadata.num_rows)
    except FileNotFoundError:
        raise UserError("there is no such file", where=shown(path), fix="fix the path") from None
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"this is no Parquet file: {error}", where=shown(path), fix="write it again") from error
    if schema.names.count(COLUMN) != 1:
        fix = f"name one column of pictures so; it has {', '.join(map(shown, schema.names))}"
        raise UserError(f"there is no column '{COLUMN}'", where=shown(path), fix=fix)
    kind = schema.field(COLUMN).type
    if not _holds_pictures(kind):
        what = f"the column '{COLUMN}' is {kind}"
        raise UserError(what, where=shown(path), fix="give bytes, paths, or a struct of bytes and path")
    return rows


def items_of(path: str) -> Iterator[Item]:
    """The pictures, row by row: `<path>:<row>`, counted from 0, where the file holds the picture, else its own path.

    Of a row group that is damaged, every row from there on has this as its problem.
    """
    first = 0
    with pq.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False) as file:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            yield from _items_of_group(file, group, path, range(first, first + rows))
            first += rows


def _items_of_group(file: pq.ParquetFile, group: int, path: str, rows: range) -> Iterator[Item]:
    left = iter(rows)
    try:
        for batch in file.iter_batches(ROWS, row_groups=[group], columns=[COLUMN], use_threads=False):
            for value in batch.column(0).to_pylist():
                yield _item(f"{path}:{next(left)}", value, Path(path).parent)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        for row in left:
            yield Item(f"{path}:{row}", problem=f"the Parquet file is damaged: {error}")


def _item(name: str, value: Any, folder: Path) -> Item:
    data, path = value, None
    if isinstance(value, dict):
        data, path = value.get("bytes"), value.get("path")
    elif isinstance(value, str):
        data, path = None, value
    if data is not None:
        return Item(name, data=data)
    if path:
        return Item(str(folder / path), path=str(folder / path))
    return Item(name, problem="the row holds no picture")


def _holds_pictures(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return {"bytes", "path"} & {field.name for field in kind} != set()
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = ("binary", "large_binary", "binary_view", "string", "large_string", "string_view")
    return any(getattr(pa.types, f"is_{name}")(kind) for name in tests)
