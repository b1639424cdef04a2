"""Degradations of shape: geometry and stroke width. The contract of a step is in `models.degrade`."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.degrade.noise_banks import bend_bank, patches
from models.degrade.seeds import Draw, Floats, columns
from models.degrade.strengths import Strengths


def warp(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """Rotation, shear, scale, shift, perspective and elastic distortion in one resampling; borders are replicated.

    Width and height have a factor each, as designs are narrow or wide.
    """
    height, width = images.shape[2:]
    # Broadcast by hand: `affine_grid` takes as long as the resampling itself.
    (left_x, left_y, left), (top_x, top_y, top) = _affine(draw, strengths, ratio=height / width)
    across = plane(images, left_x, left_y, left)
    down = plane(images, top_x, top_y, top)
    if strengths.largest("perspective"):
        tilt_x, tilt_y = (draw.signed(f"perspective-{axis}", strengths.each("perspective")) for axis in "xy")
        nearer = plane(images, tilt_x, tilt_y, np.ones(len(tilt_x))).reciprocal_()
        across, down = across.mul_(nearer), down.mul_(nearer)
    if strengths.largest("bend"):
        reach = draw.unit("bend") * (strengths.each("bend") * 2)
        much = columns(images, reach / width, reach / height)
        across.addcmul_(patches(bend_bank, draw, "bend-0", images), much[0])
        down.addcmul_(patches(bend_bank, draw, "bend-1", images), much[1])
    # By way of complex numbers the two are interleaved in a fifth of the time of `stack`.
    grid = torch.view_as_real(torch.complex(across, down))[:, 0]
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def plane(images: Tensor, of_x: Floats, of_y: Floats, constant: Floats) -> Tensor:
    """`of_x * x + of_y * y + constant` at every pixel, where x and y go from -1 to 1: `[batch, 1, h, w]`.

    Args:
        of_x, of_y, constant: `[batch]`.
    """
    height, width = images.shape[2:]
    row = np.multiply.outer(of_x, _centres(width)).astype(np.float32)
    column = (np.multiply.outer(of_y, _centres(height)) + constant[:, None]).astype(np.float32)
    row_part, column_part = (torch.from_numpy(part).to(images.device) for part in (row, column))
    return row_part[:, None, None, :] + column_part[:, None, :, None]


def _centres(pixels: int) -> Floats:
    return (np.arange(pixels) * 2 + 1) / pixels - 1


def _affine(draw: Draw, strengths: Strengths, *, ratio: float) -> tuple[tuple[Floats, Floats, Floats], ...]:
    """For x and for y, `[batch]` each: factors of x and of y, and what is added.

    They map coordinates in the degraded crop to coordinates in the given one, each -1..1.
    """
    angle = np.deg2rad(draw.signed("rotation", strengths.each("rotation")))
    shear = draw.signed("shear", strengths.each("shear"))
    cos, sin = np.cos(angle), np.sin(angle)
    across = 1 / (1 + draw.signed("scale-x", strengths.each("scale")))
    down = 1 / (1 + draw.signed("scale-y", strengths.each("scale")))
    # With both axes from -1 to 1 a rotation would shear crops that are wider than high: `ratio` corrects that.
    left = across * cos, across * (cos * shear + sin) * ratio, 2 * draw.signed("shift-x", strengths.each("shift"))
    top = -down * sin / ratio, down * (cos - sin * shear), 2 * draw.signed("shift-y", strengths.each("shift"))
    return left, top


def stroke(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """Dilation or erosion of the ink: a blend with the minimum or maximum over each pixel's cross of five."""
    much = draw.signed("stroke", strengths.each("stroke"))
    amount, side = columns(images, much, np.sign(much))
    lit = images * side  # below 0 the minimum is taken, as the maximum of the negative
    padded = functional.pad(lit, (1, 1, 1, 1), mode="replicate")
    grown = torch.maximum(lit, padded[..., 1:-1, :-2])
    for other in (padded[..., 1:-1, 2:], padded[..., :-2, 1:-1], padded[..., 2:, 1:-1]):
        torch.maximum(grown, other, out=grown)
    return torch.addcmul(images, grown.sub_(lit), amount)
