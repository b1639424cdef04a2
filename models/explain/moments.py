"""Streaming mean and covariance, merged batch by batch."""

import torch
from torch import Tensor


class Moments:
    """Mean `[units]` and scatter `[units, units]` (sum of centred products) of samples, in float64.

    Chan et al. 1979: merging centred sums loses no digits where a mean is far from zero.
    """

    def __init__(self) -> None:
        self.samples = 0
        self.mean = self.scatter = torch.empty(0)

    def update(self, values: Tensor) -> None:
        """Add `values[samples, units]`. Raises `ValueError` where the number of units changes."""
        units = values.shape[1]
        if not self.samples:
            self.mean = torch.zeros(units, dtype=torch.float64)
            self.scatter = torch.zeros(units, units, dtype=torch.float64)
        if units != len(self.mean):
            raise ValueError(f"the layer had {len(self.mean)} units and now has {units}")
        if not len(values):
            return
        total = self.samples + len(values)
        mean = values.mean(dim=0)
        centred, apart = values - mean, mean - self.mean
        self.scatter += centred.T @ centred + torch.outer(apart, apart) * (self.samples * len(values) / total)
        self.mean += apart * (len(values) / total)
        self.samples = total


def samples_of(output: Tensor) -> Tensor:
    """A layer's output as float64 `[samples, units]`: each position of each image is a sample."""
    if output.dim() not in (2, 4):
        raise ValueError(f"a layer's output is [batch, units] or [batch, units, rows, columns], got {output.shape}")
    return output.movedim(1, -1).reshape(-1, output.shape[1]).double()


def correlation_of(covariance: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Pearson's r `[a, b]` from a covariance `[a, b]` and variances `[a]`, `[b]`; 0 where a variance is 0."""
    scale = torch.outer(first, second).sqrt()
    return torch.where(scale > 0, covariance / scale, 0.0).clamp(-1, 1)
