"""Activation statistics of a layer over the data: which units are dead, always on, or redundant."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.explain.moments import Moments, correlation_of, samples_of
from models.explain.top_activations import ALWAYS_ON

NEAR_DUPLICATE = 0.98  # |correlation| from which two units are near-duplicates
EXPLAINED = 0.99  # fraction of a unit's variance that other units predict, from which it is redundant
CONSTANT = 1e-10  # variance, relative to the layer's largest, below which a unit does not vary


@dataclass(frozen=True)
class Redundancy:
    """Which units of a layer the others predict.

    `kept` and `redundant` are unit numbers, ascending, together all units. Redundant ones are, up to the
    fraction of variance asked for, `offset[redundant] + activations[kept] @ weight[kept, redundant]`:
    least squares over the data. Units that do not vary have weights of zero.
    """

    kept: Tensor
    redundant: Tensor
    weight: Tensor
    offset: Tensor


@dataclass(frozen=True)
class LayerSummary:
    """Statistics of a layer's units over the data. A sample is one position of one crop.

    `mean[units]`, `highest[units]`, `density[units]` (fraction of samples above zero) and the
    `covariance[units, units]` over samples, all float64.
    """

    samples: int
    mean: Tensor
    covariance: Tensor
    highest: Tensor
    density: Tensor

    @property
    def dead(self) -> Tensor:
        """Units that no sample activates."""
        return self.highest <= 0

    @property
    def always_on(self) -> Tensor:
        """Units above zero in nearly every sample."""
        return self.density >= ALWAYS_ON

    @property
    def varying(self) -> Tensor:
        """Units whose value is not the same in every sample."""
        variance = self.covariance.diagonal()
        return (variance > CONSTANT * variance.max()) & (variance > 0)

    @property
    def correlation(self) -> Tensor:
        """Pearson's r between units, `[units, units]`; 0 for a unit that does not vary."""
        variance = self.covariance.diagonal() * self.varying
        return correlation_of(self.covariance, variance, variance)

    def near_duplicates(self, threshold: float = NEAR_DUPLICATE) -> list[tuple[int, int, float]]:
        """Pairs of near-duplicates (first, second, r) with |r| ≥ threshold, highest |r| first."""
        correlation = self.correlation
        first, second = torch.nonzero(correlation.abs().triu(1) >= threshold, as_tuple=True)
        pairs = zip(first.tolist(), second.tolist(), correlation[first, second].tolist(), strict=True)
        return sorted(pairs, key=lambda pair: (-abs(pair[2]), pair))

    @property
    def effective_rank(self) -> float:
        """How many directions the layer uses: exp of the entropy of its covariance's spectrum.

        Between 1 and the number of units (Roy & Vetterli 2007, on the covariance's eigenvalues); 0 for a
        layer in which nothing varies.
        """
        spectrum = torch.linalg.eigvalsh(self.covariance).clamp_min(0)
        if spectrum.sum() <= 0:
            return 0.0
        share = spectrum / spectrum.sum()
        return float(torch.exp(-torch.special.xlogy(share, share).sum()))

    def redundancy(self, explained: float = EXPLAINED) -> Redundancy:
        """Keep the fewest units, chosen greedily, that predict each other one to `explained` of its variance.

        The unit that the ones kept predict worst is kept next (Cholesky's factorisation of the correlation,
        pivoted), until none is worse than that.

        Raises:
            ValueError: `explained` is not above 0 and at most 1.
        """
        if not 0 < explained <= 1:
            raise ValueError(f"explained is a fraction of variance above 0 and at most 1, got {explained}")
        correlation, deviation = self.correlation, self.covariance.diagonal().sqrt()
        kept = _pivots(correlation, self.varying, 1 - explained)
        others = torch.ones(len(self.mean), dtype=torch.bool)
        others[kept] = False
        redundant = torch.nonzero(others).flatten()
        weight = torch.linalg.solve(correlation[kept][:, kept], correlation[kept][:, redundant])
        weight = weight * deviation[redundant] / deviation[kept, None]
        return Redundancy(kept, redundant, weight, self.mean[redundant] - self.mean[kept] @ weight)


class LayerStatistics:
    """Streaming mean and covariance of a layer's units; memory is units², whatever the stream's length."""

    def __init__(self) -> None:
        self._moments = Moments()
        self._highest = self._positive = torch.empty(0)

    def update(self, output: Tensor) -> None:
        """Add a batch of a layer's outputs, `[batch, units]` or `[batch, units, rows, columns]`.

        Raises:
            ValueError: another shape, or another number of units than before.
        """
        values = samples_of(output)
        self._moments.update(values)
        if not len(values):
            return
        if not len(self._highest):
            self._highest = torch.full_like(self._moments.mean, -torch.inf)
            self._positive = torch.zeros_like(self._moments.mean)
        self._highest = torch.maximum(self._highest, values.amax(dim=0))
        self._positive += (values > 0).sum(dim=0)

    def summary(self) -> LayerSummary:
        """Raises `ValueError` when no batch was added."""
        samples = self._moments.samples
        if not samples:
            raise ValueError("no crop was seen")
        return LayerSummary(
            samples=samples,
            mean=self._moments.mean.clone(),
            covariance=self._moments.scatter / samples,
            highest=self._highest,
            density=self._positive / samples,
        )


def _pivots(correlation: Tensor, varying: Tensor, rest: float) -> Tensor:
    """Units kept, ascending: after each, what it predicts of the others is taken out of their variance."""
    residual = correlation.clone()
    kept: list[int] = []
    # Below this, what is left of a variance of 1 is rounding.
    floor = max(rest, 1e-9)
    while len(kept) < int(varying.sum()):
        left = residual.diagonal().clone()
        left[kept] = 0
        worst = int(left.argmax())
        if left[worst] <= floor:
            break
        kept.append(worst)
        residual -= torch.outer(residual[:, worst], residual[worst]) / residual[worst, worst].clone()
    return torch.tensor(sorted(kept), dtype=torch.int64)
