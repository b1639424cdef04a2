"""The strongest crops of every unit of a layer and its activation statistics, gathered batch by batch."""

from dataclasses import dataclass

import torch
from torch import Tensor

ALWAYS_ON = 0.99  # share of positions at which an always-on unit is above zero


@dataclass(frozen=True)
class UnitSummary:
    """What a stream of crops did to the units of one layer; every array's first axis is the unit.

    `strength[units, k]` are the largest activations, strongest first (over the positions of a crop, then
    over crops), `crop[units, k]` the crops' numbers in the stream, `place[units, k, 2]` the peak's (row,
    column) as shares of the image's height and width, 0.5 for a layer without positions. k is smaller where
    the stream was shorter. `mean`, `highest` and `active` are over crops: mean and largest peak, and the
    share of crops with a peak above zero; `density` is the share of all positions above zero. `grid` is the
    layer's (rows, columns), (1, 1) without positions.
    """

    strength: Tensor
    crop: Tensor
    place: Tensor
    mean: Tensor
    highest: Tensor
    active: Tensor
    density: Tensor
    grid: tuple[int, int]

    @property
    def dead(self) -> Tensor:
        """Units that no crop raised above zero."""
        return self.highest <= 0

    @property
    def always_on(self) -> Tensor:
        """Units above zero at nearly every position of every crop."""
        return self.density >= ALWAYS_ON


class TopActivations:
    """Streaming top-k over crops, all units of a layer at once; memory does not grow with the stream.

    Among equal activations the earlier crop wins, so the result does not depend on the batch size.
    """

    def __init__(self, k: int) -> None:
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        self._k = k
        self._seen = 0
        self._grid = (1, 1)
        self._strength = self._crop = self._spot = torch.empty(0)
        self._sum = self._highest = self._active = self._positive = torch.empty(0)

    def update(self, output: Tensor) -> None:
        """Add a batch of a layer's outputs, `[batch, units]` or `[batch, units, rows, columns]`."""
        if output.dim() not in (2, 4):
            raise ValueError(f"a layer's output is [batch, units] or [batch, units, rows, columns], got {output.shape}")
        positions = output.flatten(2) if output.dim() == 4 else output[:, :, None]
        peak, spot = positions.max(dim=2)
        if not self._seen:
            self._start(output)
        self._sum += peak.double().sum(dim=0)
        self._highest = torch.maximum(self._highest, peak.amax(dim=0))
        self._active += (peak > 0).sum(dim=0)
        # A sum of signs is several times as fast as a count of booleans, and exact: floats count to 2^24.
        self._positive += positions.sign().clamp_min_(0).sum(dim=2).double().sum(dim=0)
        self._merge(peak, spot)
        self._seen += len(peak)

    def summary(self) -> UnitSummary:
        """Raises `ValueError` when no batch was added."""
        if not self._seen:
            raise ValueError("no crop was seen")
        rows, columns = self._grid
        place = torch.stack([(self._spot // columns + 0.5) / rows, (self._spot % columns + 0.5) / columns], dim=2)
        return UnitSummary(
            strength=self._strength,
            crop=self._crop,
            place=place,
            mean=(self._sum / self._seen).float(),
            highest=self._highest,
            active=self._active / self._seen,
            density=(self._positive / (self._seen * rows * columns)).float(),
            grid=self._grid,
        )

    def _start(self, output: Tensor) -> None:
        units = output.shape[1]
        self._grid = (output.shape[2], output.shape[3]) if output.dim() == 4 else (1, 1)
        self._strength = torch.empty(units, 0)
        self._crop = torch.empty(units, 0, dtype=torch.int64)
        self._spot = torch.empty(units, 0, dtype=torch.int64)
        self._sum = torch.zeros(units, dtype=torch.float64)
        self._highest = torch.full((units,), -torch.inf)
        self._active = torch.zeros(units, dtype=torch.int64)
        self._positive = torch.zeros(units, dtype=torch.float64)

    def _merge(self, peak: Tensor, spot: Tensor) -> None:
        """Keep the k strongest of those kept and a batch's peaks `[batch, units]` at positions `spot`."""
        numbers = torch.arange(self._seen, self._seen + len(peak))
        if self._strength.shape[1] == self._k:
            # Most crops are among the strongest of no unit: sorting them would cost more than the pass.
            rising = (peak > self._strength[:, -1]).any(dim=1)
            peak, spot, numbers = peak[rising], spot[rising], numbers[rising]
        strength = torch.cat([self._strength, peak.T], dim=1)
        order = strength.argsort(dim=1, descending=True, stable=True)[:, : self._k]
        self._strength = strength.gather(1, order)
        crop = torch.cat([self._crop, numbers.expand(peak.shape[1], -1)], dim=1)
        self._crop = crop.gather(1, order)
        self._spot = torch.cat([self._spot, spot.T], dim=1).gather(1, order)
