"""Learning curves: means of a training's metrics over an epoch, and over equal segments of it."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

POINTS = 50  # of a whole training's curve, about: every epoch has as many segments, at least one

Metrics = dict[str, float]
Curve = list[Metrics]


def means_of(steps: Sequence[Mapping[str, float]]) -> Metrics:
    """The mean of every metric over the steps that have it."""
    seen: dict[str, list[float]] = {}
    for metrics in steps:
        for name, value in metrics.items():
            seen.setdefault(name, []).append(value)
    return {name: sum(values) / len(values) for name, values in seen.items()}


def curve_of(steps: Sequence[Mapping[str, float]], *, epoch: int, epochs: int) -> Curve:
    """An epoch's points: the metrics' means over equal segments of its steps.

    `epoch` of a point is the middle of its segment, in epochs since the training began: 0.5 is half of the first.

    Args:
        steps: the metrics of the epoch's steps, in their order.
        epoch: its number, from 0; `epochs`: how many the training has.
    """
    segments = min(len(steps), max(1, round(POINTS / epochs)))
    ends = np.linspace(0, len(steps), segments + 1).round().astype(int).tolist()
    return [
        {**means_of(steps[start:end]), "epoch": epoch + (start + end) / (2 * len(steps))}
        for start, end in pairwise(ends)
    ]
