"""Records of `tasks.predict.predict` as text or as Parquet, written as they come."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from textwrap import indent
from typing import Any

from unfont.errors import UserError
from unfont.rank import Record
from unfont.text import shown, storable

PARQUET = "parquet"
SUFFIXES = {
    ".txt": "table", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": PARQUET,
}  # fmt: skip
FIRST = 64  # rows whose cells the table's columns are as wide as
ROWS = 8192  # of a row group


def format_of(output_format: str | None, out: Path | None) -> str:
    """The format of the output: the one given, else that of the suffix of the file `out`, else `table`.

    Raises:
        UserError: the suffix is unknown, `out` cannot be a file, or Parquet is to be printed.
    """
    if out is None:
        if output_format == PARQUET:
            raise UserError("Parquet cannot be printed", where="--format", fix="say --out FILE.parquet")
        return output_format or "table"
    if out.exists() and not out.is_file():
        raise UserError("this is no regular file", where=shown(out), fix="name another one in --out")
    found = output_format or SUFFIXES.get(out.suffix.lower())
    if found is None:
        raise UserError(
            "its suffix names no format", where=shown(out), fix=f"say --format, or use {', '.join(SUFFIXES)}"
        )
    return found


def text_of(records: Iterable[Record], output_format: str, *, target: str, top: int) -> Iterator[str]:
    """The text of every record as soon as that is there, all together the output.

    Args:
        output_format: `table`, `json` (an array), `jsonl` or `csv`.
        target: what the labels are of, a key of every record.
        top: how many labels a record has at most; CSV has a pair of columns for each.

    Raises:
        ValueError: another format.
    """
    if output_format == "table":
        return _table(records, target)
    if output_format == "json":
        return _json(records)
    if output_format == "jsonl":
        return (json.dumps(_storable(record), ensure_ascii=False) + "\n" for record in records)
    if output_format == "csv":
        return _csv(records, target, top)
    raise ValueError(f"the output format must be table, json, jsonl or csv, not '{output_format}'")


def write_parquet(path: Path, records: Iterable[Record], *, target: str) -> None:
    """The records as Parquet, a row group at a time; `shares` is a list, empty where the picture is not mixed."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    label = pa.field(target, pa.string())
    schema = pa.schema(
        [
            pa.field("file", pa.string()),
            label,
            pa.field("p", pa.float64()),
            pa.field("top", pa.list_(pa.struct([label, pa.field("p", pa.float64())]))),
            pa.field("windows", pa.int32()),
            pa.field("agree", pa.int32()),
            pa.field("shares", pa.list_(pa.struct([label, pa.field("share", pa.float64())]))),
            pa.field("turned", pa.int32()),
            pa.field("error", pa.string()),
        ]
    )
    rows = iter(records)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while group := [_row(record, target) for record in islice(rows, ROWS)]:
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


def _row(record: Record, target: str) -> dict[str, Any]:
    shares = [{target: name, "share": share} for name, share in record.get("shares", {}).items()]
    return {"turned": 0, **_storable(record), "shares": shares}


def _storable(record: Record) -> Record:
    # A file name that is not UTF-8 has no JSON: it is escaped.
    return record | {name: storable(record[name]) for name in ("file", "error") if name in record}


def _json(records: Iterable[Record]) -> Iterator[str]:
    before = "["
    for record in records:
        yield f"{before}\n{indent(json.dumps(_storable(record), indent=2, ensure_ascii=False), '  ')}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def _csv(records: Iterable[Record], target: str, top: int) -> Iterator[str]:
    """`file`, the prediction, `p`, a pair of columns for each label of `top`, and the rest; empty where there is none.

    The columns are the same whatever the records are.
    """
    ranks = [name for rank in range(1, top + 1) for name in (f"{target}_{rank}", f"p_{rank}")]
    yield _csv_line(["file", target, "p", *ranks, "windows", "agree", "shares", "turned", "error"])
    for record in map(_storable, records):
        best = [value for one in record["top"] for value in (one[target], one["p"])]
        best += [None] * (len(ranks) - len(best))
        shares = ";".join(f"{name} {share}" for name, share in record.get("shares", {}).items())
        rest = [record["windows"], record["agree"], shares, record.get("turned", 0), record.get("error")]
        yield _csv_line([record["file"], record[target], record["p"], *best, *rest])


def _csv_line(values: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def _table(records: Iterable[Record], target: str) -> Iterator[str]:
    """Lines with the columns of the first FIRST: of later ones, a longer cell moves those behind it."""
    rows = (_cells(record, target) for record in records)
    first = [["file", target, "p", "windows", "top"], *islice(rows, FIRST)]
    widths = [max(map(len, column)) for column in zip(*first, strict=True)][:-1]
    for row in chain(first, rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*cells, row[-1]]) + "\n"


def _cells(record: Record, target: str) -> list[str]:
    name = shown(record["file"])
    if "error" in record:
        return [name, "-", "-", "-", f"error: {shown(record['error'])}"]
    parts = [f"{one[target]} {one['p']:.3f}" for one in record["top"]]
    if "shares" in record:
        parts = ["shares:", *(f"{name} {share:.2f}" for name, share in record["shares"].items())]
    if "turned" in record:
        parts.append(f"(turned by {record['turned']}°)")
    agree = f"{record['agree']}/{record['windows']}"  # of how many windows
    return [name, record[target] or "?", f"{record['p']:.3f}", agree, "  ".join(parts)]
