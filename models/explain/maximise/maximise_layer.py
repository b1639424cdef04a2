"""Activation maximisation of a layer's units: from random pixels, or other starts where those have no gradient."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from models.explain.maximise.ascent import AscentResult, maximise
from models.explain.maximise.ascent_settings import AscentSettings
from models.explain.maximise.canvas import Canvas
from models.explain.maximise.regularise import rolled

RANDOM, OVERRIDDEN, CROP = "random pixels", "gradient override", "its top-activating crop"
OVERRIDE_PART = 6  # the gradient of zero ReLUs is overridden in the first sixth of the steps, where it must be


@dataclass(frozen=True)
class LayerMaximisation:
    """`ascent` of units by settings by one seed; `start[row]` is the start of its images.

    A row that is still `ascent.silent` was tried from every start, and its images show nothing.
    """

    names: list[str]
    ascent: AscentResult
    start: list[str]


def maximise_layer(
    network: nn.Module,
    layer: str,
    units: Sequence[int],
    *,
    canvas: Canvas,
    settings: Mapping[str, AscentSettings],
    seed: int = 0,
    crops: Callable[[list[int]], Tensor] | None = None,
    workers: int = 1,
) -> LayerMaximisation:
    """Optimise images for units of a layer under every one of the settings.

    A unit whose ReLUs are all zero on random pixels has no gradient. In the first sixth of the steps their gradient is
    overridden; if the unit ends at zero even so, it starts from its top-activating crop. Of a unit's runs under one
    setting the one with the higher activation is kept.

    Args:
        network, layer, units, canvas, workers: as for `models.explain.maximise.ascent.maximise`.
        settings: by name.
        seed: of the random pixels.
        crops: gives, for some units, each one's top-activating crop `[units, *canvas.shape]` in the canvas's pixels,
            with the unit's peak in the middle (`centred`).

    Raises:
        ValueError: as `maximise`.
    """
    variants = list(settings.values())
    overridden = max(2, min(one.steps for one in variants) // OVERRIDE_PART)

    def optimise(some: Sequence[int], by: Sequence[int], start: Tensor | None = None) -> AscentResult:
        return maximise(
            network, layer, some, canvas=canvas, settings=[variants[setting] for setting in by], seeds=[seed],
            override_steps=overridden, start=start, workers=workers,
        )  # fmt: skip

    found = optimise(units, range(len(variants)))
    start = [OVERRIDDEN if overridden else RANDOM for overridden in found.overridden.tolist()]
    inactive = found.silent | (found.last_activation == 0)
    for setting in range(len(variants)):
        rows = torch.nonzero(inactive & (found.setting == setting)).flatten()
        if crops is None or not len(rows):
            continue
        some = found.unit[rows].tolist()
        again = optimise(some, [setting], crops(some))
        activated = ~again.silent & (found.silent[rows] | (again.best_activation > found.best_activation[rows]))
        found = _replaced(found, rows[activated], again, activated)
        start = [CROP if row in set(rows[activated].tolist()) else before for row, before in enumerate(start)]
    return LayerMaximisation(names=list(settings), ascent=found, start=start)


def _replaced(found: AscentResult, rows: Tensor, again: AscentResult, taken: Tensor) -> AscentResult:
    """`found` with, at `rows`, what `again` has in the rows that are `taken`."""
    changes: dict[str, Any] = {
        name: value.index_copy(0, rows, getattr(again, name)[taken])
        for name, value in vars(found).items()
        if isinstance(value, Tensor) and name not in ("unit", "setting", "seed")
    }
    return replace(found, **changes)


def centred(images: Tensor, spots: Tensor, grid: tuple[int, int]) -> Tensor:
    """Images `[n, channels, h, w]` moved so that the position `spots[n, 2]` of a map of `grid` is the middle one.

    Pixels that leave at one side come in at the other.
    """
    height, width = images.shape[2:]
    middle = torch.tensor([grid[0] // 2, grid[1] // 2])
    stride = torch.tensor([height / grid[0], width / grid[1]])
    return rolled(images, ((middle - spots) * stride).round().long())
