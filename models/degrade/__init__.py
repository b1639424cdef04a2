"""Degradations: batched, seeded crop by crop, the same for a crop in whatever batch it comes.

A step is one function `(images[batch, 1 or 3, h, w], draw, settings) -> the same shape` and one line in
`STEPS`. It takes its random numbers by name from `Draw`, so that a new step does not change the others'
random numbers. It does not write into its inputs.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from models.degrade.camera import blur, motion, noise, resolution, shadow
from models.degrade.ink import COLOURS, colour, colours_of, contrast, invert, texture
from models.degrade.jpeg import jpeg
from models.degrade.seeds import Draw, seeds_at, seeds_of, splitmix64
from models.degrade.shape import stroke, warp
from models.settings import DegradeSettings

__all__ = [
    "COLOURS",
    "SEVERITIES",
    "STEPS",
    "Draw",
    "blur",
    "colour",
    "colours_of",
    "contrast",
    "degrade",
    "invert",
    "jpeg",
    "motion",
    "noise",
    "resolution",
    "seeds_at",
    "seeds_of",
    "shadow",
    "splitmix64",
    "stroke",
    "texture",
    "warp",
]

CHUNK = 128  # crops of one step: more leave the processor's cache

Step = Callable[[Tensor, Draw, DegradeSettings], Tensor]

# In the order of print, paper, camera and file; each with its settings: it acts if one is above 0.
STEPS: tuple[tuple[Step, tuple[str, ...]], ...] = (
    (warp, ("rotation", "shear", "scale", "shift", "perspective", "bend")),
    (stroke, ("stroke",)),
    (colour, ("colour",)),
    (texture, ("texture",)),
    (contrast, ("contrast",)),
    (invert, ("invert",)),
    (shadow, ("shadow",)),
    (motion, ("motion",)),
    (blur, ("blur",)),
    (resolution, ("resolution",)),
    (noise, ("noise",)),
    (jpeg, ("jpeg",)),
)

# The corruptions of every evaluation: never to be changed, or metrics of different times cannot be compared.
SEVERITIES: dict[str, DegradeSettings | None] = {
    "clean": None,
    "light": DegradeSettings(
        rotation=1.5, shear=0.08, scale=0.08, shift=0.02, perspective=0.04, bend=0.0, stroke=0.2, colour=0.25,
        texture=0.1, contrast=0.3, invert=0.1, shadow=0.15, motion=0.8, blur=0.6, resolution=0.15, noise=0.03, jpeg=0.4,
    ),
    "medium": DegradeSettings(
        rotation=3.0, shear=0.16, scale=0.15, shift=0.04, perspective=0.08, bend=0.3, stroke=0.35, colour=0.5,
        texture=0.2, contrast=0.5, invert=0.2, shadow=0.35, motion=1.6, blur=1.0, resolution=0.3, noise=0.06, jpeg=0.7,
    ),
    "heavy": DegradeSettings(
        rotation=6.0, shear=0.3, scale=0.25, shift=0.08, perspective=0.16, bend=0.6, stroke=0.6, colour=0.75,
        texture=0.4, contrast=0.7, invert=0.4, shadow=0.6, motion=3.0, blur=1.6, resolution=0.45, noise=0.12, jpeg=0.9,
    ),
}  # fmt: skip


@torch.no_grad()
def degrade(images: Tensor, seeds: Tensor, settings: DegradeSettings | None) -> Tensor:
    """Degraded crops, `[batch, 1 or 3, h, w]` in [0, 1] from such; a function of images, seeds and settings alone.

    The work is done where `images` are.

    Args:
        seeds: `int64[batch]`, see `seeds_of`.
        settings: the largest strength of each step; none, or all 0, is the identity.

    Raises:
        ValueError: the shapes do not fit.
    """
    if images.ndim != 4 or images.shape[1] not in (1, 3) or seeds.shape != images.shape[:1]:
        shapes = f"images {list(images.shape)} must be [batch, 1 or 3, h, w] and seeds {list(seeds.shape)} [batch]"
        raise ValueError(shapes)
    acting = [step for step, names in STEPS if settings and any(getattr(settings, name) for name in names)]
    if settings is None or not acting or not len(images):
        return images
    parts = zip(torch.split(images, CHUNK), torch.split(seeds, CHUNK), strict=True)
    return torch.cat([_degraded(part, Draw(own), acting, settings) for part, own in parts])


def _degraded(images: Tensor, draw: Draw, acting: list[Step], settings: DegradeSettings) -> Tensor:
    for step in acting:
        images = step(images, draw, settings)
    return images.clamp_(0, 1)  # a new tensor: no step returns its input
