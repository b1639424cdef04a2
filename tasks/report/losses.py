"""The page of the losses: the loss of an example by p of its true label, and histograms of the training examples."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from markupsafe import Markup

from models.losses import focal_curve, modulation
from models.settings import LossSettings
from tasks.common.params import UNWRITTEN
from tasks.pages.svg import Axis, Plot, series, share_axis
from tasks.report.evidence import Evidence, Round
from tasks.report.site import Site

GAMMAS = (0.0, 0.5, 1.0, 2.0, 5.0)  # those of the focal loss's paper
EASY = 0.9  # from this p(true label) on, an example is called easy
POINTS = 100  # of a curve
HIGHEST = 5.0  # highest loss that the plots show
P_AXIS = Axis(title="p of the true label", low=0, high=1, ticks=[(n / 5, f"{n / 5:g}") for n in range(6)])
LOSS_AXIS = Axis(title="loss", low=0, high=HIGHEST, ticks=[(n, f"{n}") for n in range(6)])
GROUPS = {"text": "text", UNWRITTEN: "without text", "mined": "mined by a round"}


def write_losses(site: Site, evidence: Evidence) -> None:
    settings = evidence.params.loss
    own = gamma_of(settings)
    gammas = sorted({*GAMMAS, own})
    rounds = [{"round": one.number, "groups": loss_shares(one.examples, gammas)} for one in evidence.rounds]
    site.write(
        "losses",
        template="losses",
        numbers={"loss": settings.model_dump(mode="json"), "gamma": own, "curves": curves(gammas), "rounds": rounds},
        evidence=evidence,
        gammas=[(gamma, series(number), gamma == own) for number, gamma in enumerate(gammas)],
        own=own,
        easy=EASY,
        plots=_loss_plots(gammas, own),
        scaled=_scaled_sinusoids(),
        rounds=[
            (row, _histograms(one, evidence.rounds, own, gammas))
            for row, one in zip(rounds, evidence.rounds, strict=True)
        ],
        groups=GROUPS | {"all": "all"},
    )


def gamma_of(settings: LossSettings) -> float:
    """γ of the loss that was trained with; cross-entropy is focal loss at 0."""
    return settings.gamma if settings.name == "focal" else 0.0


def curves(gammas: list[float]) -> dict[str, Any]:
    """The scaling factor `(1 - p)^γ` and the loss for each γ, over `p`: the plotted curves."""
    p = torch.linspace(1 / POINTS, 1, POINTS, dtype=torch.float64)
    return {
        "p": _rounded(p),
        "factor": {f"{gamma:g}": _rounded(modulation(p.log(), gamma)) for gamma in gammas},
        "loss": {f"{gamma:g}": _rounded(focal_curve(p, gamma=gamma)) for gamma in gammas},
    }


def loss_shares(examples: dict[str, Any] | None, gammas: list[float]) -> dict[str, dict[str, Any]]:
    """For each group of examples.json, and for `all`: the number of examples, the fraction of them that is easy, and
    the fraction of the group's total loss that the easy ones contribute (`paid`, by γ).

    Each example counts as the middle of its bin, without smoothing and weights. Without examples there are no groups.
    """
    if not examples or not examples["groups"]:
        return {}
    edges = np.array(examples["edges"])
    middles = torch.from_numpy((edges[:-1] + edges[1:]) / 2)
    easy = middles.numpy() >= EASY
    counts = {group: np.array(examples["groups"][group]) for group in GROUPS if group in examples["groups"]}
    counts["all"] = np.sum(list(counts.values()), axis=0)
    losses = {gamma: focal_curve(middles, gamma=gamma).numpy() for gamma in gammas}
    return {
        group: {
            "examples": int(found.sum()),
            "easy": _share(found, easy),
            "paid": {f"{gamma:g}": _share(found * loss, easy) for gamma, loss in losses.items()},
        }
        for group, found in counts.items()
    }


def _share(values: np.ndarray, chosen: np.ndarray) -> float | None:
    whole = float(values.sum())
    return round(float(values[chosen].sum()) / whole, 6) if whole > 0 else None


def _rounded(values: torch.Tensor) -> list[float]:
    return [round(value, 6) + 0.0 for value in values.tolist()]


def _loss_plots(gammas: list[float], own: float) -> dict[str, Markup]:
    """Cross-entropy, the scaling factor, and their product."""
    found = curves(gammas)
    factor_axis = Axis(title="factor", low=0, high=1, ticks=[(n / 4, f"{n / 4:g}") for n in range(5)])
    entropy = Plot("Cross-entropy, which falls from 4.6 at p = 0.01 to 0 at p = 1", x=P_AXIS, y=LOSS_AXIS)
    entropy.line(zip(found["p"], found["loss"]["0"], strict=True), css_class=series(0), title="−log p")
    factor = Plot(f"The factor (1 − p)^γ, which falls from 1 to 0, {_of(gammas)}", x=P_AXIS, y=factor_axis)
    product = Plot(f"The factor times cross-entropy, {_of(gammas)}", x=P_AXIS, y=LOSS_AXIS)
    for number, gamma in enumerate(gammas):
        css_class = series(number) + (" own" if gamma == own else "")
        for plot, values in ((factor, found["factor"]), (product, found["loss"])):
            plot.line(zip(found["p"], values[f"{gamma:g}"], strict=True), css_class=css_class, title=f"γ = {gamma:g}")
    return {"entropy": entropy.svg(), "factor": factor.svg(), "product": product.svg()}


def _scaled_sinusoids() -> list[tuple[str, Markup]]:
    """A sinusoid, and beside it what a constant and what a function of x make of it."""
    x = np.linspace(0, 1, POINTS // 2 + 1)
    wave = np.sin(8 * np.pi * x)
    x_axis = Axis(title="x", low=0, high=1, ticks=[(n / 4, f"{n / 4:g}") for n in range(5)])
    y_axis = Axis(title="", low=-1, high=1, ticks=[(n, f"{n}") for n in (-1, 0, 1)])
    found = []
    for name, factor in (("by a constant", np.full_like(x, 0.4)), ("by a function", 1 - x)):
        plot = Plot(f"A sinusoid, and the same scaled {name}", x=x_axis, y=y_axis, height=170)
        plot.line(zip(x.tolist(), wave.tolist(), strict=True), css_class="series rest", title="sin x")
        ends = [(0.0, float(factor[0])), (1.0, float(factor[-1]))]
        plot.line(ends, css_class="series rest dashed", title="the factor")
        plot.line(zip(x.tolist(), (factor * wave).tolist(), strict=True), css_class="series s2", title=f"scaled {name}")
        found.append((name, plot.svg()))
    return found


def _of(gammas: list[float]) -> str:
    return "for γ of " + ", ".join(f"{gamma:g}" for gamma in gammas)


def _histograms(one: Round, rounds: list[Round], own: float, gammas: list[float]) -> list[tuple[str, int, Markup]]:
    """For each group its name, its size and its plot: a histogram of p, and the loss over p.

    The scale is the same for every round and group.
    """
    if not one.examples:
        return []
    every = [np.array(found) for other in rounds if other.examples for found in other.examples["groups"].values()]
    y = share_axis("fraction of the group", [0, max(float((found / max(1, found.sum())).max()) for found in every)])
    edges = one.examples["edges"]
    css_classes = ["column easy" if (left + right) / 2 >= EASY else "column" for left, right in pairwise(edges)]
    loss = curves([own])
    plots = []
    for group in (group for group in GROUPS if group in one.examples["groups"]):
        found = one.examples["groups"][group]
        label = f"Round {one.number}, {GROUPS[group]}: histogram of the examples by p, and the loss over p"
        plot = Plot(label, x=P_AXIS, y=y, right=LOSS_AXIS, height=200)
        plot.bars(edges, [count / max(1, sum(found)) for count in found], css_classes=css_classes)
        css_class, title = f"{series(gammas.index(own))} own", f"loss at γ = {own:g}"
        line = zip(loss["p"], loss["loss"][f"{own:g}"], strict=True)
        plot.line(line, css_class=css_class, title=title, on_right=True)
        plots.append((group, sum(found), plot.svg()))
    return plots
