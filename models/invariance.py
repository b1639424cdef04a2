"""Modes of invariance: training objectives against the nuisances, one class each, and their sums.

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
from models.erasure import Erasure
from models.settings import InvarianceSettings, parts_of
from models.training import UNKNOWN, Mode, ModeInput, Term, accuracy_of

HEAVIEST = 10.0  # weight of a crop whose nuisance is rare in its target: one alone must not steer a step


def modes_of(name: str) -> list[type[Mode]]:
    """The classes that `name` asks for: `conditional+pairs`.

    Where none of them has nuisance heads, `Erm` is added, whose heads only measure.

    Raises:
        ValueError: there is no such mode, one is named twice, or `erm` is part of a sum.
    """
    modes = [MODES[part] for part in parts_of(name)]
    return modes if any(issubclass(mode, _Heads) for mode in modes) else [Erm, *modes]


@dataclass(frozen=True, kw_only=True)
class _HeadOutput:
    """A head's `losses[known]` on the crops whose label is known, its metrics, and its number of `labels`."""

    labels: int
    losses: Tensor
    metrics: dict[str, float]


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
        """A head's input from `features[rows, embedding]` and `targets[rows]`."""
        return features

    def weigh(self, name: str, losses: Tensor, targets: Tensor, labels: Tensor) -> Tensor:
        """The `losses[rows]` of one nuisance, weighted."""
        return losses

    def head_loss(self, seen: ModeInput) -> Tensor | None:
        return _sum([output.losses.mean() for output in self.read(seen, seen.features)])

    def read(self, seen: ModeInput, features: Tensor, *, frozen: bool = False) -> list[_HeadOutput]:
        """The heads' outputs for `features[batch, embedding]`; `frozen`: their weights get no gradient."""
        found = []
        for name, head in zip(self.names, self.heads, strict=True):
            known = seen.batch.nuisances[name] != UNKNOWN
            if not known.any():
                continue
            labels, targets = seen.batch.nuisances[name][known], seen.batch.targets[known]
            inputs = self.head_input(features[known], targets)
            guess = _frozen(head, inputs) if frozen else head(inputs)
            losses = self.weigh(name, functional.cross_entropy(guess, labels, reduction="none"), targets, labels)
            metrics = {f"{name}_loss": losses.mean().item(), f"{name}_accuracy": accuracy_of(guess, labels)}
            found.append(_HeadOutput(labels=guess.shape[1], losses=losses, metrics=metrics))
        return found


class Erm(_Heads):
    """Plain training (empirical risk minimisation): the heads get detached features and do not change the backbone."""

    name = "erm"

    def forward(self, seen: ModeInput) -> Term:
        return _term(self.read(seen, seen.features.detach()))


class Reversal(_Heads):
    """Adversarial training: the backbone gets the heads' gradient reversed, times λ.

    Ganin & Lempitsky, Unsupervised Domain Adaptation by Backpropagation (2015); Ganin et al., DANN (2016). The
    heads' own weights descend at full strength: only the gradient into the backbone is reversed and scaled.
    """

    name = "reversal"
    adversarial = True

    def forward(self, seen: ModeInput) -> Term:
        return _term(self.read(seen, reverse_gradient(seen.features, seen.strength)))


class Conditional(Reversal):
    """Reversal whose heads are given the target, on a class-balanced loss.

    Li et al., Deep Domain Generalization via Conditional Invariant Adversarial Networks (2018). Given the target,
    only information about the nuisance *within* a target is penalised, not what the target itself implies.
    Within a target all nuisance labels of its training crops have equal weight: a crop of target y and label n
    weighs N(y) / (K(y) N(y, n)), at most `HEAVIEST`, with K(y) labels of the target's N(y) crops. Without the
    bound a target's mean weight is 1: targets are weighted by their crops, as in the target's own loss.
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
    """Alternating gradient ascent: the heads descend alone, then the backbone ascends their loss, times λ.

    While the backbone ascends, the heads are frozen. Each crop's loss is clamped at log(labels), the loss of a uniform
    prediction, so that the ascent cannot diverge.
    """

    name = "ascent"
    adversarial = True

    def __init__(self, counts: Mapping[str, Tensor], *, embedding: int, settings: InvarianceSettings) -> None:
        super().__init__(counts, embedding=embedding, settings=settings)
        self.head_turns = settings.head_steps

    def forward(self, seen: ModeInput) -> Term:
        outputs = self.read(seen, seen.features, frozen=True)
        ascended = _sum([output.losses.clamp(max=math.log(output.labels)).mean() for output in outputs])
        return Term(loss=None if ascended is None else -seen.strength * ascended, metrics=_metrics(outputs))


class Pairs(Mode):
    """Consistency: partners, such as one word in two designs, must have the same feature.

    The loss is 1 − the correlation of their features (half the mean squared difference of the normalised ones),
    0 to 2, times `pair_weight`. It acts on the feature and not on the logits: logits of partners soon agree, since
    their target is the same, while the feature still separates the designs.
    """

    name = "pairs"
    needs_pairs = True

    def forward(self, seen: ModeInput) -> Term:
        return _weighted(self.name, partner_gap(seen.features, seen.batch.pairs), self.settings.pair_weight)


class Coral(Mode):
    """Matched moments: within a target, every nuisance label must have the same mean and covariance of features.

    Sun & Saenko, Deep CORAL (2016), with the mean as well as the covariance; the loss of `moment_gap`, averaged over
    the nuisances, times `coral_weight`.
    """

    name = "coral"

    def forward(self, seen: ModeInput) -> Term:
        batch = seen.batch
        gaps = [moment_gap(seen.features, batch.targets, labels) for labels in batch.nuisances.values()]
        known = [gap for gap in gaps if gap is not None]
        mean = torch.stack(known).mean() if known else None
        return _weighted(self.name, mean, self.settings.coral_weight)


class Narrow(Mode):
    """Only what the answer needs: the trained network's embedding ends in a `models.network.Bottleneck`.

    It adds no loss. Alone it trains as `erm` does, and predicts what that predicts.
    """

    name = "bottleneck"
    narrows = True

    def forward(self, seen: ModeInput) -> Term:
        return Term(loss=None, metrics={})


EVERY = (Erm, Reversal, Conditional, Ascent, Pairs, Coral, Erasure, Narrow)
MODES: dict[str, type[Mode]] = {mode.name: mode for mode in EVERY}


def balancing_weights(counts: Tensor) -> Tensor:
    """Weights `float64[targets, labels]` that give the labels within a target equal weight, at most `HEAVIEST`.

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
    """The output of `head`, its weights constants to the gradient."""
    weights = {name: weight.detach() for name, weight in head.named_parameters()}
    output: Tensor = functional_call(head, weights, (inputs,))
    return output


def _sum(losses: list[Tensor]) -> Tensor | None:
    return torch.stack(losses).sum() if losses else None


def _metrics(outputs: list[_HeadOutput]) -> dict[str, float]:
    return {key: value for output in outputs for key, value in output.metrics.items()}


def _term(outputs: list[_HeadOutput]) -> Term:
    return Term(loss=_sum([output.losses.mean() for output in outputs]), metrics=_metrics(outputs))


def _weighted(name: str, gap: Tensor | None, weight: float) -> Term:
    """A term and, unweighted, its metric."""
    if gap is None:
        return Term(loss=None, metrics={})
    return Term(loss=weight * gap, metrics={f"{name}_loss": gap.item()})
