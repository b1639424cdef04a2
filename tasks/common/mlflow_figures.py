"""Figures for MLflow runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.common.files import read_json


def draw_training(epochs: list[dict[str, float]]) -> Any:
    """Loss and accuracies by epoch, as a matplotlib figure.

    `epochs` is the list of history.json: `epoch` and any further number of each.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    steps = [epoch["epoch"] for epoch in epochs]
    for key in (key for key in epochs[0] if key not in ("epoch", "learning_rate")):
        axes = right if "accuracy" in key else left
        axes.plot(steps, [epoch.get(key) for epoch in epochs], marker="o", markersize=3, label=key)
    for axes in (left, right):
        axes.set_xlabel("epoch")
        if axes.lines:
            axes.legend(fontsize="small")
    return figure


def draw_confusion(predictions: Path, chosen: Path, *, split: str, severity: str) -> Any:
    """The chosen model's confusions on a split at a severity: a row a label, as fractions of it.

    Args:
        predictions, chosen: what `evaluate` wrote (`predictions.parquet`, `chosen.json`).
    """
    import pandas as pd
    from matplotlib.figure import Figure

    wanted = [("model", "==", read_json(chosen)["name"]), ("split", "==", split), ("severity", "==", severity)]
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


def draw_risk_coverage(plots: Path) -> Any:
    """The risk–coverage curve of each model, of `plots`/risk_coverage.csv (see `plot_tables`)."""
    import pandas as pd
    from matplotlib.figure import Figure

    points = pd.read_csv(plots / "risk_coverage.csv", dtype={"model": str}, keep_default_na=False)
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for model, own in points.groupby("model", sort=False):
        axes.plot(own["coverage"], own["risk"], label=model)
    axes.set_xlabel("coverage: fraction of the text crops, the most confident first")
    axes.set_ylabel("risk: fraction wrong of those")
    if axes.lines:
        axes.legend(fontsize="small")
    return figure


def draw_reliability(plots: Path) -> Any:
    """Accuracy of the chosen model by its confidence, with its temperature and without."""
    import pandas as pd
    from matplotlib.figure import Figure

    points = pd.read_csv(plots / "reliability.csv")
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, label="perfect calibration")
    for temperature, own in points.groupby("temperature", sort=False):
        axes.plot(own["confidence"], own["accuracy"], marker="o", markersize=3, label=f"temperature {temperature:g}")
    axes.set_xlabel("confidence: p of the prediction")
    axes.set_ylabel("accuracy")
    axes.legend(fontsize="small")
    return figure


def draw_by_nuisance(plots: Path) -> Iterator[tuple[str, Any]]:
    """Each nuisance and its figure: accuracy by value and model, means over labels; none without nuisances."""
    import pandas as pd
    from matplotlib.figure import Figure

    names = dict.fromkeys(["model", "nuisance", "value"], str)
    points = pd.read_csv(plots / "accuracy_by_nuisance.csv", dtype=names, keep_default_na=False)
    for nuisance, own in points.groupby("nuisance", sort=False):
        table = own.pivot(index="value", columns="model", values="accuracy")[list(dict.fromkeys(own["model"]))]
        figure = Figure(figsize=(2 + 1.2 * len(table), 4), layout="constrained")
        axes = figure.subplots()
        for number, model in enumerate(table.columns):
            left = number / (len(table.columns) + 1)
            axes.bar([row + left for row in range(len(table))], table[model], 1 / (len(table.columns) + 1), label=model)
        axes.set_xticks(range(len(table)), table.index, rotation=30, ha="right")
        axes.set_ylabel("accuracy, mean over labels")
        axes.legend(fontsize="small")
        yield str(nuisance), figure
