"""Similarity of two networks: units matched one to one, and CKA of layers. `verdict` draws the conclusion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from models.explain.hooks import captured
from models.explain.moments import correlation_of, samples_of

FEWEST = 4  # crops of a batch: the unbiased HSIC has n - 3 below the line


@dataclass(frozen=True)
class LayerMatch:
    """A layer of the first network compared with one of the second, over the same crops.

    `units[pairs, 2]` are (first's, second's) unit numbers, matched one to one so that the sum of their
    activations' correlations is largest; `correlation[pairs]` is Pearson's r, highest first. Where one
    layer has more units than the other, the rest is unmatched. `cka` is the unbiased linear CKA.
    `chance_*` is the same on pairs of different crops: the level of two unrelated networks.
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
        return above(float(self.correlation.mean()), self.chance_correlation)

    @property
    def cka_above_chance(self) -> float:
        """CKA: 0 at chance, 1 for the same network."""
        return above(self.cka, self.chance_cka)


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
class Units:
    """A batch of a layer's units, float64: `values[crops, positions, units]` less their `mean[units]`.

    `square[units]` is the sum of the values' squares.
    """

    values: Tensor
    mean: Tensor
    square: Tensor

    @classmethod
    def of_output(cls, output: Tensor) -> Units:
        samples = samples_of(output)
        mean = samples.mean(dim=0)
        values = (samples - mean).view(len(output), -1, output.shape[1])
        return cls(values, mean, values.square().sum(dim=(0, 1)))


class LayerOutputs:
    """What a network's layers gave for one batch of crops.

    What comparisons need of it is computed once, however many networks it is compared with.

    Args:
        outputs: `[crops, units]` or `[crops, units, rows, columns]` by layer; not to be changed afterwards.
    """

    def __init__(self, outputs: Mapping[str, Tensor]) -> None:
        self._outputs = dict(outputs)
        self._units: dict[tuple[str, bool], Units] = {}
        self._grams: dict[str, Tensor] = {}
        self._own: dict[str, float] = {}

    @classmethod
    @torch.no_grad()
    def of(cls, network: nn.Module, images: Tensor, layers: Iterable[str]) -> LayerOutputs:
        """Of one forward pass of `images[crops, channels, height, width]`."""
        with captured(network, layers) as outputs:
            network(images)
        return cls(outputs)

    def output(self, layer: str) -> Tensor:
        return self._outputs[layer]

    def size(self, layer: str) -> torch.Size:
        return self._outputs[layer].shape

    def units(self, layer: str, *, pooled: bool = False) -> Units:
        """The layer's units at every position, or their means over positions (`pooled`)."""
        key = layer, pooled and self._outputs[layer].dim() == 4
        if key not in self._units:
            output = self._outputs[layer]
            self._units[key] = Units.of_output(output.flatten(2).mean(dim=2) if key[1] else output)
        return self._units[key]

    def gram(self, layer: str) -> Tensor:
        """Inner products `[crops, crops]` of crops' features, float64, without the diagonal (HSIC_1)."""
        if layer not in self._grams:
            features = self.units(layer).values.flatten(1)
            gram = features @ features.T
            # HSIC does not depend on the features' means; without them the sums keep their digits.
            gram = gram - gram.mean(dim=0) - gram.mean(dim=1, keepdim=True) + gram.mean()
            self._grams[layer] = gram.fill_diagonal_(0)
        return self._grams[layer]

    def own_hsic(self, layer: str) -> float:
        """The unbiased HSIC of the layer with itself."""
        if layer not in self._own:
            self._own[layer] = _hsic(self.gram(layer), self.gram(layer))
        return self._own[layer]


class NetworkComparison:
    """Streaming comparison of two networks' layers; memory does not grow with the stream.

    CKA (Kornblith et al. 2019) is from the mean over batches of the unbiased HSIC (Song et al. 2012; Nguyen
    et al. 2021): a crop's features are all units at all positions, so layers of different sizes compare. Units
    are correlated over positions and crops; over crops' means where the two maps have different sizes.

    Args:
        pairs: (layer of the first network, layer of the second) that correspond to each other.
        seed: of the shuffling of crops for the chance level.
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
        self._units = [_Correlation() for _ in pairs]

    def update(self, first: LayerOutputs, second: LayerOutputs) -> None:
        """Add what the two networks' layers gave for the same batch of crops.

        Raises:
            ValueError: fewer than 4 crops, or the two batches differ in size.
        """
        ours = [first.size(name) for name, _ in self._pairs]
        theirs = [second.size(name) for _, name in self._pairs]
        crops = ours[0][0]
        if crops < FEWEST or any(size[0] != crops for size in [*ours, *theirs]):
            raise ValueError(f"both networks need the same crops, {FEWEST} or more a batch")
        # A rotation of a random order leaves no crop beside itself.
        order = torch.randperm(crops, generator=self._random)
        others = torch.empty_like(order)
        others[order] = order.roll(1)
        self._add_hsic(first, second, others)
        for units, (mine, other) in zip(self._units, self._pairs, strict=True):
            pooled = first.size(mine)[2:] != second.size(other)[2:]
            units.update(first.units(mine, pooled=pooled), second.units(other, pooled=pooled), others)
        self._crops += crops

    def result(self) -> Comparison:
        """Raises `ValueError` when no batch was added."""
        if not self._crops:
            raise ValueError("no crop was seen")
        scale = torch.outer(self._own[0].clamp_min(0), self._own[1].clamp_min(0)).sqrt()
        # The similarity of a layer that is the same for every crop is 0.
        cka, chance = torch.where(scale > 0, self._hsic / scale, 0.0)
        layers = []
        for index, ((first, second), correlated) in enumerate(zip(self._pairs, self._units, strict=True)):
            true, shuffled = correlated.correlations()
            units, correlation = matched(true)
            _, by_chance = matched(shuffled)
            match = LayerMatch(
                first=first, second=second, units=units, correlation=correlation,
                chance_correlation=float(by_chance.mean()), cka=float(cka[index, index]),
                chance_cka=float(chance[index, index]),
            )  # fmt: skip
            layers.append(match)
        return Comparison(crops=self._crops, layers=layers, cka=cka)

    def _add_hsic(self, first: LayerOutputs, second: LayerOutputs, others: Tensor) -> None:
        left = [first.gram(name) for name, _ in self._pairs]
        right = [second.gram(name) for _, name in self._pairs]
        # Batches are weighted by their crops: a short last one counts for less.
        crops = len(others)
        for column, (mine, theirs) in enumerate(self._pairs):
            self._own[0, column] += crops * first.own_hsic(mine)
            self._own[1, column] += crops * second.own_hsic(theirs)
            shuffled = right[column][others][:, others]
            for row, gram in enumerate(left):
                self._hsic[0, row, column] += crops * _hsic(gram, right[column])
                self._hsic[1, row, column] += crops * _hsic(gram, shuffled)


def matched(correlation: Tensor) -> tuple[Tensor, Tensor]:
    """The one-to-one pairs `[pairs, 2]` with the largest sum of `correlation[first, second]`, highest first."""
    first, second = (torch.from_numpy(side) for side in linear_sum_assignment(correlation.numpy(), maximize=True))
    order = correlation[first, second].argsort(descending=True, stable=True)
    return torch.stack([first, second], dim=1)[order], correlation[first, second][order]


class _Correlation:
    """Correlations between two sets of units over the same samples, and over those of different crops, streaming."""

    def __init__(self) -> None:
        self._samples = 0
        self._means = self._squares = (torch.zeros(1), torch.zeros(1))
        self._scatters: tuple[Tensor, Tensor] = (torch.zeros(1), torch.zeros(1))  # true pairs of crops, shuffled ones

    def update(self, first: Units, second: Units, others: Tensor) -> None:
        """Merge a batch (Chan et al. 1979, as `Moments`); `others[crops]` is the index that each is shuffled to."""
        samples = first.values.shape[0] * first.values.shape[1]
        total = self._samples + samples
        between, share = self._samples * samples / total, samples / total
        apart = first.mean - self._means[0], second.mean - self._means[1]
        ours = first.values.flatten(0, 1).T
        added = torch.outer(*apart) * between
        # Shuffled crops are the same crops: their mean is the batch's own.
        self._scatters = (
            self._scatters[0] + ours @ second.values.flatten(0, 1) + added,
            self._scatters[1] + ours @ second.values[others].flatten(0, 1) + added,
        )
        self._squares = (
            self._squares[0] + first.square + apart[0].square() * between,
            self._squares[1] + second.square + apart[1].square() * between,
        )
        self._means = self._means[0] + apart[0] * share, self._means[1] + apart[1] * share
        self._samples = total

    def correlations(self) -> tuple[Tensor, Tensor]:
        """Pearson's r `[first's units, second's units]`, over true pairs of crops and over shuffled ones."""
        true, shuffled = (correlation_of(scatter, *self._squares) for scatter in self._scatters)
        return true, shuffled


def _hsic(first: Tensor, second: Tensor) -> float:
    """Unbiased HSIC of two Gram matrices `[n, n]` without their diagonals (Song et al. 2012, eq. 5)."""
    n = len(first)
    sums, other = first.sum(dim=0), second.sum(dim=0)
    value = (first * second).sum() + sums.sum() * other.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * sums @ other
    return float(value) / (n * (n - 3))


def above(value: float, chance: float) -> float:
    return (value - chance) / (1 - chance) if chance < 1 else 0.0
