"""The contents of a crop table, counted in one pass over its labels."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

NONE = "(none)"  # a label that is missing
SAMPLES = 3  # crops shown of a cell
Cell = tuple[str, str]


class Place(NamedTuple):
    """Where a row lies: shard, row group of the shard, row of the group."""

    shard: int
    group: int
    row: int


@dataclass
class Contents:
    """Counts of rows: by split; by target; by (target, nuisance) for each nuisance; by split and target; by family.

    `samples` are the first rows of each cell of target and first nuisance, in the table's order: by split, then key.
    """

    rows: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    targets: Counter[str] = field(default_factory=Counter)
    cells: dict[str, Counter[Cell]] = field(default_factory=dict)
    by_split: Counter[Cell] = field(default_factory=Counter)
    families: set[str | None] = field(default_factory=set)
    near: int = 0
    samples: dict[Cell, list[Place]] = field(default_factory=dict)


def read_contents(shards: list[Path], *, target: str, nuisances: list[str]) -> Contents:
    """Count the rows of `shards`; a row group at a time is held, without its images."""
    contents = Contents(cells={name: Counter() for name in nuisances})
    for shard, group, frame in _groups(shards, [target, *nuisances, "split", "font_family"]):
        labels = {name: frame[name] for name in {target, *nuisances, "split"}}
        contents.rows += len(frame)
        contents.splits.update(_counted(labels["split"]))
        contents.targets.update(_counted(labels[target]))
        contents.by_split.update(_pairs(frame, "split", target))
        contents.families.update(frame["font_family"].unique())
        for name in nuisances:
            contents.cells[name].update(_pairs(frame, target, name))
        for cell, rows in _rows_of(frame, [target, *nuisances[:1]]):
            held = contents.samples.setdefault(cell, [])
            held += [Place(shard, group, row) for row in rows[: SAMPLES - len(held)]]
    return contents


def _groups(shards: list[Path], columns: list[str]) -> Iterator[tuple[int, int, pd.DataFrame]]:
    for number, shard in enumerate(shards):
        with pq.ParquetFile(shard) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=list(dict.fromkeys(columns)))
                texts = pa.schema([(name, pa.string()) for name in table.column_names])
                frame = table.cast(texts).to_pandas()
                labels = [name for name in frame.columns if name != "font_family"]
                frame[labels] = frame[labels].fillna(NONE)
                frame["font_family"] = frame["font_family"].astype(object).where(frame["font_family"].notna(), None)
                yield number, group, frame


def _counted(labels: pd.Series) -> dict[str, int]:
    return {str(label): int(count) for label, count in labels.value_counts().items()}


def _pairs(frame: pd.DataFrame, one: str, two: str) -> dict[Cell, int]:
    return {cell: len(rows) for cell, rows in _rows_of(frame, [one, two])}


def _rows_of(frame: pd.DataFrame, columns: list[str]) -> list[tuple[Cell, list[int]]]:
    """The rows of each cell of one or two columns, in order; of one column the cell's second name is empty."""
    found = frame.groupby(list(dict.fromkeys(columns)), sort=False).indices
    cells = (name if isinstance(name, tuple) else (name,) for name in found)
    names = [(str(cell[0]), str(cell[1]) if len(columns) > 1 and len(cell) > 1 else "") for cell in cells]
    return [(name, [int(row) for row in rows]) for name, rows in zip(names, found.values(), strict=True)]
