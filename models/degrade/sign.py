"""Degradations of signs: letters made otherwise than by printing, walls, light. The contract is in `models.degrade`."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.degrade.ink import ink_and_range
from models.degrade.noise_banks import ground_bank, patches
from models.degrade.seeds import Draw, Floats, columns, indices
from models.degrade.shape import plane
from models.degrade.strengths import Strengths

OUTLINED, RAISED, GROUNDED, LIT = 0.1, 0.1, 0.15, 0.2  # fractions of the crops that the steps below act on
DARKEST_GROUND = 0.5  # of the ground about outlined letters
FARTHEST = 3  # pixels of a drop shadow; of the light and the dark side of a relief, two
FACE = 0.5  # ink that is left of a relief's letters, at most
GLARE = 0.3, 1.5  # standard deviations of a glare, in crop heights


def outline(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """Outlined letters, one crop in ten: a contour of a pixel; inside they lose up to all their ink, by `outline`.

    Half of them stand on a darker ground: light letters with a dark contour.
    """
    rows = strengths.rows(draw.unit("outlined"), OUTLINED, "outline")
    chosen = indices(images, rows)
    taken = images[chosen]
    darkest, span = ink_and_range(taken)
    ink = (darkest + span - taken) / span
    grown = _grown(_grown(ink, 3), 2)
    hollow, ground = columns(
        images,
        ((0.6 + 0.4 * draw.unit("outline")) * strengths.each("outline"))[rows],
        (2 * draw.unit("outlined-ground")[rows] - 1).clip(min=0) * DARKEST_GROUND,
    )
    made = grown - hollow * ink + ground * (1 - grown)
    return images.index_copy_(0, chosen, darkest + span * (1 - made))


def _grown(images: Tensor, dim: int) -> Tensor:
    """The largest of each pixel and its two neighbours along `dim`; `max_pool2d` takes ten times as long."""
    least = images.narrow(dim, 0, 1), images.narrow(dim, images.shape[dim] - 1, 1)
    before = torch.cat([least[0], images.narrow(dim, 0, images.shape[dim] - 1)], dim)
    after = torch.cat([images.narrow(dim, 1, images.shape[dim] - 1), least[1]], dim)
    return torch.maximum(torch.maximum(before, after), images)


def relief(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """Raised letters, one crop in ten: half with a drop shadow of up to `relief` of the ink, half carved.

    The light of carved letters comes from any side: their edges are light there and dark on the other side, and
    their faces have little ink of their own.
    """
    rows = strengths.rows(draw.unit("raised"), RAISED, "relief")
    chosen = indices(images, rows)
    taken = images[chosen]
    darkest, span = ink_and_range(taken)
    ink = (darkest + span - taken) / span
    angle = draw.unit("relief-angle")[rows] * (2 * math.pi)
    carved = draw.unit("carved")[rows] < 0.5
    far = np.where(carved, 1 + draw.unit("relief-far")[rows], 1.5 + (FARTHEST - 1.5) * draw.unit("relief-far")[rows])
    # The shadow's other end, or the other side of what is carved.
    away, other = _moved(ink, angle, far), _moved(ink, angle, far * np.where(carved, -1, 0.5))
    depth, face, stone, is_carved = columns(
        images,
        ((0.6 + 0.4 * draw.unit("relief")) * strengths.each("relief"))[rows],
        draw.unit("face")[rows] * FACE,
        0.2 + 0.4 * draw.unit("stone")[rows],
        carved.astype(np.float64),
    )
    shadowed = torch.maximum(ink, torch.maximum(away, other) * depth)
    embossed = (stone + face * ink + depth * (away - other) / 2).clamp_(0, 1)
    made = torch.where(is_carved > 0, embossed, shadowed)
    return images.index_copy_(0, chosen, darkest + span * (1 - made))


def _moved(images: Tensor, angle: Floats, far: Floats) -> Tensor:
    """Each of `images[n, channels, h, w]` moved by whole pixels, `far[n]` in the direction of `angle[n]`."""
    padded = functional.pad(images, (FARTHEST,) * 4, mode="replicate")
    windows = padded.unfold(2, images.shape[2], 1).unfold(3, images.shape[3], 1)
    top, left = (FARTHEST - np.rint(far * part).astype(np.int64) for part in (np.sin(angle), np.cos(angle)))
    own = np.arange(len(images))
    return windows[indices(images, own), :, indices(images, top), indices(images, left)]


def ground(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """Brick, planks, tiles, slats and plaster behind and through 15% of the crops, up to `ground` of the range."""
    rows = strengths.rows(draw.unit("grounded"), GROUNDED, "ground")
    chosen = indices(images, rows)
    depth = draw.signed("ground", 0.7)
    (strength,) = columns(images, ((depth + 0.3 * np.sign(depth)) * strengths.each("ground"))[rows])
    wall = patches(ground_bank, draw, "ground", images, rows)
    return images.index_copy_(0, chosen, images[chosen].add_(wall.mul_(strength)))


def light(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """Uneven light on a fifth of the crops: brighter by up to `light` at one side, darker at the other, with a glare.

    The glare is a soft spot that takes up to `light` of what is missing to white; half of these crops have one.
    """
    rows = strengths.rows(draw.unit("lit"), LIT, "light")
    chosen = indices(images, rows)
    height, width = images.shape[2:]
    angle = draw.unit("light-angle")[rows] * (2 * math.pi)
    slope = (draw.unit("light") * strengths.each("light"))[rows]
    lit = images[chosen].mul_(plane(images, slope * np.cos(angle), slope * np.sin(angle), np.ones(len(rows))))
    least, most = GLARE
    spread = (least + (most - least) * draw.unit("glare-size")[rows]) * height
    across = _bell(width, draw.unit("glare-x")[rows] * width, spread)
    down = _bell(height, draw.unit("glare-y")[rows] * height, spread)
    down *= ((2 * draw.unit("glare") - 1).clip(min=0) * strengths.each("light"))[rows, None]
    spot = torch.from_numpy((down[:, None, :, None] * across[:, None, None, :]).astype(np.float32)).to(images.device)
    return images.index_copy_(0, chosen, lit.lerp_(lit.new_ones(()), spot))


def _bell(pixels: int, middle: Floats, deviation: Floats) -> Floats:
    """`[batch, pixels]`: 1 in the middle of each, falling off as a Gaussian does."""
    bell: Floats = np.exp(-0.5 * ((np.arange(pixels) + 0.5 - middle[:, None]) / deviation[:, None]) ** 2)
    return bell
