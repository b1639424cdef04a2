"""Figures for MLflow runs."""

from typing import Any


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
