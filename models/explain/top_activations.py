"""Top-activating and least-activating crops of every unit of a layer, and its statistics, batch by batch."""

from dataclasses import dataclass

import torch
from torch import Tensor

ALWAYS_ON = 0.99  # fraction of positions at which an always-on unit is above zero


@dataclass(frozen=True)
class RankedCrops:
    """The k crops at one end of every unit's ranking; see `UnitSummary`."""

    strength: Tensor
    crop: Tensor
    spot: Tensor

    def centre(self, grid: tuple[int, int]) -> Tensor:
        """The middle of the position `spot`, as fractions of the image's height and width: `[units, k, 2]`."""
        return (self.spot + 0.5) / torch.tensor(grid)


@dataclass(frozen=True)
class UnitSummary:
    """Top and bottom crops and statistics of a layer's units; every array's first axis is the unit.

    `strength[units, k]` are the largest activations, highest first (over the positions of a crop, then over crops),
    `crop[units, k]` the crops' numbers in the stream, `spot[units, k, 2]` the peak's (row, column) in the layer's map,
    whose receptive field is the patch (`ReceptiveFields.box`), (0, 0) without positions. `weakest` are the same of the
    crops whose peak is lowest, lowest first. k is smaller where the stream was shorter. `mean`, `highest` and `active`
    are over crops: mean and largest peak, and the fraction of crops with a peak above zero; `density` is the fraction
    of all positions above zero. `grid` is the layer's (rows, columns), (1, 1) without positions.
    """

    strength: Tensor
    crop: Tensor
    spot: Tensor
    weakest: RankedCrops
    mean: Tensor
    highest: Tensor
    active: Tensor
    density: Tensor
    grid: tuple[int, int]

    @property
    def strongest(self) -> RankedCrops:
        return RankedCrops(self.strength, self.crop, self.spot)

    @property
    def dead(self) -> Tensor:
        """Units that no crop activates."""
        return self.highest <= 0

    @property
    def always_on(self) -> Tensor:
        """Units above zero at nearly every position of every crop."""
        return self.density >= ALWAYS_ON


class TopActivations:
    """Streaming top-k and bottom-k over crops, all units of a layer at once; memory does not grow with the stream.

    Among equal activations the earlier crop wins, so the result does not depend on the batch size.
    """

    def __init__(self, k: int) -> None:
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        self._seen = 0
        self._grid = (1, 1)
        self._strongest, self._weakest = _Ranking(k, 1), _Ranking(k, -1)
        self._sum = self._highest = self._active = self._positive = torch.empty(0)

    def update(self, output: Tensor) -> None:
        """Add a batch of a layer's outputs, `[batch, units]` or `[batch, units, rows, columns]`."""
        if output.dim() not in (2, 4):
            raise ValueError(f"a layer's output is [batch, units] or [batch, units, rows, columns], got {output.shape}")
        positions = output.flatten(2) if output.dim() == 4 else output[:, :, None]
        peak, spot = positions.max(dim=2)
        grid = (output.shape[2], output.shape[3]) if output.dim() == 4 else (1, 1)
        if not self._seen:
            self._start(output.shape[1], grid)
        if (output.shape[1], grid) != (len(self._sum), self._grid):
            raise ValueError(
                f"the layer had {len(self._sum)} units of {self._grid} positions, now {output.shape[1]} of {grid}"
            )
        self._sum += peak.double().sum(dim=0)
        self._highest = torch.maximum(self._highest, peak.amax(dim=0))
        self._active += (peak > 0).sum(dim=0)
        # A sum of signs is several times as fast as a count of booleans, and exact: floats count to 2^24.
        self._positive += positions.sign().clamp_min_(0).sum(dim=2).double().sum(dim=0)
        self._strongest.merge(peak, spot, self._seen)
        self._weakest.merge(peak, spot, self._seen)
        self._seen += len(peak)

    def summary(self) -> UnitSummary:
        """Raises `ValueError` when no batch was added."""
        if not self._seen:
            raise ValueError("no crop was seen")
        rows, columns = self._grid
        strongest = self._strongest.crops(columns)
        return UnitSummary(
            strength=strongest.strength,
            crop=strongest.crop,
            spot=strongest.spot,
            weakest=self._weakest.crops(columns),
            mean=(self._sum / self._seen).float(),
            highest=self._highest,
            active=self._active / self._seen,
            density=(self._positive / (self._seen * rows * columns)).float(),
            grid=self._grid,
        )

    def _start(self, units: int, grid: tuple[int, int]) -> None:
        self._grid = grid
        self._sum = torch.zeros(units, dtype=torch.float64)
        self._highest = torch.full((units,), -torch.inf)
        self._active = torch.zeros(units, dtype=torch.int64)
        self._positive = torch.zeros(units, dtype=torch.float64)


class _Ranking:
    """The k crops with the highest peaks (sign 1) or the lowest (sign -1), for every unit."""

    def __init__(self, k: int, sign: int) -> None:
        self._k, self._sign = k, sign
        self._peak = torch.empty(0)  # times the sign: [units, up to k], falling
        self._crop = self._spot = torch.empty(0, dtype=torch.int64)

    def merge(self, peak: Tensor, spot: Tensor, seen: int) -> None:
        """Keep the k first of those kept and a batch's peaks `[batch, units]` at positions `spot`."""
        if not len(self._peak):
            self._peak = peak.new_empty(peak.shape[1], 0)
            self._crop = self._spot = spot.new_empty(peak.shape[1], 0)
        peak, numbers = peak * self._sign, torch.arange(seen, seen + len(peak))
        if self._peak.shape[1] == self._k:
            # Most crops are among the first of no unit: sorting them would cost more than the pass.
            rising = (peak > self._peak[:, -1]).any(dim=1)
            peak, spot, numbers = peak[rising], spot[rising], numbers[rising]
        joined = torch.cat([self._peak, peak.T], dim=1)
        order = joined.argsort(dim=1, descending=True, stable=True)[:, : self._k]
        self._peak = joined.gather(1, order)
        self._crop = torch.cat([self._crop, numbers.expand(peak.shape[1], -1)], dim=1).gather(1, order)
        self._spot = torch.cat([self._spot, spot.T], dim=1).gather(1, order)

    def crops(self, columns: int) -> RankedCrops:
        spot = torch.stack([self._spot // columns, self._spot % columns], dim=2)
        return RankedCrops(strength=self._peak * self._sign, crop=self._crop, spot=spot)
