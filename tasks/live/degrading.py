"""The picture under the degradations of the sliders: each acts as strongly as its slider says."""

from functools import lru_cache

import torch
from torch import Tensor

from models.degrade import STEPS, degrade
from models.settings import DegradeSettings
from tasks.live.view import NONE

TRIED = 48  # random numbers of a step, of which those that change a crop the most are taken
REFERENCE = (32, 128)  # height and width of the crop that they are tried on


def degraded(images: Tensor, settings: DegradeSettings, *, seed: int) -> Tensor:
    """`images[n, 1 or 3, h, w]` after every step that has a strength above 0, in the order of `STEPS`.

    In training a step acts on some crops, and on these with any strength up to the largest. A slider shall show what it
    says: each step gets those of `TRIED` random numbers with which it changes a crop of bars the most. `seed` chooses
    among others.
    """
    for number, (_, names) in enumerate(STEPS):
        wanted = {name: getattr(settings, name) for name in names}
        if any(wanted.values()):
            chosen = torch.full((len(images),), _strongest_seed(number, seed))
            images = degrade(images, chosen, DegradeSettings(**NONE | wanted))
    return images


def is_clean(settings: DegradeSettings) -> bool:
    """Whether no degradation has a strength."""
    return not any(getattr(settings, name) for name in DegradeSettings.model_fields)


@lru_cache(maxsize=1024)
def _strongest_seed(step: int, seed: int) -> int:
    settings = DegradeSettings(**NONE | dict.fromkeys(STEPS[step][1], 0.3))
    seeds = torch.arange(TRIED) + (seed * TRIED + 1) * 1_000_003
    crops = _bars().expand(TRIED, 1, *REFERENCE)
    change = (degrade(crops, seeds, settings) - crops).abs().flatten(1).mean(1)
    return int(seeds[change.argmax()])


def _bars() -> Tensor:
    """A crop of dark bars on light ground, as wide as strokes are."""
    crop = torch.ones(1, 1, *REFERENCE)
    for left in range(8, REFERENCE[1] - 8, 10):
        crop[..., 6:26, left : left + 3] = 0.05
    crop[..., 14:17, 8:-8] = 0.05
    return crop
