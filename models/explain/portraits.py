"""A layer's units drawn by activation maximisation: from random pixels, and by other starts where those are silent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from models.explain.ascent import AscentResult, maximise
from models.explain.canvas import Canvas
from models.explain.recipes import AscentSettings
from models.explain.regularise import rolled

RANDOM, OPENED, CROP = "random pixels", "closed ReLUs", "its strongest crop"
OPEN_STEPS = 6  # a climb's first sixth lets gradients through, where it must


@dataclass(frozen=True)
class Portraits:
    """`ascent` of units by settings by one seed; `start[row]` says which start its images came from.

    A row that is still `ascent.silent` was tried by every start, and nothing can be seen in it.
    """

    names: list[str]
    ascent: AscentResult
    start: list[str]


def portraits(
    network: nn.Module,
    layer: str,
    units: Sequence[int],
    *,
    canvas: Canvas,
    settings: Mapping[str, AscentSettings],
    seed: int = 0,
    crops: Callable[[list[int]], Tensor] | None = None,
    workers: int = 1,
) -> Portraits:
    """Draw units of a layer under every one of the settings.

    A unit whose ReLUs are all closed on random pixels has no gradient to climb. It gets the gradient that they let
    through in the first sixth of the steps; and if it ends at zero even so, it starts from its strongest crop. Of a
    unit's climbs under one setting the higher is kept.

    Args:
        network, layer, units, canvas, workers: as for `models.explain.ascent.maximise`.
        settings: by name.
        seed: of the random pixels.
        crops: gives, for some units, each one's strongest crop `[units, *canvas.shape]` in the canvas's pixels, with
            the unit's peak in the middle (`centred`).

    Raises:
        ValueError: as `maximise`.
    """
    recipes = list(settings.values())
    opened = max(2, min(one.steps for one in recipes) // OPEN_STEPS)

    def climb(some: Sequence[int], by: Sequence[int], start: Tensor | None = None) -> AscentResult:
        return maximise(
            network, layer, some, canvas=canvas, settings=[recipes[setting] for setting in by], seeds=[seed],
            let_through=opened, start=start, workers=workers,
        )  # fmt: skip

    found = climb(units, range(len(recipes)))
    start = [OPENED if opened else RANDOM for opened in found.opened.tolist()]
    asleep = found.silent | (found.last_activation == 0)
    for setting in range(len(recipes)):
        rows = torch.nonzero(asleep & (found.setting == setting)).flatten()
        if crops is None or not len(rows):
            continue
        some = found.unit[rows].tolist()
        again = climb(some, [setting], crops(some))
        woken = ~again.silent & (found.silent[rows] | (again.best_activation > found.best_activation[rows]))
        found = _replaced(found, rows[woken], again, woken)
        start = [CROP if row in set(rows[woken].tolist()) else before for row, before in enumerate(start)]
    return Portraits(names=list(settings), ascent=found, start=start)


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

    What leaves at one side comes in at the other.
    """
    height, width = images.shape[2:]
    middle = torch.tensor([grid[0] // 2, grid[1] // 2])
    stride = torch.tensor([height / grid[0], width / grid[1]])
    return rolled(images, ((middle - spots) * stride).round().long())
