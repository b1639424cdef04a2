"""Units that answer to few labels: chosen by a rule, and named by what their top crops have in common."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.explain.selectivity import selectivity
from tasks.crop_table.png import Pixels
from tasks.explain.units import Explanation, Layer

GROUP = 4  # labels of a group, at most
DIRECTED = 0.35  # coherence from which strokes have a direction
DIRECTIONS = ("vertical", "rising", "horizontal", "falling")  # strokes, by the angle of their gradient from 0 to π


@dataclass(frozen=True)
class SelectiveUnit:
    """A unit, the labels that it answers to, the strongest first, and its selectivity.

    `inside` and `outside` are its mean peaks on the crops of these labels and of all others.
    """

    unit: int
    group: list[str]
    index: float
    inside: float
    outside: float


def selective_units(explained: Explanation, layer: Layer, most: int) -> list[SelectiveUnit]:
    """The `most` units of the layer with the largest selectivity, no two with a label in common; the largest first.

    None where there is no selectivity: a layer below 0, or one label.
    """
    if layer.means is None:
        return []
    try:
        found = selectivity(layer.means, most=GROUP)
    except ValueError:
        return []
    chosen: list[SelectiveUnit] = []
    taken: set[int] = set()
    for unit in sorted(range(len(found.group)), key=lambda unit: (-float(found.index[unit]), unit)):
        group, index = found.group[unit], float(found.index[unit])
        if len(chosen) < most and index > 0 and taken.isdisjoint(group):
            chosen.append(_unit(explained, layer, unit, group, index))
            taken.update(group)
    return chosen


def _unit(explained: Explanation, layer: Layer, unit: int, group: list[int], index: float) -> SelectiveUnit:
    assert layer.means is not None
    means = layer.means[unit].double().numpy()
    others = np.delete(means, group)
    return SelectiveUnit(
        unit=unit,
        group=[explained.classes[label] for label in group],
        index=index,
        inside=float(means[group].mean()),
        outside=float(np.nanmean(others)),
    )


def strokes_of(patches: Sequence[Pixels]) -> str:
    """What the ink of patches, uint8 `[height, width]` or `[height, width, 3]`, has in common, in words.

    The direction of its strokes, by the structure tensor of all patches together (Bigün & Granlund 1987): the mean of
    the gradients' outer products, whose coherence is 1 where all gradients are parallel and 0 where none prevails.
    """
    down, across = zip(*(_gradients(patch) for patch in patches), strict=True)
    gy, gx = (np.concatenate([part.ravel() for part in parts]) for parts in (down, across))
    xx, yy, xy = float((gx * gx).mean()), float((gy * gy).mean()), float((gx * gy).mean())
    if xx + yy == 0:
        return "even areas"
    coherence = ((xx - yy) ** 2 + 4 * xy**2) ** 0.5 / (xx + yy)
    if coherence < DIRECTED:
        return "curves and corners"
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) % np.pi  # of the gradient; the stroke is across it
    return f"{DIRECTIONS[int(np.floor(angle / (np.pi / 4) + 0.5)) % 4]} strokes"


def _gradients(patch: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    grey = patch.astype(np.float64) if patch.ndim == 2 else patch.mean(2)
    down, across = np.gradient(grey)
    return down, across
