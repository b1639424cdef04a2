"""How the trainings went: the target's head and the nuisance heads, and λ, from stretch to stretch."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from tasks.pages.svg import Axis, Plot, number_axis, series, share_axis
from tasks.report.evidence import Evidence
from tasks.report.modes import ComparedModels
from tasks.train.curves import Curve

NOT_DRAWN = ("epoch", "learning_rate")
TICKS = 10  # of rounds, at most
TITLES = {"loss": "{target}: loss", "accuracy": "{target}: accuracy", "strength": "λ, what the backbone is pushed with"}

Points = list[tuple[float, float]]


def mode_curves(evidence: Evidence, compared: ComparedModels) -> dict[str, Curve]:
    """The curve of each mode that has one."""
    found = {mode: evidence.curves.get(mode, []) for mode in compared.modes}
    return {mode: curve for mode, curve in found.items() if curve}


def mode_plots(curves: dict[str, Curve], compared: ComparedModels, *, target: str) -> list[tuple[str, Markup]]:
    """A plot a figure, a line a mode that has it: the target's first, then the heads', λ and what modes add."""
    names = {name: None for curve in curves.values() for point in curve for name in point if name not in NOT_DRAWN}
    order = [*(name for name in TITLES if name in names), *sorted(set(names) - set(TITLES))]
    x = epoch_axis(max(map(epochs_of, curves.values()), default=1))
    return [
        (
            title_of(name, target),
            _plot(
                title_of(name, target),
                x,
                {mode: (f"series {compared.style(mode)}", points_of(curve, name)) for mode, curve in curves.items()},
                share=name.endswith("accuracy"),
            ),
        )
        for name in order
    ]


def round_plots(curves: dict[str, Curve], *, target: str) -> list[tuple[str, Markup]]:
    """The rounds' loss and accuracy, end to end, of those that trained; nothing where none left a curve."""
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
    for figure in ("loss", "accuracy"):
        moved = {
            name: (series(2), [(starts[name] + place, value) for place, value in points_of(curve, figure)])
            for name, curve in curves.items()
        }
        title = title_of(figure, target)
        plots.append((title, _plot(title, x, moved, share=figure == "accuracy")))
    return plots


def title_of(figure: str, target: str) -> str:
    """`font_style_loss` as 'font style head: loss'."""
    if figure in TITLES:
        return TITLES[figure].format(target=target)
    name, _, kind = figure.rpartition("_")
    words = name.replace("_", " ")
    return words if kind not in ("loss", "accuracy") else f"{words}: {kind}"


def epochs_of(curve: Curve) -> int:
    """How many epochs a training had, by its last point, which lies in the last one."""
    return int(curve[-1]["epoch"]) + 1


def epoch_axis(epochs: int) -> Axis:
    """Ticks at whole epochs; of one epoch at its parts."""
    step = -(-epochs // TICKS)
    whole: list[float] = [float(number) for number in range(0, epochs + 1, step)]
    ticks = whole if epochs > 1 else [0.0, 0.25, 0.5, 0.75, 1.0]
    return Axis(title="epochs", low=0.0, high=float(epochs), ticks=[(tick, f"{tick:g}") for tick in ticks])


def points_of(curve: Curve, figure: str) -> Points:
    """(epoch, value) of the stretches that have the figure."""
    return [(point["epoch"], point[figure]) for point in curve if figure in point]


def _plot(title: str, x: Axis, lines: dict[str, tuple[str, Points]], *, share: bool) -> Markup:
    values = [value for _, points in lines.values() for _, value in points]
    y = share_axis("", values) if share else number_axis("", values)
    known: dict[str, Any] = {name: (style, points) for name, (style, points) in lines.items() if points}
    said = "; ".join(f"{name} {points[0][1]:.3g} to {points[-1][1]:.3g}" for name, (_, points) in known.items())
    plot = Plot(f"{title}, from the first stretch to the last: {said}", x=x, y=y, height=200)
    for name, (style, points) in known.items():
        plot.line(points, style=style, title=name)
    return plot.svg()
