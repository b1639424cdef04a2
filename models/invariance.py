"""Ways to train the trunk with the nuisances in view: one small contract, one class a mode.

A mode is added by one class with `nuisance_input` (or its own `update`) and its line in `MODES`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.losses import target_loss
from models.network import ScriptNet
from models.schedule import one_cycle, reversal_strength
from models.settings import InvarianceSettings, LossSettings, TrainSettings

UNKNOWN = -1


@dataclass(frozen=True, kw_only=True)
class Batch:
    """`images[batch, 1, h, w]` in [0, 1], `targets[batch]`, `nuisances[name][batch]` or UNKNOWN."""

    images: Tensor
    targets: Tensor
    nuisances: Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Update:
    """What one step found: its figures, and `p_true[batch]`, each crop's p(true target) as the step met it."""

    figures: dict[str, float]
    p_true: Tensor


class Mode:
    """The contract: `update(batch)` takes one step and returns what it found.

    Rate and λ follow from `step` alone, so a resumed training needs the network, the heads, the
    optimizer's state and `step`, nothing else.

    Args:
        network: is trained in place.
        nuisances: number of labels of each nuisance; may be empty.
        steps: how many updates the whole training takes.
        background: the place of `Zxxx` among the target's labels, for the loss's α.
    """

    def __init__(
        self,
        network: ScriptNet,
        nuisances: Mapping[str, int],
        *,
        loss: LossSettings,
        train: TrainSettings,
        invariance: InvarianceSettings,
        steps: int,
        background: int | None = None,
    ) -> None:
        self.background = background
        self.network, self.loss, self.train, self.invariance = network, loss, train, invariance
        self.steps, self.step = steps, 0
        heads = {name: self.new_head(count) for name, count in nuisances.items()}
        self.heads = nn.ModuleDict(heads)
        self.optimizer = torch.optim.AdamW(self._groups(), lr=train.rate, fused=True)

    def new_head(self, labels: int) -> nn.Module:
        """A nuisance head: what `nuisance_input` returns -> `[batch, labels]`."""
        width = self.network.target_head.in_features
        return nn.Sequential(nn.Linear(self.input_width(), width), nn.ReLU(), nn.Linear(width, labels))

    def input_width(self) -> int:
        """Columns of what `nuisance_input` returns."""
        return self.network.target_head.in_features

    def nuisance_input(self, features: Tensor, targets: Tensor) -> Tensor:
        """What the nuisance heads see of `features[batch, embedding]` and `targets[batch]`."""
        raise NotImplementedError

    def update(self, batch: Batch) -> Update:
        """One step; its figures are `loss`, `accuracy`, `rate`, `<nuisance>_loss` and `_accuracy` where it is known."""
        rate = self._set_rate()
        features = self.network.embed(batch.images)
        logits = self.network.target_head(self.network.dropout(features))
        loss = target_loss(logits, batch.targets, self.loss, background=self.background)
        figures = {"loss": loss.item(), "accuracy": _accuracy(logits, batch.targets), "rate": rate}
        total = loss
        for name, head in self.heads.items():
            known = batch.nuisances[name] != UNKNOWN
            if not known.any():
                continue
            truth = batch.nuisances[name][known]
            guess = head(self.nuisance_input(features[known], batch.targets[known]))
            nuisance_loss = functional.cross_entropy(guess, truth)
            figures[f"{name}_loss"] = nuisance_loss.item()
            figures[f"{name}_accuracy"] = _accuracy(guess, truth)
            total = total + nuisance_loss
        self.optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.step += 1
        p_true = logits.detach().softmax(1).gather(1, batch.targets[:, None]).squeeze(1)
        return Update(figures=figures, p_true=p_true)

    def _groups(self) -> list[dict[str, object]]:
        # Weight decay is for weights that multiply; norms and biases are left alone.
        weights = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [
            {"params": weights, "weight_decay": self.train.weight_decay, "relative": 1.0},
            {"params": others, "weight_decay": 0.0, "relative": 1.0},
        ]
        heads = list(self.heads.parameters())
        if heads:
            groups.append({"params": heads, "weight_decay": 0.0, "relative": self.invariance.head_rate})
        return groups

    def _set_rate(self) -> float:
        rate = one_cycle(self.step, self.steps, peak=self.train.rate, warmup=self.train.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["relative"]
        return rate


class Erm(Mode):
    """Plain training (empirical risk minimisation): the heads watch the feature and teach nothing."""

    def nuisance_input(self, features: Tensor, targets: Tensor) -> Tensor:
        return _normalised(features.detach())


class Conditional(Mode):
    """Conditional adversarial training: the heads are given the target, the trunk their reversed gradient.

    Li et al., Deep Domain Generalization via Conditional Invariant Adversarial Networks (2018).
    With the target given, the trunk is asked to forget the nuisance *within* a target, not what
    the target itself says about it. The heads' own weights descend at full strength: only what
    flows on into the trunk is turned and scaled by λ.
    """

    def input_width(self) -> int:
        return self.network.target_head.in_features + self.network.target_head.out_features

    def nuisance_input(self, features: Tensor, targets: Tensor) -> Tensor:
        strength = reversal_strength(self.step, self.steps, largest=self.invariance.strength)
        given = functional.one_hot(targets, self.network.target_head.out_features).to(features.dtype)
        return torch.cat([reverse_gradient(_normalised(features), strength), given], dim=1)


MODES: dict[str, type[Mode]] = {"erm": Erm, "conditional": Conditional}


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


def _normalised(features: Tensor) -> Tensor:
    # A trunk could fool the heads by shrinking its features: they see a fixed scale.
    return functional.layer_norm(features, features.shape[1:])


def _accuracy(logits: Tensor, truth: Tensor) -> float:
    return (logits.argmax(1) == truth).float().mean().item()
