"""Confidence of the models: risk–coverage curves and reliability diagrams."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from tasks.pages.svg import Axis, Plot, colour, share_axis

DIAGONAL = ((0.0, 0.0), (1.0, 1.0))
TICKS = [(n / 5, f"{20 * n}%") for n in range(6)]


def risk_lines(points: pd.DataFrame, models: list[str]) -> dict[str, list[tuple[float, float]]]:
    """(coverage, risk) of each model, from its most confident predictions to all."""
    wanted = {model: points[points["model"] == model] for model in models}
    return {
        model: list(zip(rows["coverage"].tolist(), rows["risk"].tolist(), strict=True))
        for model, rows in wanted.items()
    }


def risk_plot(lines: dict[str, list[tuple[float, float]]]) -> Markup:
    """A line for each model, in the colours of `colour`, in their order."""
    known = {model: line for model, line in lines.items() if line}
    x = Axis(title="coverage", low=0, high=1, ticks=TICKS)
    y = share_axis("risk (error rate)", [0.0, *(risk for line in known.values() for _, risk in line)])
    summary = "; ".join(f"{model} {100 * line[-1][1]:.1f}% of all predictions" for model, line in known.items())
    plot = Plot(f"Error rate among the most confident predictions: {summary}", x=x, y=y)
    for number, model in enumerate(lines):
        if model in known:
            plot.line(known[model], css_class=f"series {colour(number)}", title=model)
    return plot.svg()


def reliability_rows(points: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """The bins (`confidence`, `accuracy`, `n`) by temperature: the model's own, and 1, which is no scaling."""
    found: dict[str, list[dict[str, Any]]] = {}
    for temperature, rows in points.groupby("temperature", sort=True):
        found[f"{temperature:g}"] = [
            {"confidence": float(confidence), "accuracy": float(accuracy), "n": int(n)}
            for confidence, accuracy, n in zip(rows["confidence"], rows["accuracy"], rows["n"], strict=True)
        ]
    return found


def reliability_plot(rows: dict[str, list[dict[str, Any]]], *, own: str) -> Markup:
    """Accuracy by confidence: calibrated probabilities are on the diagonal."""
    x = Axis(title="confidence", low=0, high=1, ticks=TICKS)
    plot = Plot("Accuracy by confidence", x=x, y=Axis(title="accuracy", low=0, high=1, ticks=TICKS))
    plot.line(DIAGONAL, css_class="series rest dashed", title="perfect calibration")
    for temperature, bins in rows.items():
        css_class = f"series {colour(2)} own" if temperature == own else f"series {colour(5)}"
        line = [(each["confidence"], each["accuracy"]) for each in bins]
        plot.line(line, css_class=css_class, title=f"temperature {temperature}")
    return plot.svg()
