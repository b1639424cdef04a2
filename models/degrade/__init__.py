"""Degradations: batched, seeded crop by crop, the same for a crop in whatever batch it comes.

A step is one function `(images[batch, 1 or 3, h, w], draw, strengths) -> the same shape` and one line in
`STEPS`. It takes its random numbers by name from `Draw`, so that a new step does not change the others'
random numbers. It may write into `images`: `degrade` gives it a copy.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from models.degrade.camera import blur, motion, noise, resolution, shadow
from models.degrade.ink import COLOURS, colour, colours_of, contrast, invert, texture
from models.degrade.jpeg import jpeg
from models.degrade.scan import binarise, halftone, show_through, speckle, wear
from models.degrade.screen import screen
from models.degrade.seeds import Draw, seeds_at, seeds_of, splitmix64
from models.degrade.severities import SEVERITIES
from models.degrade.shape import stroke, warp
from models.degrade.sign import ground, light, outline, relief
from models.degrade.strengths import Strengths
from models.settings import DegradeSettings

__all__ = [
    "COLOURS",
    "SEVERITIES",
    "STEPS",
    "Draw",
    "binarise",
    "blur",
    "colour",
    "colours_of",
    "contrast",
    "degrade",
    "ground",
    "halftone",
    "invert",
    "jpeg",
    "light",
    "motion",
    "noise",
    "outline",
    "relief",
    "resolution",
    "screen",
    "seeds_at",
    "seeds_of",
    "shadow",
    "show_through",
    "speckle",
    "splitmix64",
    "stroke",
    "texture",
    "warp",
    "wear",
]

CHUNK = 128  # crops of one step: more leave the processor's cache

Step = Callable[[Tensor, Draw, Strengths], Tensor]

# In the order of print, paper, camera and file; each with its settings: it acts if one is above 0.
STEPS: tuple[tuple[Step, tuple[str, ...]], ...] = (
    (warp, ("rotation", "shear", "scale", "shift", "perspective", "bend")),
    (stroke, ("stroke",)),
    (wear, ("wear",)),
    (outline, ("outline",)),
    (relief, ("relief",)),
    (halftone, ("halftone",)),
    (show_through, ("show_through",)),
    (colour, ("colour",)),
    (texture, ("texture",)),
    (ground, ("ground",)),
    (contrast, ("contrast",)),
    (invert, ("invert",)),
    (light, ("light",)),
    (shadow, ("shadow",)),
    (motion, ("motion",)),
    (blur, ("blur",)),
    (speckle, ("speckle",)),
    (binarise, ("binarise",)),
    (screen, ("screen",)),
    (resolution, ("resolution",)),
    (noise, ("noise",)),
    (jpeg, ("jpeg",)),
)


@torch.no_grad()
def degrade(images: Tensor, seeds: Tensor, settings: DegradeSettings | None) -> Tensor:
    """Degraded crops, `[batch, 1 or 3, h, w]` in [0, 1] from such; a function of images, seeds and settings alone.

    The work is done where `images` are.

    Args:
        seeds: `int64[batch]`, see `seeds_of`.
        settings: the largest strength of each step; none, or all 0, is the identity. Those of training
            degrade the kinds of crops differently (`models.degrade.strengths`).

    Raises:
        ValueError: the shapes do not fit.
    """
    if images.ndim != 4 or images.shape[1] not in (1, 3) or seeds.shape != images.shape[:1]:
        shapes = f"images {list(images.shape)} must be [batch, 1 or 3, h, w] and seeds {list(seeds.shape)} [batch]"
        raise ValueError(shapes)
    names = [name for name in DegradeSettings.model_fields if settings and getattr(settings, name)]
    if settings is None or not names or not len(images):
        return images
    parts = zip(torch.split(images, CHUNK), torch.split(seeds, CHUNK), strict=True)
    return torch.cat([_degraded(part, Draw(own), settings) for part, own in parts])


def _degraded(images: Tensor, draw: Draw, settings: DegradeSettings) -> Tensor:
    strengths = Strengths.of_batch(settings, draw)
    acting = [step for step, names in STEPS if any(strengths.largest(name) for name in names)]
    images = images.clone(memory_format=torch.contiguous_format)  # steps write into it
    for step in acting:
        images = step(images, draw, strengths)
    return images.clamp_(0, 1)
