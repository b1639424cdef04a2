"""The regularisers of Yosinski et al. (2015, section 3), each sample of a batch with its own strength.

Pixels `x[batch, channels, height, width]` are differences from the neutral value: 0 is what regularisers pull to.
"""

import math

import numpy as np
import torch
from torch import Tensor

from models.explain.maximise.ascent_settings import Columns

TRUNCATE = 4.0  # a Gaussian ends this many standard deviations from its middle, as SciPy's does


def gaussian_matrix(size: int, width: float) -> Tensor:
    """`[size, size]`, which blurs a line of pixels: a Gaussian of `width` pixels, reflected at both ends."""
    radius = int(TRUNCATE * width + 0.5)
    offsets = torch.arange(-radius, radius + 1)
    weights = torch.exp(-0.5 * (offsets.double() / width).square()) if radius else torch.ones(1, dtype=torch.float64)
    indices = (torch.arange(size)[:, None] + offsets) % (2 * size)
    indices = torch.minimum(indices, 2 * size - 1 - indices)
    matrix = torch.zeros(size, size, dtype=torch.float64)
    return matrix.scatter_add_(1, indices, (weights / weights.sum()).expand(size, -1)).float()


class Blur:
    """Gaussian blur with a `width[batch]` of each sample's own, in pixels (standard deviation)."""

    def __init__(self, width: Tensor, height: int, length: int) -> None:
        widths, self._kind = torch.unique(width, return_inverse=True)
        # As matrices, so that samples of all widths are one product; and reflection costs nothing.
        self._down = torch.stack([gaussian_matrix(height, float(width)) for width in widths]).to(width.device)
        self._along = torch.stack([gaussian_matrix(length, float(width)) for width in widths]).to(width.device)

    def __call__(self, x: Tensor, rows: Tensor) -> Tensor:
        """`x[rows]`, blurred."""
        kind = self._kind[rows]
        return self._down[kind][:, None] @ x[rows] @ self._along[kind][:, None].mT


def clip_small_norms(x: Tensor, percent: Tensor) -> Tensor:
    """Pixels to 0 whose norm over channels lies below the sample's `percent[batch]`-th percentile."""
    norms = x.abs() if x.shape[1] == 1 else torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return kept(x, norms, percentile(norms, percent))


def clip_small_contributions(x: Tensor, gradient: Tensor, percent: Tensor) -> Tensor:
    """Pixels to 0 whose |Σ_c x·∇| lies below the sample's percentile.

    To first order that is how much the activation changes when the pixel is set to 0 (equation in section 3 of the
    paper); the exact value takes a forward pass a pixel.
    """
    products = x * gradient
    # Adding up the one channel of grey pixels would take longer than multiplying.
    contributions = (products if x.shape[1] == 1 else products.sum(dim=1, keepdim=True)).abs()
    return kept(x, contributions, percentile(contributions, percent))


class Regulariser:
    """One step of a batch: along the gradient, then regularisation."""

    def __init__(self, columns: Columns, x: Tensor, rate: float, progress: float) -> None:
        self._columns = columns
        self._rate, self._progress = columns.rate * rate, columns.progress * progress
        self._keep = (1 - columns.decay)[:, None, None, None]
        self._blur = Blur(columns.blur_width, *x.shape[2:])
        self._norms = torch.nonzero(columns.norm_percent).flatten()
        self._contributions = torch.nonzero(columns.contribution_percent).flatten()

    def __call__(self, x: Tensor, gradient: Tensor, step: int) -> Tensor:
        columns, rows = self._columns, self._columns.blurred_at(step)
        squares = gradient.flatten(1).square().sum(dim=1)
        rate = torch.minimum(self._rate, self._progress / squares)
        x = torch.addcmul(x, rate[:, None, None, None], gradient).mul_(self._keep)
        if len(rows):
            x[rows] = self._blur(x, rows)
        if len(rows := self._norms):
            x = _changed(x, rows, clip_small_norms(x[rows], columns.norm_percent[rows]))
        if len(rows := self._contributions):
            clipped = clip_small_contributions(x[rows], gradient[rows], columns.contribution_percent[rows])
            x = _changed(x, rows, clipped)
        return x


def _changed(x: Tensor, rows: Tensor, new: Tensor) -> Tensor:
    """`x` with `new` at `rows`, which rise: where they are all, that is `new`."""
    return new if len(rows) == len(x) else x.index_copy_(0, rows, new)


def kept(x: Tensor, sizes: Tensor, least: Tensor) -> Tensor:
    """`x` where `sizes` are at least `least`, else 0."""
    # A comparison into floats takes a fifth of the time of one into booleans.
    return x * torch.ge(sizes, least, out=torch.empty_like(sizes))


def percentile(values: Tensor, percent: Tensor) -> Tensor:
    """`[batch, 1, 1, 1]`: what `values < result` marks are those below the sample's percentile.

    It is the order statistic at or above NumPy's linear interpolation: no value lies between the two.
    """
    if values.device.type == "cpu":
        ordered = torch.from_numpy(np.sort(values.flatten(1).numpy(), axis=1))  # thirty times as fast as torch's sort
    else:
        ordered = values.flatten(1).sort(dim=1).values
    # Rounded: 50.000001% of an even number must not be one pixel more.
    index = (percent.double() / 100 * (ordered.shape[1] - 1)).sub(1e-6).ceil().long()
    return ordered.gather(1, index[:, None])[:, :, None, None]


def shifts_of(columns: Columns, seed: Tensor) -> Tensor | None:
    """`[steps, batch, 2]`, by how many pixels each sample is moved, from its seed alone; None where none is."""
    if not columns.jitter.any():
        return None
    sampled = {
        one: torch.rand(columns.steps, 2, generator=torch.Generator().manual_seed(one)) for one in set(seed.tolist())
    }
    unit = torch.stack([sampled[one] for one in seed.tolist()], dim=1).to(columns.jitter.device)
    return ((2 * columns.jitter + 1)[:, None] * unit).long() - columns.jitter[:, None]


def rolled(x: Tensor, shift: Tensor) -> Tensor:
    """Each sample moved by its `shift[batch, 2]` (rows down, columns right); a pixel that leaves comes in opposite."""
    height, width = x.shape[2:]
    rows = (torch.arange(height, device=x.device) - shift[:, :1]) % height
    columns = (torch.arange(width, device=x.device) - shift[:, 1:]) % width
    indices = (rows[:, :, None] * width + columns[:, None, :]).flatten(1)
    return x.flatten(2).gather(2, indices[:, None].expand(-1, x.shape[1], -1)).view_as(x)


def total_variation(images: Tensor) -> Tensor:
    """`[batch]`: mean absolute difference of neighbours, in standard deviations of the image; 0 for a plain one."""
    deviation = images.flatten(1).std(dim=1, correction=0)
    down, along = images.diff(dim=2).abs(), images.diff(dim=3).abs()
    pairs = down[0].numel() + along[0].numel()
    steps = (down.flatten(1).sum(dim=1) + along.flatten(1).sum(dim=1)) / max(pairs, 1)
    return torch.where(deviation > 0, steps / deviation.clamp_min(math.ulp(1.0)), torch.zeros_like(steps))
