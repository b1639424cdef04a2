"""A table made ready: features, target, nuisance, and rows to train on and to measure on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from models.settings import InfluenceSettings
from models.training import UNKNOWN
from tasks.common.determinism import derived_seed
from tasks.influence.columns import Column, rows_of, typed_column
from tasks.influence.features import Features, encode_columns, is_count, standardised
from unfont.errors import UserError
from unfont.text import clip

FEWEST_ROWS = 50  # of a table
FEW = 20  # values of a whole number, up to which they are classes
MOST_CLASSES = 100
FEWEST_OF_CLASS = 5  # rows of a class that can be learned and measured
BINS = 5  # quantiles of a number that is told apart as labels: a target to the modes of invariance, or a nuisance
MOST_LABELS = 50  # of a nuisance, the most frequent; rows of others have none


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is predicted: one of `labels`, or a number.

    Attributes:
        classes: int64 `[rows]`, −1 where there is none; of a number the quantile.
        labels: of the classes; empty for a number.
        numbers: float32 `[rows]`, a number standardised by `mean` and `deviation` of the training rows.
    """

    name: str
    classes: Tensor
    labels: tuple[str, ...] = ()
    numbers: Tensor | None = None
    mean: float = 0.0
    deviation: float = 1.0

    @property
    def outputs(self) -> int:
        """The network's outputs."""
        return len(self.labels) or 1


@dataclass(frozen=True, kw_only=True)
class Nuisance:
    """A column that the embedding should not hold: int64 `codes[rows]` of its labels, `UNKNOWN` where it has none."""

    name: str
    codes: Tensor
    labels: int


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A table as the network reads it; `train` and `held_out` are the numbers of rows with a target, shuffled.

    `notes` say what was left out of it or read in a way that one might not expect.
    """

    source: str
    rows: int
    features: Features
    target: Target
    nuisance: Nuisance | None
    train: Tensor
    held_out: Tensor
    notes: tuple[str, ...]


def make_dataset(
    table: pa.Table, path: Path, *, target: str, nuisance: str | None, settings: InfluenceSettings, seed: int
) -> Dataset:
    """Type the columns of a table, split its rows by the seed, and encode them.

    Raises:
        UserError: there is no such column, the target or the nuisance cannot serve, or nothing is left to learn from.
    """
    for name in filter(None, (target, nuisance)):
        if name not in table.column_names:
            known = ", ".join(clip(each, 30) for each in table.column_names[:20])
            more = f", and {table.num_columns - 20} more" if table.num_columns > 20 else ""
            raise UserError(f"there is no column '{clip(name)}'", where=path, fix=f"it has {known}{more}")
    if target == nuisance:
        raise UserError("a column cannot be target and nuisance", where=f"--nuisance {clip(nuisance)}", fix="name two")
    columns: dict[str, Column | None] = {}
    notes: list[str] = []
    for name in table.column_names:
        columns[name], said = typed_column(name, table[name])
        notes += said
    wanted = _given(columns, target, path)
    usable, labels, left_out = _usable_rows(wanted, path)
    if left_out:
        notes.append(f"{rows_of(left_out)} without a target that can be learned: left out")
    if len(usable) < FEWEST_ROWS:
        what = f"{rows_of(len(usable))} with a target are too few to learn from"
        raise UserError(what, where=path, fix=f"give {FEWEST_ROWS} or more")
    held_out, train = _split(usable, settings.held_out, seed)
    unlearned = None if nuisance is None else _nuisance(_given(columns, nuisance, path), train, path)
    others = [each for each in columns.values() if each is not None and each.name not in (target, nuisance)]
    features, said = encode_columns(others, train=train, held_out=held_out, settings=settings)
    if not features.listed:
        raise UserError("no other column can be learned from", where=path, fix="give columns that tell rows apart")
    return Dataset(
        source=str(path),
        rows=table.num_rows,
        features=features,
        target=_target(wanted, labels, train),
        nuisance=unlearned,
        train=torch.from_numpy(train),
        held_out=torch.from_numpy(held_out),
        notes=(*notes, *said),
    )


def _given(columns: dict[str, Column | None], name: str, path: Path) -> Column:
    found = columns[name]
    if found is None:
        what = f"the column '{clip(name)}' has no values that can be used"
        raise UserError(what, where=path, fix="name another column")
    return found


def _usable_rows(column: Column, path: Path) -> tuple[np.ndarray, list[float], int]:
    """The rows with a target, its values that are classes (none: it is a number), and how many rows are left out."""
    rows = np.flatnonzero(column.known)
    values, counts = np.unique(column.values[rows], return_counts=True)
    where = f"{path}: {clip(column.name)}"
    if column.kind == "date":
        raise UserError("the target is a date", where=where, fix="name a column of numbers or classes")
    if len(values) < 2:
        raise UserError("the target is the same in every row", where=where, fix="name a column that differs")
    # Numbers that differ in every row are measurements, unless they count the rows.
    if (column.kind == "category" and counts.max() == 1) or is_count(column):
        raise UserError("the target is another one in every row", where=where, fix="name a column that repeats")
    if column.kind == "number" and len(values) > (FEW if column.whole else 2):
        return rows, [], len(column.values) - len(rows)
    kept = values[counts >= FEWEST_OF_CLASS]
    if not 2 <= len(kept) <= MOST_CLASSES:
        what = f"the target has {len(kept)} classes of {FEWEST_OF_CLASS} rows or more"
        raise UserError(what, where=where, fix=f"name a column with 2 to {MOST_CLASSES}")
    rows = rows[np.isin(column.values[rows], kept)]
    return rows, kept.tolist(), len(column.values) - len(rows)


def _split(rows: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows held out, and those of training."""
    shuffled = np.random.default_rng(derived_seed(seed, "influence", "split")).permutation(rows)
    count = max(1, round(share * len(rows)))
    return shuffled[:count], shuffled[count:]


def _target(column: Column, classes: Sequence[float], train: np.ndarray) -> Target:
    if not classes:
        values, mean, deviation = standardised(column.values, train)
        bins = _quantiles(column, train)
        numbers = torch.from_numpy(np.nan_to_num(values).astype(np.float32))
        return Target(name=column.name, classes=bins, numbers=numbers, mean=mean, deviation=deviation)
    codes = np.searchsorted(classes, column.values).clip(max=len(classes) - 1)
    codes = np.where(np.asarray(classes)[codes] == column.values, codes, UNKNOWN)
    if column.kind == "category":
        labels = tuple(column.labels[int(code)] for code in classes)
    else:
        labels = tuple(f"{value:g}" for value in classes)
    return Target(name=column.name, classes=torch.from_numpy(codes), labels=labels)


def _nuisance(column: Column, train: np.ndarray, path: Path) -> Nuisance:
    where = f"{path}: {clip(column.name)}"
    if column.kind == "date":
        raise UserError("the nuisance is a date", where=where, fix="name a column of categories or numbers")
    known = column.values[train][column.known[train]]
    values, counts = np.unique(known, return_counts=True)
    if len(values) < 2 or (column.kind == "category" and counts.max() == 1):
        said = "the same" if len(values) < 2 else "another one"
        raise UserError(f"the nuisance is {said} in every row", where=where, fix="name a column that repeats")
    if column.kind == "number" and len(values) > (FEW if column.whole else 2):
        codes = _quantiles(column, train)
        return Nuisance(name=column.name, codes=codes, labels=int(codes.max()) + 1)
    kept = np.sort(values[np.argsort(-counts, kind="stable")][:MOST_LABELS])
    places = np.searchsorted(kept, column.values).clip(max=len(kept) - 1)
    labels = np.where(kept[places] == column.values, places, UNKNOWN)
    return Nuisance(name=column.name, codes=torch.from_numpy(labels), labels=len(kept))


def _quantiles(column: Column, train: np.ndarray) -> Tensor:
    """The quantile, 0 to `BINS` − 1, of each row's number among those of the training rows; `UNKNOWN` without one."""
    known = column.values[train][column.known[train]]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    return torch.from_numpy(np.where(column.known, np.searchsorted(edges, column.values, side="right"), UNKNOWN))
