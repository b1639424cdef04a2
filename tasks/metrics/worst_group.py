"""Where a model is worst: cells of (label, nuisance value), nuisance values, labels, families.

Tables of text predictions have a row a crop: `true`, `predicted`, and whatever columns are named.
"""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from tasks.metrics.wilson import wilson_interval

CELL_DESIGNS = 2  # a cell with fewer designs measures one design, not a nuisance value
FAMILY = "font_family"
WORST_FAMILIES = 10
DIGITS = 6

Lowest = tuple[float | None, str | None]  # an accuracy, and the name that has it


def accuracy_by(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """`n` and `accuracy` of each value of `column`, sorted by value; rows without a value are left out."""
    indices, values = pd.factorize(rows[column].astype(object), sort=True)
    n, hits = _counts(indices, _correct(rows), len(values))
    index = pd.Index(values, name=column)
    return pd.DataFrame({"n": n, "accuracy": hits / np.maximum(n, 1)}, index=index)


def worst_label(rows: pd.DataFrame, *, thin: Collection[str]) -> Lowest:
    """Lowest accuracy of a true label that is not in `thin`, and that label (of equals the first by name)."""
    cells = accuracy_by(rows, "true")
    return _lowest(cells.loc[~cells.index.isin(list(thin)), "accuracy"])


def counted_cells(rows: pd.DataFrame, *, nuisance: str | None, group: str, cell_crops: int) -> pd.DataFrame:
    """The (label, nuisance value) cells that are large enough to count, sorted by both.

    A cell counts with at least `cell_crops` crops and 2 groups; where the nuisance is the group itself, with the
    one that it has. Without a nuisance there are none.

    Returns:
        `n`, `groups`, `hits` (crops that are right) and `accuracy`, indexed by `true` and `nuisance`.
    """
    known = rows.iloc[:0] if nuisance is None else rows[rows[nuisance].notna()]
    labels, label_names = pd.factorize(known["true"].astype(str), sort=True)
    values, value_names = pd.factorize(known[nuisance or "true"].astype(str), sort=True)
    indices, width = labels * len(value_names) + values, len(label_names) * len(value_names)
    n, hits = _counts(indices, _correct(known), width)
    index = pd.MultiIndex.from_product([label_names, value_names], names=["true", "nuisance"])
    cells = pd.DataFrame({"n": n, "groups": _groups_in(indices, known[group], width), "hits": hits}, index=index)
    fewest = 1 if nuisance == group else CELL_DESIGNS
    cells = cells[(cells["n"] >= max(cell_crops, 1)) & (cells["groups"] >= fewest)]
    return cells.assign(accuracy=cells["hits"] / cells["n"])


def by_nuisance(cells: pd.DataFrame) -> pd.DataFrame:
    """Each nuisance value's `accuracy`, the mean over its cells, with their number (`cells`) and crops (`n`).

    A mean over labels: a value that few labels have counts as much as one that many have.
    """
    values = cells.groupby(level="nuisance")
    return pd.DataFrame({"accuracy": values["accuracy"].mean(), "cells": values.size(), "n": values["n"].sum()})


def worst_nuisance(cells: pd.DataFrame) -> Lowest:
    """The lowest accuracy of a nuisance value (`by_nuisance`), and that value (of equals the first by name)."""
    return _lowest(by_nuisance(cells)["accuracy"])


def worst_cell(cells: pd.DataFrame, *, confidence: float) -> dict[str, float | int | str | None]:
    """The cell with the lowest accuracy: `worst_cell`, its two names, `_n`, and its Wilson interval.

    Of equals the first by name; all None where no cell counts.
    """
    if cells.empty:
        return dict.fromkeys([f"worst_cell{end}" for end in ("", "_target", "_nuisance", "_n", "_low", "_high")])
    index = int(cells["accuracy"].to_numpy().argmin())
    (label, value), cell = cells.index[index], cells.iloc[index]
    return {
        "worst_cell": float(cell["accuracy"]),
        "worst_cell_target": str(label),
        "worst_cell_nuisance": str(value),
        "worst_cell_n": int(cell["n"]),
        **_bounds(int(cell["hits"]), int(cell["n"]), "worst_cell", confidence),
    }


def share_with_interval(correct: np.ndarray, name: str, *, confidence: float) -> dict[str, float | None]:
    """`name`, the share of `correct[n]`, with `name_low` and `name_high`, its Wilson interval; None of no crops."""
    hits, n = int(np.count_nonzero(correct)), len(correct)
    return {name: hits / n if n else None, **_bounds(hits, n, name, confidence)}


def nuisance_table(cells: pd.DataFrame) -> dict[str, Any]:
    """`by_nuisance` and the cells as JSON: `values.<value>` and `cells`, a list."""
    values = {
        str(value): {"accuracy": round(float(row["accuracy"]), DIGITS), "cells": int(row["cells"]), "n": int(row["n"])}
        for value, row in by_nuisance(cells).iterrows()
    }
    listed = [
        {"label": label, "value": value, "n": int(n), "groups": int(groups), "accuracy": round(accuracy, DIGITS)}
        for (label, value), n, groups, accuracy in zip(
            cells.index, cells["n"], cells["groups"], cells["accuracy"], strict=True
        )
    ]
    return {"values": values, "cells": listed}


def worst_families(rows: pd.DataFrame, *, cell_crops: int, confidence: float) -> list[dict[str, Any]]:
    """The ten font families with the lowest accuracy of those with `cell_crops` crops: lowest first, then by name."""
    found = accuracy_by(rows, FAMILY)
    found = found[found["n"] >= cell_crops].rename_axis("family").reset_index()
    entries = []
    for family, n, accuracy in found.sort_values(["accuracy", "family"]).head(WORST_FAMILIES).itertuples(index=False):
        low, high = wilson_interval(round(accuracy * n), int(n), confidence=confidence) or (None, None)
        numbers = {"accuracy": accuracy, "low": low, "high": high}
        entries.append({"family": str(family), "n": int(n), **_rounded(numbers)})
    return entries


def _correct(rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(rows["true"].astype(str) == rows["predicted"].astype(str))


def _counts(indices: np.ndarray, correct: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Crops and right crops at each of `width` indices; −1 is not counted."""
    known = indices >= 0
    n = np.bincount(indices[known], minlength=width)
    hits = np.bincount(indices[known & correct], minlength=width)
    return n, hits


def _groups_in(indices: np.ndarray, groups: pd.Series, width: int) -> np.ndarray:
    """How many different groups each of `width` indices has; a missing group is none."""
    codes, names = pd.factorize(groups.astype(object))
    known = codes >= 0
    pairs = np.unique(indices[known].astype(np.int64) * len(names) + codes[known])
    return np.bincount(pairs // max(len(names), 1), minlength=width)


def _bounds(hits: int, n: int, name: str, confidence: float) -> dict[str, float | None]:
    low, high = wilson_interval(hits, n, confidence=confidence) or (None, None)
    return {f"{name}_low": low, f"{name}_high": high}


def _rounded(values: dict[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None else round(float(value), DIGITS) for name, value in values.items()}


def _lowest(values: pd.Series) -> Lowest:
    if len(values) == 0:
        return None, None
    return float(values.min()), str(values.idxmin())
