"""Training curves: losses and accuracies of the target head and the nuisance heads, and λ."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from tasks.pages.svg import Axis, Plot, number_axis, series, share_axis
from tasks.report.evidence import Evidence
from tasks.report.invariance.modes import ComparedModels
from tasks.train.curves import Curve

NOT_PLOTTED = ("epoch", "learning_rate")
TICKS = 10  # of rounds, at most
TITLES = {"loss": "{target}: loss", "accuracy": "{target}: accuracy", "strength": "λ, weight of the reversed gradient"}

Points = list[tuple[float, float]]


def mode_curves(evidence: Evidence, compared: ComparedModels) -> dict[str, Curve]:
    """The curves of the modes that have one."""
    found = {mode: evidence.curves.get(mode, []) for mode in compared.modes}
    return {mode: curve for mode, curve in found.items() if curve}


def mode_plots(curves: dict[str, Curve], compared: ComparedModels, *, target: str) -> list[tuple[str, Markup]]:
    """A plot for each metric, a line for each mode that has it: the target's first, then λ and the other heads'."""
    names = {name: None for curve in curves.values() for point in curve for name in point if name not in NOT_PLOTTED}
    order = [*(name for name in TITLES if name in names), *sorted(set(names) - set(TITLES))]
    x = epoch_axis(max(map(epochs_of, curves.values()), default=1))
    plots = []
    for name in order:
        title = title_of(name, target)
        lines = {mode: (f"series {compared.css_class(mode)}", points_of(curve, name)) for mode, curve in curves.items()}
        plots.append((title, _plot(title, x, lines, share=name.endswith("accuracy"))))
    return plots


def round_plots(curves: dict[str, Curve], *, target: str) -> list[tuple[str, Markup]]:
    """Loss and accuracy of the rounds that trained, one after the other; empty where none has a curve."""
    if not curves:
        return []
    starts, at = {}, 0.0
    for name, curve in curves.items():
        starts[name] = at
        at += epochs_of(curve)
    step = -(-len(starts) // TICKS)
    ticks = [(start, name.removeprefix("round-")) for name, start in list(starts.items())[::step]]
    x = Axis(title="round, by its first step", low=0.0, high=at, ticks=ticks)
    plots = []
    for metric in ("loss", "accuracy"):
        moved = {
            name: (series(2), [(starts[name] + epoch, value) for epoch, value in points_of(curve, metric)])
            for name, curve in curves.items()
        }
        title = title_of(metric, target)
        plots.append((title, _plot(title, x, moved, share=metric == "accuracy")))
    return plots


def title_of(metric: str, target: str) -> str:
    """`font_style_loss` as 'font style: loss'."""
    if metric in TITLES:
        return TITLES[metric].format(target=target)
    name, _, kind = metric.rpartition("_")
    words = name.replace("_", " ")
    return words if kind not in ("loss", "accuracy") else f"{words}: {kind}"


def epochs_of(curve: Curve) -> int:
    """How many epochs a training had: its last point is in the last one."""
    return int(curve[-1]["epoch"]) + 1


def epoch_axis(epochs: int) -> Axis:
    """Ticks at whole epochs; at quarters where there is only one."""
    step = -(-epochs // TICKS)
    whole: list[float] = [float(number) for number in range(0, epochs + 1, step)]
    ticks = whole if epochs > 1 else [0.0, 0.25, 0.5, 0.75, 1.0]
    return Axis(title="epochs", low=0.0, high=float(epochs), ticks=[(tick, f"{tick:g}") for tick in ticks])


def points_of(curve: Curve, metric: str) -> Points:
    """(epoch, value) of the points that have the metric."""
    return [(point["epoch"], point[metric]) for point in curve if metric in point]


def _plot(title: str, x: Axis, lines: dict[str, tuple[str, Points]], *, share: bool) -> Markup:
    values = [value for _, points in lines.values() for _, value in points]
    y = share_axis("", values) if share else number_axis("", values)
    known: dict[str, Any] = {name: (css_class, points) for name, (css_class, points) in lines.items() if points}
    summary = "; ".join(f"{name} {points[0][1]:.3g} to {points[-1][1]:.3g}" for name, (_, points) in known.items())
    plot = Plot(f"{title}, from the first point to the last: {summary}", x=x, y=y, height=200)
    for name, (css_class, points) in known.items():
        plot.line(points, css_class=css_class, title=name)
    return plot.svg()
