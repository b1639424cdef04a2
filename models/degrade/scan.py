"""Degradations of old print and of its scans. The contract of a step is in `models.degrade`.

What they change is measured between a crop's own ink and paper, its darkest and lightest value.
"""

import math

import numpy as np
import torch
from torch import Tensor

from models.colour import luma_of
from models.degrade.camera import softened
from models.degrade.ink import ink_and_range
from models.degrade.noise_banks import noise_bank, patches, speck_bank, wear_bank
from models.degrade.seeds import Draw, columns, indices
from models.degrade.shape import plane
from models.degrade.strengths import Strengths

# Fractions of the crops that the steps below act on.
WORN, SHOWN, HALFTONED, SPECKLED, BINARISED = 0.4, 0.25, 0.1, 0.4, 0.5
EDGE = 2.5  # steepness of worn edges: what the binomial filter took
PERIODS = 2.2, 4.5  # pixels from dot to dot of a halftone
DOT_EDGE = 5.0  # steepness of the dots' edges
THINNED, SPREAD = 0.6, 0.3  # furthest that wear moves the edge either way: ink cannot appear far from ink
RAGGED = 0.15  # largest noise at which a threshold is taken, of the range from ink to paper


def wear(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """Worn and badly inked type, of four crops in ten: strokes swell here and break off there.

    The ink's edge is where the softened picture and a smooth noise field with a standard deviation of up to
    `wear` of the range from ink to paper cross half of it: pixels near an edge turn sooner than others, and
    together with their neighbours, as in the local degradation model of Kanungo et al. (1993). All of a crop
    is besides inked too much or, more seldom, too little.
    """
    rows = strengths.rows(draw.unit("worn"), WORN, "wear")
    chosen = indices(images, rows)
    taken = images[chosen]
    darkest, span = ink_and_range(taken)
    much = ((0.2 + 0.8 * draw.unit("wear")) * strengths.each("wear"))[rows]
    strength, inking = columns(images, much, (draw.signed("inking", 0.5)[rows] - 0.25) * much)
    field = patches(wear_bank, draw, "wear", images, rows)
    moved = field.mul_(strength).add_(inking).clamp_(-SPREAD, THINNED)
    level = softened(taken).sub_(darkest).div_(span).add_(moved)
    level = level.sub_(0.5).mul_(EDGE).add_(0.5).clamp_(0, 1)
    return images.index_copy_(0, chosen, level.mul_(span).add_(darkest))


def halftone(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """A tint of the ink or of the paper, by up to `halftone`, printed in dots; one crop in ten.

    The screen is the sum of two waves at right angles, turned as a whole; a pixel is ink where it is above the tone.
    """
    rows = strengths.rows(draw.unit("halftoned"), HALFTONED, "halftone")
    chosen = indices(images, rows)
    taken = images[chosen]
    darkest, span = ink_and_range(taken)
    shortest, longest = PERIODS
    turns = math.pi / (shortest + (longest - shortest) * draw.unit("period")[rows])  # of a wave, in half a pixel
    angle = draw.unit("screen-angle")[rows] * (math.pi / 2)
    right, down = turns * np.cos(angle) * images.shape[3], turns * np.sin(angle) * images.shape[2]
    along = plane(images, right, down, draw.unit("dot-x")[rows] * (2 * math.pi))
    right, down = -turns * np.sin(angle) * images.shape[3], turns * np.cos(angle) * images.shape[2]
    across = plane(images, right, down, draw.unit("dot-y")[rows] * (2 * math.pi))
    screen = along.cos_().add_(across.cos_()).mul_(0.2).add_(0.5)  # 0.1 to 0.9: what is black or white stays so
    tint = ((0.2 + 0.8 * draw.unit("halftone")) * strengths.each("halftone"))[rows]
    of_ink = draw.unit("tinted") < 0.5
    lightest, kept = columns(images, tint * of_ink[rows], 1 - tint)
    tone = taken.sub_(darkest).div_(span).mul_(kept).add_(lightest)
    dots = tone.sub_(screen).mul_(DOT_EDGE).add_(0.5).clamp_(0, 1)
    return images.index_copy_(0, chosen, dots.mul_(span).add_(darkest))


def show_through(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """The ink of the other side, softened, takes up to `show_through` of a quarter of the crops.

    The other side is the crop itself, mirrored and moved round by any distance: it depends on no other crop.
    """
    rows = strengths.rows(draw.unit("shown"), SHOWN, "show_through")
    chosen = indices(images, rows)
    taken = images[chosen]
    height, width = images.shape[2:]
    down = (np.arange(height) + draw.whole("behind-y", height)[rows, None]) % height
    across = (draw.whole("behind-x", width)[rows, None] - np.arange(width)) % width
    ink = taken.amax((1, 2, 3), keepdim=True) - taken.mean(1, keepdim=True)
    place = indices(images, (down[:, :, None] * width + across[:, None, :]).reshape(len(rows), height * width))
    behind = softened(ink.flatten(1).gather(1, place).view_as(ink))
    (depth,) = columns(images, ((0.3 + 0.7 * draw.unit("show-through")) * -strengths.each("show_through"))[rows])
    return images.index_copy_(0, chosen, behind.mul_(depth).add_(1).mul(taken))


def speckle(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """Specks of one to three pixels, dark ones of dust and light ones of missing ink, on four crops in ten.

    They cover up to `speckle` of a crop each.
    """
    rows = strengths.rows(draw.unit("specked"), SPECKLED, "speckle")
    chosen = indices(images, rows)
    taken = images[chosen]
    cover = [(draw.unit(name) ** 2 * strengths.each("speckle"))[rows] for name in ("dust", "holes")]
    dust, holes, depth = columns(images, *cover, 0.4 + 0.6 * draw.unit("speck-depth")[rows])
    darkest, span = ink_and_range(taken)
    ranks = patches(speck_bank, draw, "specks", images, rows)  # a dot has one rank: it is dark, light or not there
    dark, any_speck = ranks < dust, ranks < dust + holes
    specks = torch.where(dark, darkest, darkest + span)
    return images.index_copy_(0, chosen, taken.lerp_(specks, any_speck.float().mul_(depth)))


def binarise(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """Half of the crops in black and white, by a threshold up to `binarise` from the middle, of the range.

    A threshold that is too high spreads the ink, one that is too low breaks it. Noise makes the edges ragged. Half
    of these crops keep their two values, the others are softened as scans are that have been made smaller.
    """
    rows = strengths.rows(draw.unit("binarised"), BINARISED, "binarise")
    chosen = indices(images, rows)
    grey = images[chosen].clamp_(0, 1)
    grey = luma_of(grey) if images.shape[1] == 3 else grey
    darkest, span = ink_and_range(grey)
    noise = patches(noise_bank, draw, "ragged", images, rows)
    ragged, middle, softness = columns(
        images,
        draw.unit("ragged")[rows] * RAGGED,
        0.5 + draw.signed("binarise", strengths.each("binarise"))[rows],
        (2 * draw.unit("softened")[rows] - 1).clip(min=0),
    )
    white = (grey.sub_(darkest).div_(span).add_(noise.mul_(ragged)) > middle).float()
    made = torch.lerp(white, softened(white), softness)
    return images.index_copy_(0, chosen, made.expand(-1, images.shape[1], -1, -1))
