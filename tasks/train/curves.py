"""What a training's figures were: their means over an epoch, and over stretches of it, so that one epoch is a curve."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

POINTS = 50  # of a whole training's curve, about: every epoch has as many stretches, at least one

Figures = dict[str, float]
Curve = list[Figures]


def means_of(steps: Sequence[Mapping[str, float]]) -> Figures:
    """The mean of every figure over the steps that have it."""
    seen: dict[str, list[float]] = {}
    for figures in steps:
        for name, value in figures.items():
            seen.setdefault(name, []).append(value)
    return {name: sum(values) / len(values) for name, values in seen.items()}


def curve_of(steps: Sequence[Mapping[str, float]], *, epoch: int, epochs: int) -> Curve:
    """An epoch's points: the figures' means over equal stretches of its steps.

    `epoch` of a point is the middle of its stretch, in epochs since the training began: 0.5 is half of the first.

    Args:
        steps: the figures of the epoch's steps, in their order.
        epoch: its number, from 0; `epochs`: how many the training has.
    """
    stretches = min(len(steps), max(1, round(POINTS / epochs)))
    ends = np.linspace(0, len(steps), stretches + 1).round().astype(int).tolist()
    return [
        {**means_of(steps[start:end]), "epoch": epoch + (start + end) / (2 * len(steps))}
        for start, end in pairwise(ends)
    ]
