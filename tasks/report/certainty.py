"""How sure the models are: what withholding answers buys, and whether a probability means what it says."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from tasks.pages.svg import Axis, Plot, colour, share_axis

DIAGONAL = ((0.0, 0.0), (1.0, 1.0))
SHARES = [(n / 5, f"{20 * n}%") for n in range(6)]


def risk_lines(points: pd.DataFrame, models: list[str]) -> dict[str, list[tuple[float, float]]]:
    """(coverage, risk) of each of the models, from the surest answers to all."""
    wanted = {model: points[points["model"] == model] for model in models}
    return {
        model: list(zip(rows["coverage"].tolist(), rows["risk"].tolist(), strict=True))
        for model, rows in wanted.items()
    }


def risk_plot(lines: dict[str, list[tuple[float, float]]]) -> Markup:
    """A line a model, in the colours of `colour`, in their order."""
    known = {model: line for model, line in lines.items() if line}
    x = Axis(title="answered", low=0, high=1, ticks=SHARES)
    y = share_axis("wrong among them", [0.0, *(risk for line in known.values() for _, risk in line)])
    said = "; ".join(f"{model} {100 * line[-1][1]:.1f}% of all answers" for model, line in known.items())
    plot = Plot(f"Share wrong among the surest answers: {said}", x=x, y=y)
    for number, model in enumerate(lines):
        if model in known:
            plot.line(known[model], style=f"series {colour(number)}", title=model)
    return plot.svg()


def reliability_rows(points: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """The bins (`confidence`, `accuracy`, `n`) by temperature: the model's own, and 1, which is without."""
    found: dict[str, list[dict[str, Any]]] = {}
    for temperature, rows in points.groupby("temperature", sort=True):
        found[f"{temperature:g}"] = [
            {"confidence": float(confidence), "accuracy": float(accuracy), "n": int(n)}
            for confidence, accuracy, n in zip(rows["confidence"], rows["accuracy"], rows["n"], strict=True)
        ]
    return found


def reliability_plot(rows: dict[str, list[dict[str, Any]]], *, own: str) -> Markup:
    """How often answers are right by how sure they are; on the diagonal a probability means what it says."""
    x = Axis(title="how sure", low=0, high=1, ticks=SHARES)
    plot = Plot("Share right by stated probability", x=x, y=Axis(title="how often right", low=0, high=1, ticks=SHARES))
    plot.line(DIAGONAL, style="series rest dashed", title="a probability that means what it says")
    for temperature, bins in rows.items():
        style = f"series {colour(2)} own" if temperature == own else f"series {colour(5)}"
        line = [(each["confidence"], each["accuracy"]) for each in bins]
        plot.line(line, style=style, title=f"temperature {temperature}")
    return plot.svg()
