"""Degradations of print: foreground (ink) and background colours. The contract of a step is in `models.degrade`."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.colour import LUMA
from models.degrade.noise_banks import background_bank, patches
from models.degrade.seeds import Draw, columns, indices
from models.degrade.strengths import Strengths
from models.settings import DegradeSettings

# Red, green and blue of the inks by name, sorted; black is that of all crops that are not printed in colour.
INKS = {
    "black": (0.05, 0.05, 0.05),
    "blue": (0.10, 0.20, 0.75),
    "brown": (0.42, 0.24, 0.10),
    "green": (0.05, 0.48, 0.15),
    "grey": (0.45, 0.45, 0.45),
    "orange": (0.88, 0.45, 0.05),
    "purple": (0.48, 0.10, 0.60),
    "red": (0.82, 0.08, 0.10),
}
COLOURS = tuple(INKS)
INK_SPREAD = 0.06  # of each channel, either way, about an ink's own value
FLATTEST = 0.25  # least range from ink to paper that is assumed: an empty crop is paper
PAPER = 0.2  # of each channel, the most by which a coloured background is below white


def colour(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """A fraction of the crops in an ink of `COLOURS` on a light background of any hue.

    Black becomes the ink's colour and white the background's; with one channel, their luma.
    """
    spread = np.stack([draw.signed(f"ink-{n}", INK_SPREAD) for n in range(3)], 1)
    lack = np.stack([draw.unit(f"ground-{n}") for n in range(3)], 1) * PAPER
    acts = _is_coloured(draw, strengths)[:, None]
    ink = (np.array(list(INKS.values()))[draw.whole("colour", len(COLOURS))] + spread).clip(0, 1) * acts
    ground = 1 - lack * acts
    if images.shape[1] == 1:
        ink, ground = ((part @ np.array(LUMA))[:, None] for part in (ink, ground))
    both = columns(images, *ink.T, *(ground - ink).T)[:, :, 0].transpose(0, 1)
    darkest, span = both.chunk(2, dim=1)
    return torch.addcmul(darkest, images, span)


def colours_of(seeds: Tensor, settings: DegradeSettings | None) -> Tensor:
    """Indices `int64[batch]` into `COLOURS` of the inks that `degrade` prints these crops with."""
    found = np.full(len(seeds), COLOURS.index("black"))
    if settings is not None and settings.colour:
        draw = Draw(seeds)
        acts = _is_coloured(draw, Strengths.of_batch(settings, draw))
        found = np.where(acts, draw.whole("colour", len(COLOURS)), found)
    return indices(seeds, found)


def _is_coloured(draw: Draw, strengths: Strengths) -> NDArray[np.bool_]:
    return draw.unit("coloured") < strengths.each("colour")


def texture(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """An uneven background: smooth and grainy patterns of up to `texture` of the grey range."""
    (strength,) = columns(images, draw.signed("texture", strengths.each("texture")))
    return torch.addcmul(images, patches(background_bank, draw, "texture", images), strength)


def contrast(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """The range shrinks by up to `contrast` and is placed anywhere in [0, 1]."""
    loss = draw.unit("contrast") * strengths.each("contrast")
    level, kept = columns(images, loss * draw.unit("level"), 1 - loss)
    return torch.addcmul(level, images, kept)


def invert(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """Inverted lightness, for a fraction of the crops; hue stays."""
    acts = (draw.unit("invert") < strengths.each("invert")).astype(np.float64)
    turned, sign = columns(images, acts, 1 - 2 * acts)
    if images.shape[1] == 1:
        return torch.addcmul(turned, images, sign)
    lowest, highest = images.aminmax(dim=1, keepdim=True)
    return torch.addcmul(images, 1 - lowest - highest, turned)


def ink_and_range(images: Tensor) -> tuple[Tensor, Tensor]:
    """The darkest value of each crop, and how far above it the lightest is, `[batch, 1, 1, 1]` each.

    Where the range is below FLATTEST the crop is taken for paper: it counts as that much darker.
    """
    lightest = images.amax((1, 2, 3), keepdim=True)  # `aminmax` takes ten times as long as both of these
    span = (lightest - images.amin((1, 2, 3), keepdim=True)).clamp_(min=FLATTEST)
    return lightest - span, span
