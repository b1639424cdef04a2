"""What the columns of a table hold: numbers, categories or dates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from unfont.text import clip

Kind = Literal["number", "category", "date"]
MOST = 0.9  # fraction of a text column's values that must be numbers, or dates, for it to be a column of these
SOME = 0.1  # fraction of numbers among text, from which on that is worth a note
DATES = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y")  # beside ISO 8601; of equals the first

COMMA = r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+"  # a number with a decimal comma


def rows_of(count: int) -> str:
    """'1 row', '1,200 rows'."""
    return f"{count:,} row{'' if count == 1 else 's'}"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column's `values[rows]`: float64 with NaN, int32 codes of `labels` with −1, or datetime64[D] with NaT.

    `whole`: all are integers, of a number.
    """

    name: str
    kind: Kind
    values: np.ndarray
    labels: tuple[str, ...] = ()
    whole: bool = False

    @property
    def known(self) -> np.ndarray:
        """Which rows have a value: bool `[rows]`."""
        if self.kind == "category":
            return self.values >= 0
        return ~np.isnat(self.values) if self.kind == "date" else ~np.isnan(self.values)


def typed_column(name: str, column: pa.ChunkedArray) -> tuple[Column | None, list[str]]:
    """A column and what is to be said of it; None where it is of no use."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        if not _is_text(kind.value_type):
            return typed_column(name, pa.chunked_array([part.dictionary_decode() for part in column.chunks]))
        return _of_text(name, column)
    if pa.types.is_boolean(kind):
        return _of_text(name, column.cast(pa.string()))
    if _is_text(kind):
        return _of_text(name, column)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return Column(name=name, kind="date", values=_numpy(column, "datetime64[s]").astype("datetime64[D]")), []
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _of_numbers(name, _numpy(column.cast(pa.float64(), safe=False), np.float64))
    said = "is empty" if pa.types.is_null(kind) else f"is of the type {clip(kind)}"
    return None, [f"'{clip(name)}' {said}: left out"]


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _numpy(column: pa.ChunkedArray, dtype: object) -> np.ndarray:
    return column.to_pandas().to_numpy(dtype=dtype, na_value=np.nan if dtype is np.float64 else np.datetime64("NaT"))


def _of_numbers(name: str, values: np.ndarray, notes: Sequence[str] = ()) -> tuple[Column | None, list[str]]:
    infinite = np.isinf(values)
    said = list(notes)
    if infinite.any():
        said.append(f"'{clip(name)}' is infinite in {rows_of(int(infinite.sum()))}: taken as missing")
        values = np.where(infinite, np.nan, values)
    known = values[~np.isnan(values)]
    if not len(known):
        return None, [*said, f"'{clip(name)}' is empty: left out"]
    return Column(name=name, kind="number", values=values, whole=bool((known == np.rint(known)).all())), said


def _of_text(name: str, column: pa.ChunkedArray) -> tuple[Column | None, list[str]]:
    codes, distinct = _distinct(column)
    counts = np.bincount(codes[codes >= 0], minlength=len(distinct))
    if not counts.sum():
        return None, [f"'{clip(name)}' is empty: left out"]
    numbers, commas = _numbers_of(distinct)
    share = counts[~np.isnan(numbers)].sum() / counts.sum()
    if share >= MOST:
        said = [f"'{clip(name)}' has decimal commas"] if commas else []
        said += _others(name, "numbers", distinct, counts, np.isnan(numbers))
        return _of_numbers(name, np.append(numbers, np.nan)[codes], said)
    dates, said = _dates_of(name, distinct, counts)
    if dates is not None:
        return Column(name=name, kind="date", values=np.append(dates, np.datetime64("NaT"))[codes]), said
    mixed = [f"'{clip(name)}' mixes numbers and text: taken as categories"] if share >= SOME else []
    return Column(name=name, kind="category", values=codes, labels=tuple(distinct)), mixed


def _distinct(column: pa.ChunkedArray) -> tuple[np.ndarray, list[str]]:
    """Codes `int32[rows]` of the sorted distinct texts, stripped; −1 where there is none."""
    encoded = (column if pa.types.is_dictionary(column.type) else column.dictionary_encode()).unify_dictionaries()
    if not encoded.num_chunks:
        return np.zeros(0, np.int32), []
    texts = pc.utf8_trim_whitespace(encoded.chunk(0).dictionary.cast(pa.string())).to_pylist()
    distinct = sorted({text for text in texts if text})
    place = {text: number for number, text in enumerate(distinct)}
    # One more at the end, which a missing value's −1 finds.
    new = np.array([place.get(text, -1) for text in texts] + [-1], dtype=np.int32)
    old = [chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in encoded.chunks]
    return new[np.concatenate(old)], distinct


def _numbers_of(texts: Sequence[str]) -> tuple[np.ndarray, bool]:
    """Each text as a number, NaN where it is none, and whether they have decimal commas."""
    series = pd.Series(texts, dtype="object")
    point = pd.to_numeric(series, errors="coerce").to_numpy(np.float64)
    commas = series.where(series.str.fullmatch(COMMA))
    comma = pd.to_numeric(commas.str.replace(".", "", regex=False).str.replace(",", "."), errors="coerce")
    found = np.where(np.isnan(point), comma.to_numpy(np.float64), point)
    return found, bool((np.isnan(point) & ~np.isnan(found)).any())


def _dates_of(name: str, texts: Sequence[str], counts: np.ndarray) -> tuple[np.ndarray | None, list[str]]:
    """Each text as a day, NaT where it is none, by the format that fits most rows; None where that is not most."""
    looks = np.array([text[:1].isdigit() and any(sign in text for sign in "-./") for text in texts])
    if counts[looks].sum() < MOST * counts.sum():
        return None, []
    series = pd.Series(texts, dtype="object")
    read = {style: pd.to_datetime(series, format=style, errors="coerce", utc=True) for style in ("ISO8601", *DATES)}
    fits = {style: int(counts[days.notna()].sum()) for style, days in read.items()}
    best = max(fits, key=lambda style: fits[style])
    if fits[best] < MOST * counts.sum():
        return None, []
    days = read[best].dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    said = _others(name, "dates", texts, counts, np.isnat(days))
    if {best} <= {"%d/%m/%Y", "%m/%d/%Y"} and fits["%d/%m/%Y"] == fits["%m/%d/%Y"]:
        said.append(f"'{clip(name)}' may be day or month first: taken as day first")
    return days, said


def _others(name: str, what: str, texts: Sequence[str], counts: np.ndarray, others: np.ndarray) -> list[str]:
    """A note on the texts that are not what the column holds."""
    if not others.any():
        return []
    first, rows = clip(texts[int(np.flatnonzero(others)[0])], 30), rows_of(int(counts[others].sum()))
    return [f"'{clip(name)}' holds {what}, but none in {rows} (as '{first}'): taken as missing"]
