"""Figures for MLflow runs."""

from pathlib import Path
from typing import Any

from tasks.files import read_json


def draw_training(epochs: list[dict[str, float]]) -> Any:
    """Loss and accuracies by epoch, as a matplotlib figure.

    `epochs` is the list of history.json: `epoch` and any further number of each.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    steps = [epoch["epoch"] for epoch in epochs]
    for key in (key for key in epochs[0] if key not in ("epoch", "rate")):
        axes = right if "accuracy" in key else left
        axes.plot(steps, [epoch.get(key) for epoch in epochs], marker="o", markersize=3, label=key)
    for axes in (left, right):
        axes.set_xlabel("epoch")
        if axes.lines:
            axes.legend(fontsize="small")
    return figure


def draw_confusion(predictions: Path, chosen: Path) -> Any:
    """The chosen model's confusions on designs never seen at light degradation: a row a label, in shares of it.

    Args:
        predictions, chosen: what `evaluate` wrote (`predictions.parquet`, `chosen.json`).
    """
    import pandas as pd
    from matplotlib.figure import Figure

    wanted = [("model", "==", read_json(chosen)["name"]), ("split", "==", "test_unseen"), ("severity", "==", "light")]
    rows = pd.read_parquet(predictions, columns=["true", "predicted"], filters=wanted).astype(str)
    labels = sorted(set(rows["true"]) | set(rows["predicted"]))
    shares = pd.crosstab(rows["true"], rows["predicted"], normalize="index").reindex(labels, columns=labels)
    figure = Figure(figsize=(7, 6.5), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares.fillna(0), cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize="x-small")
    axes.set_yticks(range(len(labels)), labels, fontsize="x-small")
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    return figure
