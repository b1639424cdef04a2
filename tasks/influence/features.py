"""What the network reads of a table: a float32 matrix of standardised numbers and codes of categories."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.settings import InfluenceSettings
from tasks.influence.columns import Column, rows_of
from unfont.text import clip

OTHER = "other"
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SEASONS = ("winter", "spring", "summer", "autumn")  # meteorological, of the northern hemisphere: December is winter
FARTHEST = 10.0  # standard deviations: a value beyond is taken as that far away


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One of the network's inputs: a number, or a category whose code 0 is `other`.

    Attributes:
        column: the variable that it belongs to; `part` is what it is of a date, `missing`, or empty for the column.
        labels: of a category; a number has none.
        mean, deviation: of the training rows, by which a number is standardised; a missing one is at the mean.
        values: float32 of every row: standardised, or codes.
    """

    column: str
    part: str
    labels: tuple[str, ...]
    mean: float
    deviation: float
    values: np.ndarray

    @property
    def name(self) -> str:
        """'price', or 'month of day', where `day` is a date."""
        return f"{self.part} of {self.column}" if self.part else self.column


@dataclass(frozen=True, kw_only=True)
class Features:
    """All features, numbers first, their values `matrix[rows, features]`, and the columns that they belong to."""

    listed: tuple[Feature, ...]
    matrix: Tensor
    variables: tuple[str, ...]

    @property
    def numbers(self) -> int:
        """How many features are numbers."""
        return sum(not feature.labels for feature in self.listed)

    @property
    def sizes(self) -> list[int]:
        """Labels of each category."""
        return [len(feature.labels) for feature in self.listed if feature.labels]

    def of_variable(self) -> Tensor:
        """The place of each feature's variable: int64 `[features]`."""
        return torch.tensor([self.variables.index(feature.column) for feature in self.listed])


def encode_columns(
    columns: Sequence[Column], *, train: np.ndarray, held_out: np.ndarray, settings: InfluenceSettings
) -> tuple[Features, list[str]]:
    """The features of all columns that tell rows apart, and what is to be said.

    Means, deviations and labels are those of the rows `train`; `held_out` are looked at for labels that these lack.
    """
    found: list[Feature] = []
    notes: list[str] = []
    for column in columns:
        own, said = _encoded(column, train, held_out, settings)
        varying = [feature for feature in own if np.ptp(feature.values[train]) > 0]
        found += varying
        notes += said if varying else [f"{_reason(column, train)}: left out"]
    found.sort(key=lambda feature: bool(feature.labels))
    matrix = np.empty((len(columns[0].values) if columns else 0, len(found)), np.float32)
    for place, feature in enumerate(found):
        matrix[:, place] = feature.values
    used = {feature.column for feature in found}
    variables = tuple(column.name for column in columns if column.name in used)
    return Features(listed=tuple(found), matrix=torch.from_numpy(matrix), variables=variables), notes


def _encoded(
    column: Column, train: np.ndarray, held_out: np.ndarray, settings: InfluenceSettings
) -> tuple[list[Feature], list[str]]:
    if column.kind == "number":
        return _number(column, train)
    if column.kind == "date":
        return list(_date(column, train)), []
    return _category(column, train, held_out, settings)


def _reason(column: Column, train: np.ndarray) -> str:
    known = column.values[train][column.known[train]]
    if column.kind == "category" and len(known) > 1 and len(np.unique(known)) == len(known):
        return f"'{clip(column.name)}' has another value in every row"
    if is_count(column):
        return f"'{clip(column.name)}' numbers the rows"
    same = len(known) and (known == known[0]).all()
    return f"'{clip(column.name)}' {'is the same in every row' if same else 'has no value often enough to learn from'}"


def is_count(column: Column) -> bool:
    """Whether a column numbers the rows, in any order."""
    known = column.values[column.known]
    if column.kind != "number" or not column.whole or len(known) < 3 or np.ptp(known) + 1 != len(known):
        return False
    return len(np.unique(known)) == len(known)


def _number(column: Column, train: np.ndarray) -> tuple[list[Feature], list[str]]:
    values, mean, deviation = standardised(column.values, train)
    # A column that numbers the rows is no cause of anything.
    if deviation == 0 or is_count(column):
        return [], []
    far = np.abs(values) > FARTHEST
    name = clip(column.name)
    notes = [f"'{name}' is far from its mean in {rows_of(int(far.sum()))}: cut at 10 deviations"] if far.any() else []
    filled = np.clip(np.nan_to_num(values, nan=0.0), -FARTHEST, FARTHEST).astype(np.float32)
    found = [Feature(column=column.name, part="", labels=(), mean=mean, deviation=deviation, values=filled)]
    if not column.known[train].all():
        found.append(_flag(column))
    return found, notes


def _flag(column: Column) -> Feature:
    missing = (~column.known).astype(np.float32)
    return Feature(column=column.name, part="missing", labels=(), mean=0.0, deviation=1.0, values=missing)


def standardised(values: np.ndarray, train: np.ndarray) -> tuple[np.ndarray, float, float]:
    """`values` less the mean of the rows `train`, by their deviation; both (0: all are alike)."""
    scale = float(np.nanmax(np.abs(values[train]), initial=0.0)) or 1.0  # squares of very large numbers are infinite
    small = values[train] / scale
    mean, deviation = (float(np.nanmean(small)), float(np.nanstd(small))) if np.isfinite(small).any() else (0.0, 0.0)
    if deviation < 1e-12:
        return np.zeros_like(values), mean * scale, 0.0
    return (values / scale - mean) / deviation, mean * scale, deviation * scale


def _date(column: Column, train: np.ndarray) -> Iterator[Feature]:
    """Year, month, weekday and season; a date that is missing is `other` in all of them."""
    days, known = column.values, column.known
    months = days.astype("datetime64[M]").astype(np.int64)
    month = np.where(known, months % 12, -1)
    weekday = np.where(known, (days.astype(np.int64) + 3) % 7, -1)  # day 0, 1 January 1970, was a Thursday
    season = np.where(known, (month + 1) // 3 % 4, -1)
    years = np.where(known, months // 12 + 1970.0, np.nan)
    values, mean, deviation = standardised(years, train)
    if deviation:
        filled = np.clip(np.nan_to_num(values, nan=0.0), -FARTHEST, FARTHEST).astype(np.float32)
        yield Feature(column=column.name, part="year", labels=(), mean=mean, deviation=deviation, values=filled)
    for part, codes, labels in (
        ("month", month, MONTHS), ("weekday", weekday, WEEKDAYS), ("season", season, SEASONS)
    ):  # fmt: skip
        yield _of_codes(column.name, part, codes, labels)


def _of_codes(column: str, part: str, codes: np.ndarray, labels: Sequence[str]) -> Feature:
    values = (codes + 1).astype(np.float32)
    return Feature(column=column, part=part, labels=(OTHER, *labels), mean=0.0, deviation=1.0, values=values)


def _category(
    column: Column, train: np.ndarray, held_out: np.ndarray, settings: InfluenceSettings
) -> tuple[list[Feature], list[str]]:
    """The most frequent labels of training; what is rarer, new in the held-out rows, or missing is `other`."""
    name, codes = clip(column.name), column.values
    counts = np.bincount(codes[train][codes[train] >= 0], minlength=len(column.labels))
    frequent = np.flatnonzero(counts >= settings.rare)
    kept = np.sort(frequent[np.argsort(-counts[frequent], kind="stable")][: settings.categories])
    place = np.full(len(column.labels) + 1, -1)  # the last is what a missing value's −1 finds
    place[kept] = np.arange(len(kept))
    seen, new = int((counts > 0).sum()), np.unique(codes[held_out][codes[held_out] >= 0])
    unseen = int(np.isin(codes[held_out], new[counts[new] == 0]).sum())
    notes = []
    if seen > len(kept):
        notes.append(f"'{name}' has {seen:,} categories: the {len(kept):,} most frequent are kept, the others are one")
    if unseen:
        notes.append(f"'{name}' has categories in {rows_of(unseen)} held out that training lacks: read as '{OTHER}'")
    return [_of_codes(column.name, "", place[codes], [column.labels[number] for number in kept])], notes
