"""Degradations of the camera: shadow, lens, motion, sensor. The contract of a step is in `models.degrade`."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.degrade.noise_banks import noise_bank, patches
from models.degrade.seeds import Draw, Floats, columns, indices
from models.degrade.shape import plane
from models.degrade.strengths import Strengths

SHADED, MOVED, COARSE = 0.3, 0.25, 0.25  # fractions of the crops that the steps below act on
SOFTEST = 3.0  # of a shadow's edge, in crop heights
LOSSES = 4  # how many losses of resolution there are: crops of one loss are scaled together


def shadow(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """A shadow with a soft, straight edge takes up to `shadow` of the brightness of three crops in ten."""
    rows = strengths.rows(draw.unit("shaded"), SHADED, "shadow")
    angle = draw.unit("shadow-angle")[rows] * (2 * math.pi)
    # In half heights from the middle: components of the direction into the shadow.
    right, down = np.cos(angle) * (images.shape[3] / images.shape[2]), np.sin(angle)
    place = draw.signed("shadow-place", 1.0)[rows] * (np.abs(right) + np.abs(down))
    soft = 0.1 + draw.unit("shadow-edge")[rows] * (2 * SOFTEST)
    (depth,) = columns(images, (draw.unit("shadow") * -strengths.each("shadow"))[rows])
    light = plane(images, right / soft, down / soft, 0.5 - place / soft).clamp_(0, 1).mul_(depth).add_(1)
    chosen = indices(images, rows)
    return images.index_copy_(0, chosen, images[chosen] * light)


def motion(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """Motion blur of a quarter of the crops, along a line of any direction, up to `motion` pixels long."""
    rows = strengths.rows(draw.unit("moved"), MOVED, "motion")
    half = (draw.unit("motion") * (strengths.each("motion") / 2))[rows] + 1e-3
    angle = draw.unit("motion-angle")[rows] * math.pi
    reach = math.ceil(strengths.largest("motion") / 2)
    steps = np.arange(-reach, reach + 1)[:, None]
    weights = (_until(half - steps) - _until(-half - steps)) / (2 * half)
    left, top = (np.rint(steps * part).astype(np.int64) + reach for part in (np.cos(angle), np.sin(angle)))
    chosen = indices(images, rows)
    taken = images[chosen]
    padded = functional.pad(taken, (reach,) * 4, mode="replicate")
    windows = padded.unfold(2, images.shape[2], 1).unfold(3, images.shape[3], 1)
    moved = torch.zeros_like(taken)
    own = indices(images, np.arange(len(rows)))
    for x, y, weight in zip(left, top, columns(images, *weights), strict=True):
        moved.addcmul_(windows[own, :, indices(images, y), indices(images, x)], weight)
    return images.index_copy_(0, chosen, moved)


def _until(end: Floats) -> Floats:
    """Integral up to `end` of the hat of linear interpolation: 1 at 0, 0 from 1 away."""
    end = end.clip(-1, 1)
    return 0.5 + end - end * np.abs(end) / 2


def blur(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """Gaussian blur with a standard deviation of up to `blur` pixels."""
    deviation = (draw.unit("blur") * strengths.each("blur")).clip(min=0.05)
    radii = np.rint(2.5 * strengths.each("blur")).clip(min=1).astype(np.int64)
    if radii.min() == radii.max():
        return _gaussian(images, deviation, radii[0])
    blurred = images.new_empty(images.shape)
    for radius in np.unique(radii):  # the wide filters of the strong kind are for few crops
        rows = np.flatnonzero(radii == radius)
        chosen = indices(images, rows)
        blurred.index_copy_(0, chosen, _gaussian(images[chosen], deviation[rows], radius))
    return blurred


def _gaussian(images: Tensor, deviation: Floats, radius: int) -> Tensor:
    taps = np.exp(-0.5 * (np.arange(radius + 1)[:, None] / deviation) ** 2)
    weights = columns(images, *(taps / (2 * taps.sum(0) - 1)))
    return smoothed(smoothed(images, weights, 3), weights, 2)


def smoothed(images: Tensor, taps: Tensor, dim: int) -> Tensor:
    """Filtered along `dim`, with `taps[radius + 1, batch, 1, 1, 1]` from the middle outwards."""
    # By sums of shifted pictures: a convolution with a kernel for each crop takes three times as long.
    radius, length = len(taps) - 1, images.shape[dim]
    pad = (radius, radius, 0, 0) if dim == 3 else (0, 0, radius, radius)
    padded = functional.pad(images, pad, mode="replicate")
    total = images * taps[0]
    for k in range(1, radius + 1):
        pair = padded.narrow(dim, radius - k, length) + padded.narrow(dim, radius + k, length)
        total.addcmul_(pair, taps[k])
    return total


def softened(images: Tensor) -> Tensor:
    """After the binomial filter of 3 x 3."""
    for dim, pad in ((3, (1, 1, 0, 0)), (2, (0, 0, 1, 1))):
        padded = functional.pad(images, pad, mode="replicate")
        before, after = (padded.narrow(dim, start, images.shape[dim]) for start in (0, 2))
        images = (images * 0.5).add_(before, alpha=0.25).add_(after, alpha=0.25)
    return images


def resolution(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """A quarter of the crops loses up to `resolution` of height and width and is scaled up again."""
    height, width = images.shape[2:]
    kept = 1 - strengths.each("resolution") * (1 + draw.whole("resolution", LOSSES)) / LOSSES
    rows = strengths.rows(draw.unit("coarse"), COARSE, "resolution")
    for share in np.unique(kept[rows]):
        size = max(1, round(height * share)), max(1, round(width * share))
        if size != (height, width):
            alike = indices(images, rows[kept[rows] == share])
            small = functional.interpolate(images[alike], size, mode="bilinear", antialias=True)
            images[alike] = functional.interpolate(small, (height, width), mode="bilinear")
    return images


def noise(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """White Gaussian noise with a standard deviation of up to `noise`; every channel its own."""
    (strength,) = columns(images, draw.unit("noise") * strengths.each("noise"))
    names = ["noise", "noise-green", "noise-blue"][: images.shape[1]]
    windows = [patches(noise_bank, draw, name, images) for name in names]
    return torch.addcmul(images, torch.cat(windows, 1) if len(windows) > 1 else windows[0], strength)
