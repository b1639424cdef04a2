"""The training step: the target's loss plus the terms of the modes of invariance."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.losses import target_loss
from models.network import CropNet, Eraser
from models.schedule import one_cycle, reversal_strength
from models.settings import InvarianceSettings, LossSettings, TrainSettings

UNKNOWN = -1
BFLOAT16 = ("amx_bf16", "avx512_bf16")  # products of tiles (Intel's Xeon), of vectors (AMD's Zen 4 on, Cooper Lake)
FIT_EVERY = 20  # steps between two fits of the eraser: they cost nothing then, and the embedding has not gone far
FITS = 20  # the fewest of a training, were it short


@dataclass(frozen=True, kw_only=True)
class Batch:
    """`images[batch, channels, h, w]` in [0, 1], `targets[batch]`, `nuisances[name][batch]` or UNKNOWN.

    `pairs[batch]` is a number that partners share, such as one word in two designs; UNKNOWN where a crop has none.
    """

    images: Tensor
    targets: Tensor
    nuisances: Mapping[str, Tensor]
    pairs: Tensor


@dataclass(frozen=True, kw_only=True)
class ModeInput:
    """The input of a mode at a step.

    `features[batch, embedding]` are normalised, each crop's to mean 0 and variance 1: shrinking the
    features does not help the backbone. `strength` is λ at this step.
    """

    features: Tensor
    batch: Batch
    strength: float


@dataclass(frozen=True, kw_only=True)
class Term:
    """What a mode adds to the loss, None where the batch has nothing for it, and its metrics."""

    loss: Tensor | None
    metrics: dict[str, float]


class Mode(nn.Module):
    """The contract of a mode of invariance. Its parameters are its heads, without the backbone.

    `adversarial`: the backbone ascends the heads' loss, times λ. `needs_pairs`: partners must be in one batch.
    `head_turns`: steps that its heads take alone, before each step of the backbone. `erases`: it fits the network's
    `Eraser`, where there is one, by its buffers (`observe`, `fit`). `narrows`: the trained network's embedding is to
    end in a `Bottleneck`.
    """

    name: ClassVar[str]
    adversarial: ClassVar[bool] = False
    needs_pairs: ClassVar[bool] = False
    erases: ClassVar[bool] = False
    narrows: ClassVar[bool] = False
    head_turns: int = 0

    def __init__(self, counts: Mapping[str, Tensor], *, embedding: int, settings: InvarianceSettings) -> None:
        """`counts[nuisance][targets, labels]` are the training crops of each; `embedding` is the feature's width."""
        super().__init__()
        self.settings = settings

    def head_loss(self, seen: ModeInput) -> Tensor | None:
        """The loss of its heads' own steps, on detached features."""
        return None

    def forward(self, seen: ModeInput) -> Term:
        """The loss of the backbone's step, with the heads."""
        raise NotImplementedError

    def observe(self, embedding: Tensor, batch: Batch) -> None:
        """Take note of a step's `embedding[batch, embedding]`, not yet erased."""

    def fit(self, eraser: Eraser) -> None:
        """Fit the layer by what was observed."""


@dataclass(frozen=True, kw_only=True)
class Update:
    """The metrics of one step, and `p_true[batch]`, each crop's p(true target) before the update."""

    metrics: dict[str, float]
    p_true: Tensor


class Training:
    """Takes one step at a time.

    The learning rate and λ follow from `step` alone, so a resumed training needs the network, the modes' heads, the
    optimizer's state and `step`, nothing else.

    Args:
        network: is trained in place, on the device that it is on; the batches are there too.
        modes: their terms are summed; none is plain training without nuisance heads.
        counts: `[nuisance][targets, labels]`, the training crops of each; may be empty.
        steps: how many updates the whole training takes.
        background: the index of `Zxxx` among the target's labels, for the loss's α.
        average: is given the weights that a backward pass may have reached, to average their gradients with others'.
        average_buffers: is given a module whose buffers are to be the mean over the processes.
    """

    def __init__(
        self,
        network: CropNet,
        modes: Sequence[type[Mode]] = (),
        *,
        counts: Mapping[str, Tensor],
        loss: LossSettings,
        train: TrainSettings,
        invariance: InvarianceSettings,
        steps: int,
        background: int | None = None,
        average: Callable[[Sequence[nn.Parameter]], None] | None = None,
        average_buffers: Callable[[nn.Module], None] | None = None,
    ) -> None:
        self.average, self.average_buffers = average, average_buffers
        self.network, self.loss, self.train, self.invariance = network, loss, train, invariance
        self.background, self.steps, self.step = background, steps, 0
        self.fit_every = max(1, min(FIT_EVERY, steps // FITS))
        self.device = next(network.parameters()).device
        self.bfloat16 = uses_bfloat16(train, self.device)
        width = network.target_head.in_features
        known = {name: table.to(self.device) for name, table in counts.items()}
        made = [mode(known, embedding=width, settings=invariance).to(self.device) for mode in modes]
        self.modes: Sequence[Mode] = made
        self.heads = nn.ModuleList(made)
        self.optimizer = torch.optim.AdamW(self._groups(), lr=train.learning_rate, fused=True)

    def update(self, batch: Batch) -> Update:
        """One step: `loss`, `accuracy`, `learning_rate`, `strength` where a mode has one, and the modes' own."""
        rate = self._set_learning_rate()
        features = self._embed(batch.images)
        logits = self.network.target_head(self.network.dropout(features))
        loss = target_loss(logits, batch.targets, self.loss, background=self.background)
        metrics = {"loss": loss.item(), "accuracy": accuracy_of(logits, batch.targets), "learning_rate": rate}
        terms = self._terms(features, batch, metrics)
        self._descend(torch.stack([loss, *terms]).sum() if terms else loss)
        self.step += 1
        self._erase(batch)
        p_true = logits.detach().softmax(1).gather(1, batch.targets[:, None]).squeeze(1)
        return Update(metrics=metrics, p_true=p_true.cpu())

    def _embed(self, images: Tensor) -> Tensor:
        """The embedding. In bfloat16 are the products of the backbone: weights, norms and pooling are float32."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16):
            maps = self.network.maps(images)
        return self.network.embed_maps(maps.float())

    def _terms(self, features: Tensor, batch: Batch, metrics: dict[str, float]) -> list[Tensor]:
        """The modes' losses, once their heads have had the steps of their own; adds their metrics to `metrics`."""
        strength = reversal_strength(self.step, self.steps, largest=self.invariance.strength)
        if any(mode.adversarial for mode in self.modes):
            metrics["strength"] = strength
        seen = ModeInput(features=normalised(features), batch=batch, strength=strength)
        self._step_heads(ModeInput(features=seen.features.detach(), batch=batch, strength=strength))
        found = [mode(seen) for mode in self.modes]
        for mode, term in zip(self.modes, found, strict=True):
            # Where two modes of a sum have heads, the first one's metrics have the plain names.
            metrics |= {f"{mode.name}_{key}" if key in metrics else key: term.metrics[key] for key in term.metrics}
        return [term.loss for term in found if term.loss is not None]

    def _step_heads(self, seen: ModeInput) -> None:
        for turn in range(max((mode.head_turns for mode in self.modes), default=0)):
            losses = [mode.head_loss(seen) for mode in self.modes if turn < mode.head_turns]
            known = [loss for loss in losses if loss is not None]
            if known:
                self._descend(torch.stack(known).sum(), list(self.heads.parameters()))

    def _descend(self, loss: Tensor, weights: Sequence[nn.Parameter] | None = None) -> None:
        """A step against `loss`, which reaches no more than `weights`, or all: only those are averaged."""
        # A weight that `loss` does not reach has no gradient at all, and the optimizer leaves it and its moments alone.
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.average is not None:
            everything = [weight for group in self.optimizer.param_groups for weight in group["params"]]
            self.average(everything if weights is None else weights)
        self.optimizer.step()

    def _erase(self, batch: Batch) -> None:
        """Let the modes that erase take note of the step's embedding and, every few steps, fit the layer."""
        eraser = self.network.eraser
        for mode in self.modes:
            if not mode.erases or eraser is None:
                continue
            mode.observe(eraser.seen, batch)
            if self.step % self.fit_every == 0:
                self._average_buffers(mode)
                mode.fit(eraser)
                self._average_buffers(eraser)  # another machine's processor may round another way

    def _average_buffers(self, module: nn.Module) -> None:
        if self.average_buffers is not None:
            self.average_buffers(module)

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
            groups.append({"params": heads, "weight_decay": 0.0, "relative": self.invariance.head_learning_rate})
        return groups

    def _set_learning_rate(self) -> float:
        rate = one_cycle(self.step, self.steps, peak=self.train.learning_rate, warmup=self.train.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["relative"]
        return rate


def uses_bfloat16(train: TrainSettings, device: torch.device) -> bool:
    """Whether a training multiplies in bfloat16; `auto`: where the processor or GPU has instructions for it.

    Without them it is no faster than float32, or far slower.
    """
    if train.precision == "auto":
        if device.type == "cuda":
            return torch.cuda.is_bf16_supported(including_emulation=False)
        has = torch.cpu.get_capabilities()
        return any(has.get(name, False) for name in BFLOAT16)
    return train.precision == "bfloat16"


def normalised(features: Tensor) -> Tensor:
    """Each row of `features[batch, embedding]` at mean 0 and variance 1."""
    return functional.layer_norm(features, features.shape[1:])


def accuracy_of(logits: Tensor, truth: Tensor) -> float:
    """Accuracy of `logits[batch, labels]` against `truth[batch]`."""
    return (logits.argmax(1) == truth).float().mean().item()
