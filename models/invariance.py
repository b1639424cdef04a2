"""Modes of invariance: ways to hold the backbone back from the nuisances, one class each, and their sums.

A mode is added by one class, its line in `MODES` and its name in `models.settings.MODE_NAMES`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from models.alignment import moment_gap, partner_gap
from models.settings import InvarianceSettings, parts_of
from models.training import UNKNOWN, Mode, Seen, Term, share_right

HEAVIEST = 10.0  # weight of a crop whose nuisance is rare in its target: one alone must not steer a step


def modes_of(name: str) -> list[type[Mode]]:
    """The classes that `name` asks for: `conditional+pairs`.

    Where none of them has nuisance heads, `Erm` is added: its heads watch.

    Raises:
        ValueError: there is no such mode, one is named twice, or `erm` is part of a sum.
    """
    modes = [MODES[part] for part in parts_of(name)]
    return modes if any(issubclass(mode, _Heads) for mode in modes) else [Erm, *modes]


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What a head with so many `labels` made of the crops whose label is known: `losses[known]`, and its figures."""

    labels: int
    losses: Tensor
    figures: dict[str, float]


class _Heads(Mode):
    """A small head for each nuisance."""

    def __init__(self, counts: Mapping[str, Tensor], *, embedding: int, settings: InvarianceSettings) -> None:
        super().__init__(counts, embedding=embedding, settings=settings)
        self.head_turns = settings.head_steps - 1  # one more is the backbone's own step
        self.names = list(counts)
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Linear(embedding + self.given_width(len(table)), embedding),
                nn.ReLU(),
                nn.Linear(embedding, table.shape[1]),
            )
            for table in counts.values()
        )

    def given_width(self, targets: int) -> int:
        """Columns that `head_input` adds to the feature."""
        return 0

    def head_input(self, features: Tensor, targets: Tensor) -> Tensor:
        """What a head sees of `features[rows, embedding]` and `targets[rows]`."""
        return features

    def weigh(self, name: str, losses: Tensor, targets: Tensor, labels: Tensor) -> Tensor:
        """The `losses[rows]` of one nuisance, weighted."""
        return losses

    def head_loss(self, seen: Seen) -> Tensor | None:
        return _sum([reading.losses.mean() for reading in self.read(seen, seen.features)])

    def read(self, seen: Seen, features: Tensor, *, frozen: bool = False) -> list[_Reading]:
        """What the heads make of `features[batch, embedding]`; `frozen`: their weights get no gradient."""
        found = []
        for name, head in zip(self.names, self.heads, strict=True):
            known = seen.batch.nuisances[name] != UNKNOWN
            if not known.any():
                continue
            labels, targets = seen.batch.nuisances[name][known], seen.batch.targets[known]
            inputs = self.head_input(features[known], targets)
            guess = _frozen(head, inputs) if frozen else head(inputs)
            losses = self.weigh(name, functional.cross_entropy(guess, labels, reduction="none"), targets, labels)
            figures = {f"{name}_loss": losses.mean().item(), f"{name}_accuracy": share_right(guess, labels)}
            found.append(_Reading(labels=guess.shape[1], losses=losses, figures=figures))
        return found


class Erm(_Heads):
    """Plain training (empirical risk minimisation): the heads watch the feature and teach nothing."""

    name = "erm"

    def forward(self, seen: Seen) -> Term:
        return _term(self.read(seen, seen.features.detach()))


class Reversal(_Heads):
    """Adversarial training: the backbone gets the heads' gradient reversed, times λ.

    Ganin & Lempitsky, Unsupervised Domain Adaptation by Backpropagation (2015); Ganin et al., DANN (2016). The
    heads' own weights descend at full strength: only what flows on into the backbone is turned and scaled.
    """

    name = "reversal"
    pushes = True

    def forward(self, seen: Seen) -> Term:
        return _term(self.read(seen, reverse_gradient(seen.features, seen.strength)))


class Conditional(Reversal):
    """Reversal whose heads are given the target, on a class-balanced loss.

    Li et al., Deep Domain Generalization via Conditional Invariant Adversarial Networks (2018). With the target
    given, the backbone is asked to forget the nuisance *within* a target, not what the target itself says about it.
    Within a target every nuisance label that its training crops have counts alike: a crop of target y and label n
    weighs N(y) / (K(y) N(y, n)), at most `HEAVIEST`, with K(y) labels of the target's N(y) crops. Without the
    bound a target's mean weight is 1: targets count by their crops, as in the target's own loss.
    """

    name = "conditional"

    def __init__(self, counts: Mapping[str, Tensor], *, embedding: int, settings: InvarianceSettings) -> None:
        super().__init__(counts, embedding=embedding, settings=settings)
        self.weights = {name: balancing_weights(table) for name, table in counts.items()}
        self.targets = max((len(table) for table in counts.values()), default=0)

    def given_width(self, targets: int) -> int:
        return targets

    def head_input(self, features: Tensor, targets: Tensor) -> Tensor:
        return torch.cat([features, functional.one_hot(targets, self.targets).to(features.dtype)], dim=1)

    def weigh(self, name: str, losses: Tensor, targets: Tensor, labels: Tensor) -> Tensor:
        return losses * self.weights[name][targets, labels].to(losses.dtype)


class Ascent(_Heads):
    """Literal gradient ascent, in turns: the heads descend alone, then the backbone climbs their loss, times λ.

    While the backbone climbs, the heads stand still. Each crop's loss counts up to log(labels), what a head pays that
    knows nothing: beyond it there is nothing to gain, so that the climb cannot run away.
    """

    name = "ascent"
    pushes = True

    def __init__(self, counts: Mapping[str, Tensor], *, embedding: int, settings: InvarianceSettings) -> None:
        super().__init__(counts, embedding=embedding, settings=settings)
        self.head_turns = settings.head_steps

    def forward(self, seen: Seen) -> Term:
        readings = self.read(seen, seen.features, frozen=True)
        climbed = _sum([reading.losses.clamp(max=math.log(reading.labels)).mean() for reading in readings])
        return Term(loss=None if climbed is None else -seen.strength * climbed, figures=_figures(readings))


class Pairs(Mode):
    """Consistency: partners, such as one word in two designs, must have the same feature.

    The loss is 1 − the correlation of their features (half the mean squared difference of the normalised ones),
    0 to 2, times `pair_weight`. It acts on the feature and not on the logits: logits of partners agree soon, since
    their target is the same, while the feature below them goes on to tell the designs apart.
    """

    name = "pairs"
    needs_pairs = True

    def forward(self, seen: Seen) -> Term:
        return _weighted(self.name, partner_gap(seen.features, seen.batch.pairs), self.settings.pair_weight)


class Coral(Mode):
    """Matched moments: within a target, every nuisance label must have the same mean and covariance of features.

    Sun & Saenko, Deep CORAL (2016), with the mean beside the covariance; the loss of `moment_gap`, averaged over the
    nuisances, times `coral_weight`.
    """

    name = "coral"

    def forward(self, seen: Seen) -> Term:
        batch = seen.batch
        gaps = [moment_gap(seen.features, batch.targets, labels) for labels in batch.nuisances.values()]
        known = [gap for gap in gaps if gap is not None]
        mean = torch.stack(known).mean() if known else None
        return _weighted(self.name, mean, self.settings.coral_weight)


MODES: dict[str, type[Mode]] = {mode.name: mode for mode in (Erm, Reversal, Conditional, Ascent, Pairs, Coral)}


def balancing_weights(counts: Tensor) -> Tensor:
    """Weights `float64[targets, labels]` by which the labels within a target count alike, at most `HEAVIEST`.

    Args:
        counts: int64 `[targets, labels]`, training crops of each; where there are none, the weight is `HEAVIEST`.
    """
    alike = counts.sum(1, keepdim=True) / (counts > 0).sum(1, keepdim=True).clamp(min=1)
    return torch.where(counts > 0, alike / counts.clamp(min=1), HEAVIEST).double().clamp(max=HEAVIEST)


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(context, values: Tensor, strength: float) -> Tensor:  # type: ignore[no-untyped-def, override]
        context.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(context, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def, override]
        return -context.strength * gradient, None


def reverse_gradient(values: Tensor, strength: float) -> Tensor:
    """`values` unchanged; on the way back their gradient times `-strength` (Ganin & Lempitsky 2015)."""
    turned: Tensor = _Reverse.apply(values, strength)  # type: ignore[no-untyped-call]
    return turned


def _frozen(head: nn.Module, inputs: Tensor) -> Tensor:
    """What `head` says, its weights constants to the gradient."""
    weights = {name: weight.detach() for name, weight in head.named_parameters()}
    said: Tensor = functional_call(head, weights, (inputs,))
    return said


def _sum(losses: list[Tensor]) -> Tensor | None:
    return torch.stack(losses).sum() if losses else None


def _figures(readings: list[_Reading]) -> dict[str, float]:
    return {key: value for reading in readings for key, value in reading.figures.items()}


def _term(readings: list[_Reading]) -> Term:
    return Term(loss=_sum([reading.losses.mean() for reading in readings]), figures=_figures(readings))


def _weighted(name: str, gap: Tensor | None, weight: float) -> Term:
    """A term and, unweighted, its figure."""
    if gap is None:
        return Term(loss=None, figures={})
    return Term(loss=weight * gap, figures={f"{name}_loss": gap.item()})
