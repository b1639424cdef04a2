"""The tables behind the plots: small CSV files that `dvc plots show` and the MLflow figures plot."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tasks.common.files import written_whole
from tasks.metrics.calibration import reliability
from tasks.metrics.risk_coverage import risk_coverage

POINTS = 100  # of a risk–coverage curve
CONFUSED = 20_000  # crops of the confusion matrix, at most; by key, and so at random
DIGITS = 6
COLUMNS = {
    "confusion": ["actual", "predicted"],
    "risk_coverage": ["model", "coverage", "risk"],
    "reliability": ["temperature", "confidence", "accuracy", "n"],
    "accuracy_by_nuisance": ["model", "nuisance", "value", "accuracy", "cells", "n"],
    "training": ["model", "epoch", "loss", "accuracy", "validation_accuracy"],
}


def write_plots(folder: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write each of `COLUMNS`' tables as `<name>.csv`; a table without rows is a header."""
    with written_whole(folder) as beside:
        beside.mkdir()
        for name, columns in COLUMNS.items():
            tables[name].reindex(columns=columns).round(DIGITS).to_csv(
                beside / f"{name}.csv", index=False, lineterminator="\n"
            )


def confusion_points(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a crop, `actual` and `predicted`, of rows sorted by key: DVC counts them itself."""
    return rows[["true", "predicted"]].head(CONFUSED).rename(columns={"true": "actual"})


def risk_points(p: np.ndarray, correct: np.ndarray) -> pd.DataFrame:
    """`coverage` and `risk` at 1, 2, … 100% of the crops; of fewer crops at each."""
    coverage, risk = risk_coverage(p, correct)
    ends = np.ceil(np.arange(1, POINTS + 1) / POINTS * len(p)).astype(int)
    at = np.unique(ends[ends > 0]) - 1
    return pd.DataFrame({"coverage": coverage[at], "risk": risk[at]})


def reliability_points(rows: pd.DataFrame, temperature: float) -> pd.DataFrame:
    """`confidence` and `accuracy` by bin, with the model's `temperature` and without (1)."""
    correct = (rows["true"] == rows["predicted"]).to_numpy()
    probabilities = {temperature: rows["p"], 1.0: rows["p_raw"]}
    parts = [reliability(p.to_numpy(), correct).assign(temperature=value) for value, p in probabilities.items()]
    return pd.concat(parts, ignore_index=True)


def nuisance_points(tables: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """A row a model, nuisance and value, of `tables[model][nuisance]` (`tasks.metrics.worst_group.nuisance_table`)."""
    rows = [
        {"model": model, "nuisance": nuisance, "value": value, **numbers}
        for model, by_nuisance in tables.items()
        for nuisance, table in by_nuisance.items()
        for value, numbers in table["values"].items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS["accuracy_by_nuisance"])


def training_points(histories: Mapping[str, list[dict[str, Any]]]) -> pd.DataFrame:
    """A row a model and epoch, of the epochs in `history.json`."""
    rows = [{"model": model, **epoch} for model, epochs in histories.items() for epoch in epochs]
    return pd.DataFrame(rows, columns=COLUMNS["training"])


def by_model(points: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The models' tables, one below the other."""
    parts = [table.assign(model=model) for model, table in points.items()]
    return pd.concat(parts, ignore_index=True)
