"""The report's counts and rates, from tables of predictions and mined crops."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from tasks.metrics import worst_group
from tasks.metrics.wilson import wilson_interval
from tasks.mine.select import ADDED, OUTCOMES

CONFIDENCE = 0.95  # of the intervals


def confusion(rows: pd.DataFrame, labels: list[str]) -> np.ndarray:
    """Counts `[true, predicted]` of `rows` (columns true, predicted) over `labels`, int64."""
    number = {label: index for index, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(counts, (rows["true"].map(number).to_numpy(int), rows["predicted"].map(number).to_numpy(int)), 1)
    return counts


def strongest_confusions(counts: np.ndarray, labels: list[str], *, most: int) -> list[dict[str, Any]]:
    """The off-diagonal cells with the largest fraction of their row, the largest first."""
    totals = counts.sum(axis=1)
    cells = [
        {
            "true": labels[true],
            "predicted": labels[predicted],
            "count": int(counts[true, predicted]),
            "n": int(totals[true]),
            "share": float(counts[true, predicted] / totals[true]),
        }
        for true, predicted in np.argwhere(counts)
        if true != predicted
    ]
    return sorted(cells, key=lambda cell: (-cell["share"], -cell["count"], cell["true"], cell["predicted"]))[:most]


def accuracy_by(rows: pd.DataFrame, column: str) -> list[dict[str, Any]]:
    """Accuracy of each value of `column`, the lowest first, with n and the 95% Wilson interval.

    Rows without a value are left out.
    """
    cells = worst_group.accuracy_by(rows, column)
    groups = []
    for value, n, accuracy in zip(cells.index, cells["n"], cells["accuracy"], strict=True):
        correct = round(n * accuracy)
        low, high = wilson_interval(correct, int(n), confidence=CONFIDENCE) or (0.0, 1.0)
        group = {"value": str(value), "n": int(n), "correct": correct, "accuracy": float(accuracy)}
        groups.append(group | {"low": low, "high": high})
    return sorted(groups, key=lambda group: (group["accuracy"], group["value"]))


def outcomes(mined: pd.DataFrame) -> dict[str, int]:
    """How many rows of mined.parquet have each outcome, in the order of `OUTCOMES`, zeros included."""
    found = Counter(mined["outcome"].astype(str))
    return {outcome: found[outcome] for outcome in dict.fromkeys([*OUTCOMES, *sorted(found)])}


def nuisance_counts(mined: pd.DataFrame) -> list[dict[str, Any]]:
    """By nuisance value the false positives found and those added, the most frequent first; None: not known."""
    values = mined["nuisance"].astype(object).where(mined["nuisance"].notna(), None)
    added = Counter(values[mined["outcome"] == ADDED])
    found = [{"nuisance": value, "found": count, "added": added[value]} for value, count in Counter(values).items()]
    return sorted(found, key=lambda row: (-row["found"], str(row["nuisance"] or "")))


def pair_counts(mined: pd.DataFrame) -> list[dict[str, Any]]:
    """How many mined rows each (true, predicted) pair has and its highest score, the most frequent first."""
    pairs = mined.astype({"true": str, "predicted": str}).groupby(["true", "predicted"])["score"].agg(["size", "max"])
    found = [
        {"true": true, "predicted": predicted, "count": int(count), "score": float(score)}
        for (true, predicted), count, score in zip(pairs.index, pairs["size"], pairs["max"], strict=True)
    ]
    return sorted(found, key=lambda pair: (-pair["count"], pair["true"], pair["predicted"]))


def in_turn(rows: pd.DataFrame, columns: list[str], *, most: int) -> pd.DataFrame:
    """At most `most` rows: the first of every group, then the second of every group, and so on.

    Within a turn rows keep their order, so sorted rows stay sorted, and one frequent group does not fill the page.
    """
    turn = rows.groupby(columns, observed=True).cumcount()
    return rows.iloc[np.argsort(turn.to_numpy(), kind="stable")[:most]]
