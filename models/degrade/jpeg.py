"""Degradation of the file: the blocks of a lossy JPEG. The contract of a step is in `models.degrade`."""

import math
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.colour import LUMA
from models.degrade.seeds import Draw, Floats, indices
from models.degrade.strengths import Strengths

COMPRESSED = 0.3  # fraction of the crops
SIDE = 8  # pixels of a block
# Quantisation steps of ITU-T T.81, annex K, at quality 50, by row; the lowest frequency first.
LUMINANCE = """
   16 11 10 16  24  40  51  61  12 12 14 19  26  58  60  55  14 13 16 24  40  57  69  56  14 17 22 29  51  87  80  62
   18 22 37 56  68 109 103  77  24 35 55 64  81 104 113  92  49 64 78 87 103 121 120 101  72 92 95 98 112 100 103  99
"""
CHROMINANCE = """
   17 18 24 47  99  99  99  99  18 21 26 66  99  99  99  99  24 26 56 99  99  99  99  99  47 66 99 99  99  99  99  99
   99 99 99 99  99  99  99  99  99 99 99 99  99  99  99  99  99 99 99 99  99  99  99  99  99 99 99 99  99  99  99  99
"""
TABLES = np.array([[float(step) for step in table.split()] for table in (LUMINANCE, CHROMINANCE, CHROMINANCE)])
# Values of uniform areas are often exactly halfway between two steps: rounding of the last bit must not decide.
HALF = torch.tensor(0.5 + 1e-3)


def jpeg(images: Tensor, draw: Draw, strengths: Strengths) -> Tensor:
    """JPEG compression of three crops in ten, at quality 100 down to 100 * (1 - `jpeg`).

    Blocks of 8 x 8 are quantised as by libjpeg, colours in full resolution; a quality is a whole number.
    """
    rows = strengths.rows(draw.unit("packed"), COMPRESSED, "jpeg")
    quality = 100 - np.rint((draw.unit("jpeg") * (100 * strengths.each("jpeg")))[rows])
    chosen = indices(images, rows)
    return images.index_copy_(0, chosen, compressed(images[chosen], quality))


def compressed(images: Tensor, quality: Floats) -> Tensor:
    """`images[n, 1 or 3, h, w]` in [0, 1] after JPEG's quantisation at `quality[n]`, 1..100."""
    height, width = images.shape[2:]
    values = functional.pad(images.clamp(0, 1), (0, -width % SIDE, 0, -height % SIDE), mode="replicate") * 255
    if images.shape[1] == 3:
        values = _to_luma_chroma(values)
    values = _quantised(values.sub_(128), quality).add_(128)
    if images.shape[1] == 3:
        values = _to_red_green_blue(values)
    return (values[..., :height, :width] / 255).clamp_(0, 1)


def _quantised(values: Tensor, quality: Floats) -> Tensor:
    """Values `[n, channels, h, w]` about 0, whole blocks each way, after quantisation."""
    count, channels, height, width = values.shape
    shape = (count, channels, height // SIDE, SIDE, width // SIDE, SIDE)
    blocks = values.view(shape).transpose(3, 4).reshape(-1, SIDE * SIDE)
    transform = _transform(values.device)
    steps = torch.from_numpy(_steps(quality)[:, :channels, None]).to(values.device)
    waves = (blocks @ transform.T).view(count, channels, height * width // SIDE**2, SIDE * SIDE)
    waves = waves.div_(steps)
    waves = waves.add_(torch.copysign(HALF, waves)).trunc_().mul_(steps)
    blocks = waves.view(-1, SIDE * SIDE) @ transform
    return blocks.view(count, channels, height // SIDE, width // SIDE, SIDE, SIDE).transpose(3, 4).reshape(values.shape)


def _steps(quality: Floats) -> NDArray[np.float32]:
    """Quantisation steps `[n, 3, 64]` of Y, Cb and Cr at each quality, by libjpeg's rule."""
    percent = np.where(quality < 50, np.floor(5000 / quality), 200 - 2 * quality)
    return np.floor((TABLES * percent[:, None, None] + 50) / 100).clip(1, 255).astype(np.float32)


@lru_cache(maxsize=4)
def _transform(device: torch.device) -> Tensor:
    """The orthonormal two-dimensional cosine transform of a block, as one matrix `[64, 64]`."""
    place = torch.arange(SIDE, dtype=torch.float64)
    waves = torch.cos((2 * place + 1) * place[:, None] * math.pi / (2 * SIDE)) / 2
    waves[0] /= math.sqrt(2)
    return torch.kron(waves, waves).float().to(device)


def _to_luma_chroma(values: Tensor) -> Tensor:
    """Red, green and blue, 0..255, as Y, Cb and Cr with grey at 128 (JFIF)."""
    red, green, blue = values.unbind(1)
    luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    return torch.stack([luma, (blue - luma) / (2 - 2 * LUMA[2]) + 128, (red - luma) / (2 - 2 * LUMA[0]) + 128], 1)


def _to_red_green_blue(values: Tensor) -> Tensor:
    luma, blueness, redness = values.unbind(1)
    red = luma + (redness - 128) * (2 - 2 * LUMA[0])
    blue = luma + (blueness - 128) * (2 - 2 * LUMA[2])
    return torch.stack([red, (luma - LUMA[0] * red - LUMA[2] * blue) / LUMA[1], blue], 1)
