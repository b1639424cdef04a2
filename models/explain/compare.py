"""Did two networks learn the same? Units matched one to one, layers compared, and one verdict with its evidence."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from models.explain.moments import Moments, correlation_of, samples_of

# Above chance, as a share of the way from two unrelated networks to one and the same: from here on two networks
# are said to have learned the same where no other seeds were trained to set the measure.
SAME_CKA = 0.8
SAME_UNITS = 0.5
FEWEST = 4  # crops of a batch: the unbiased HSIC has n - 3 below the line


@dataclass(frozen=True)
class LayerMatch:
    """A layer of the first network beside one of the second, over the same crops.

    `units[pairs, 2]` are (first's, second's) unit numbers, matched one to one so that the sum of their
    activations' correlations is largest; `correlation[pairs]` is Pearson's r, strongest first. Where one
    layer has more units than the other, the rest is in no pair. `cka` is the unbiased linear CKA.
    `chance_*` is the same on pairs of different crops: what two networks get that have nothing in common.
    """

    first: str
    second: str
    units: Tensor
    correlation: Tensor
    chance_correlation: float
    cka: float
    chance_cka: float

    @property
    def units_above_chance(self) -> float:
        """Mean correlation of the matched units: 0 at chance, 1 for the same network."""
        return _above(float(self.correlation.mean()), self.chance_correlation)

    @property
    def cka_above_chance(self) -> float:
        """CKA: 0 at chance, 1 for the same network."""
        return _above(self.cka, self.chance_cka)


@dataclass(frozen=True)
class Comparison:
    """`layers` pair by pair, and `cka[first's layers, second's layers]` of every layer with every other."""

    crops: int
    layers: list[LayerMatch]
    cka: Tensor

    @property
    def units_above_chance(self) -> float:
        return sum(layer.units_above_chance for layer in self.layers) / len(self.layers)

    @property
    def cka_above_chance(self) -> float:
        return sum(layer.cka_above_chance for layer in self.layers) / len(self.layers)


@dataclass(frozen=True)
class Verdict:
    """`same`, with the reason in one sentence: what was measured and what it was held against."""

    same: bool
    reason: str


class NetworkComparison:
    """Streaming comparison of two networks' layers; memory does not grow with the stream.

    CKA (Kornblith et al. 2019) is from the mean over batches of the unbiased HSIC (Song et al. 2012; Nguyen
    et al. 2021): a crop's features are all units at all positions, so layers of different sizes compare. Units
    are correlated over positions and crops; over crops' means where the two maps have different sizes.

    Args:
        pairs: (layer of the first network, layer of the second) that stand for each other.
        seed: of the crops' shuffling that gives the level of chance.
    """

    def __init__(self, pairs: Sequence[tuple[str, str]], *, seed: int = 0) -> None:
        if not pairs:
            raise ValueError("there are no layers to compare")
        self._pairs = list(pairs)
        self._random = torch.Generator().manual_seed(seed)
        self._crops = 0
        count = len(pairs)
        self._hsic = torch.zeros(2, count, count, dtype=torch.float64)  # true pairs of crops, then shuffled ones
        self._own = torch.zeros(2, count, dtype=torch.float64)  # each layer's with itself: first, second network
        self._units = [(_Pair(), _Pair()) for _ in pairs]

    def update(self, first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> None:
        """Add what the two networks' layers gave for the same batch of crops, by layer name.

        Raises:
            ValueError: fewer than 4 crops, or the two batches differ in size.
        """
        ours = [first[name] for name, _ in self._pairs]
        theirs = [second[name] for _, name in self._pairs]
        crops = len(ours[0])
        if crops < FEWEST or any(len(output) != crops for output in [*ours, *theirs]):
            raise ValueError(f"both networks need the same crops, {FEWEST} or more a batch")
        # A rotation of a random order leaves no crop beside itself.
        order = torch.randperm(crops, generator=self._random)
        others = torch.empty_like(order)
        others[order] = order.roll(1)
        self._add_hsic(ours, theirs, others)
        for (true, chance), mine, other in zip(self._units, ours, theirs, strict=True):
            left, right = _comparable(mine, other)
            true.update(left, right)
            chance.update(left, right[others])
        self._crops += crops

    def result(self) -> Comparison:
        """Raises `ValueError` when no batch was added."""
        if not self._crops:
            raise ValueError("no crop was seen")
        scale = torch.outer(self._own[0].clamp_min(0), self._own[1].clamp_min(0)).sqrt()
        # A layer that is the same for every crop resembles nothing.
        cka, chance = torch.where(scale > 0, self._hsic / scale, 0.0)
        layers = []
        for place, ((first, second), (true, shuffled)) in enumerate(zip(self._pairs, self._units, strict=True)):
            units, correlation = matched(true.correlation())
            _, by_chance = matched(shuffled.correlation())
            layers.append(
                LayerMatch(
                    first=first,
                    second=second,
                    units=units,
                    correlation=correlation,
                    chance_correlation=float(by_chance.mean()),
                    cka=float(cka[place, place]),
                    chance_cka=float(chance[place, place]),
                )
            )
        return Comparison(crops=self._crops, layers=layers, cka=cka)

    def _add_hsic(self, ours: list[Tensor], theirs: list[Tensor], others: Tensor) -> None:
        left, right = [_gram(output) for output in ours], [_gram(output) for output in theirs]
        # Batches weigh by their crops, so that a short last one says no more than it knows.
        crops = len(others)
        for row, mine in enumerate(left):
            self._own[0, row] += crops * _hsic(mine, mine)
            self._own[1, row] += crops * _hsic(right[row], right[row])
            for column, other in enumerate(right):
                self._hsic[0, row, column] += crops * _hsic(mine, other)
                self._hsic[1, row, column] += crops * _hsic(mine, other[others][:, others])


def matched(correlation: Tensor) -> tuple[Tensor, Tensor]:
    """The one-to-one pairs `[pairs, 2]` with the largest sum of `correlation[first, second]`, strongest first."""
    first, second = (torch.from_numpy(side) for side in linear_sum_assignment(correlation.numpy(), maximize=True))
    order = correlation[first, second].argsort(descending=True, stable=True)
    return torch.stack([first, second], dim=1)[order], correlation[first, second][order]


def verdict(comparison: Comparison, references: Iterable[Comparison] = ()) -> Verdict:
    """Whether two networks learned the same, by the means over layers of CKA and matched units above chance.

    With `references` (comparisons of networks that differ in nothing but their seed), the same means: no further
    apart, by either measure, than the two that are furthest. Without: CKA ≥ 0.8 and units ≥ 0.5 above chance.
    """
    spread = list(references)
    cka = min((other.cka_above_chance for other in spread), default=SAME_CKA)
    units = min((other.units_above_chance for other in spread), default=SAME_UNITS)
    same = comparison.cka_above_chance >= cka and comparison.units_above_chance >= units
    against = "what two seeds of one network reach" if spread else "set thresholds: no other seeds to compare with"
    said = "learned the same" if same else "did not learn the same"
    return Verdict(
        same,
        f"{said}: over {comparison.crops} crops and {len(comparison.layers)} layers, "
        f"CKA {comparison.cka_above_chance:.2f} (same from {cka:.2f}) and matched units' correlation "
        f"{comparison.units_above_chance:.2f} (same from {units:.2f}), both above chance; held against {against}",
    )


class _Pair:
    """Correlations between two sets of units over the same samples, streaming."""

    def __init__(self) -> None:
        self._moments = Moments()
        self._first = 0

    def update(self, first: Tensor, second: Tensor) -> None:
        self._first = first.shape[1]
        self._moments.update(torch.cat([samples_of(first), samples_of(second)], dim=1))

    def correlation(self) -> Tensor:
        cut, variance = self._first, self._moments.scatter.diagonal()
        return correlation_of(self._moments.scatter[:cut, cut:], variance[:cut], variance[cut:])


def _comparable(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Both outputs as they are where they have the same positions, else their means over positions."""
    if first.shape[2:] == second.shape[2:]:
        return first, second
    return first.flatten(2).mean(dim=2) if first.dim() == 4 else first, (
        second.flatten(2).mean(dim=2) if second.dim() == 4 else second
    )


def _gram(output: Tensor) -> Tensor:
    """Inner products of crops' features, float64, without the diagonal (HSIC_1)."""
    features = output.flatten(1).double()
    # HSIC does not depend on the mean; without it the sums keep their digits.
    features = features - features.mean(dim=0)
    gram = features @ features.T
    return gram.fill_diagonal_(0)


def _hsic(first: Tensor, second: Tensor) -> float:
    """Unbiased HSIC of two Gram matrices `[n, n]` without their diagonals (Song et al. 2012, eq. 5)."""
    n = len(first)
    sums, other = first.sum(dim=0), second.sum(dim=0)
    value = (first * second).sum() + sums.sum() * other.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * sums @ other
    return float(value) / (n * (n - 3))


def _above(value: float, chance: float) -> float:
    return (value - chance) / (1 - chance) if chance < 1 else 0.0
