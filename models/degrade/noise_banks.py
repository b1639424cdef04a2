"""Banks of noise: made once; each crop takes a window at a random position."""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.degrade.seeds import Draw, indices

BANK_SEED = 20_170_807
BANK_SIDE = 1024
# In pixels: height and length of a brick, how much of its length each course is moved against the last, and the joint.
WALLS = (
    (7, 20, 0.5, 1), (9, 26, 0.5, 1), (11, 32, 0.5, 2), (16, 46, 0.5, 2), (14, 14, 0.0, 1), (13, 400, 0.3, 1),
    (5, 900, 0.4, 1),
)  # fmt: skip

Rows = NDArray[np.int64] | slice
Bank = Callable[[int, torch.device], Tensor]


def patches(bank: Bank, draw: Draw, name: str, like: Tensor, rows: Rows = slice(None)) -> Tensor:
    """A window of the bank for each crop of `like[batch, channels, h, w]`, or those at `rows`: `[rows, 1, h, w]`."""
    height, width = like.shape[2:]
    side = max(BANK_SIDE, 2 * height, 2 * width)
    top, left = draw.whole(f"{name}-top", side - height)[rows], draw.whole(f"{name}-left", side - width)[rows]
    whole = bank(side, like.device)
    if like.device.type == "cpu":  # NumPy copies windows in half the time
        return torch.from_numpy(sliding_window_view(whole.numpy(), (height, width))[top, left]).unsqueeze(1)
    windows = whole.unfold(0, height, 1).unfold(1, width, 1)
    return windows[indices(like, top), indices(like, left)].unsqueeze(1)


@lru_cache(maxsize=4)
def noise_bank(side: int, device: torch.device) -> Tensor:
    """White noise `[side, side]`, mean 0, standard deviation 1."""
    return torch.randn(side, side, generator=torch.Generator().manual_seed(BANK_SEED)).to(device)


@lru_cache(maxsize=4)
def background_bank(side: int, device: torch.device) -> Tensor:
    """Noise `[side, side]` of three grains, standard deviation 1/2: coarse to fine."""
    return (_smooth(side, grains=(3, 12, 48), seed=BANK_SEED + 1) / 2).to(device)


@lru_cache(maxsize=4)
def bend_bank(side: int, device: torch.device) -> Tensor:
    """Displacements of elastic distortion `[side, side]`, standard deviation 1, smooth over about a letter."""
    return _smooth(side, grains=(10,), seed=BANK_SEED + 2).to(device)


@lru_cache(maxsize=4)
def wear_bank(side: int, device: torch.device) -> Tensor:
    """Where type is worn `[side, side]`, standard deviation 1: in spots of half a stroke to two strokes."""
    return _smooth(side, grains=(2, 5), seed=BANK_SEED + 3).to(device)


@lru_cache(maxsize=4)
def ground_bank(side: int, device: torch.device) -> Tensor:
    """Walls `[side, side]`, standard deviation 1, in bands: bricks, tiles, planks, slats and plaster."""
    generator = torch.Generator().manual_seed(BANK_SEED + 5)
    height = -(-side // (len(WALLS) + 1))
    bands = [_masonry(height, side, *wall, generator) for wall in WALLS]
    bands.append(_smooth(side, grains=(2, 4), seed=BANK_SEED + 6)[:height])
    return torch.cat(bands)[:side].to(device)


def _masonry(
    height: int, width: int, course: int, length: int, offset: float, joint: int, generator: torch.Generator
) -> Tensor:
    """`[height, width]`, mean 0, standard deviation 1: pieces of a grey each, joints and grain; long ones streaky."""
    down = torch.arange(height)[:, None]
    along = torch.arange(width) + (down // course * offset * length).long()
    pieces = int(along.max()) // length + 1
    greys = torch.randn(height // course + 1, pieces, generator=generator)
    wall = greys[down // course, along // length]
    wall = torch.where((down % course < joint) | (along % length < joint), torch.tensor(2.5), wall)
    grain = torch.randn(1, 1, height, width // (12 if length > 100 else 2), generator=generator)
    wall += functional.interpolate(grain, size=(height, width), mode="bilinear")[0, 0]
    return (wall - wall.mean()) / wall.std()


@lru_cache(maxsize=4)
def speck_bank(side: int, device: torch.device) -> Tensor:
    """Specks `[side, side]`: about a fraction f of the pixels is below f, in dots of one to three pixels."""
    generator = torch.Generator().manual_seed(BANK_SEED + 4)
    shapes = [[(1, 1)], [(1, 2)], [(2, 1)], [(2, 2)], [(1, 3), (3, 1)]]  # rectangles; the last two make a cross
    ranks = torch.full((side, side), torch.inf)
    for rectangles in shapes:
        white = torch.rand(1, 1, side, side, generator=generator)
        pixels = 5 if len(rectangles) > 1 else math.prod(rectangles[0])
        for high, wide in rectangles:
            grown = -functional.max_pool2d(-white, (high, wide), stride=1, padding=(high // 2, wide // 2))
            ranks = torch.minimum(ranks, grown[0, 0, :side, :side] * (pixels * len(shapes)))
    return ranks.to(device)


def _smooth(side: int, *, grains: tuple[int, ...], seed: int) -> Tensor:
    """Smooth noise `[side, side]`, standard deviation 1: a sum of noises, one for each grain in pixels."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(1, 1, side, side)
    for grain in grains:
        coarse = torch.randn(1, 1, side // grain + 2, side // grain + 2, generator=generator)
        total += functional.interpolate(coarse, size=(side, side), mode="bicubic", align_corners=False)
    return (total / total.std())[0, 0]
