"""The optimizer: Muon for what multiplies within the network, AdamW for all else."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from models.network import CropNet
from models.settings import TrainSettings


class Optimizer:
    """Steps all weights of a network and of its heads.

    Muon (Jordan et al. 2024) makes the momentum of a matrix orthogonal, so that all of its directions learn equally
    fast, where AdamW follows the few that every crop agrees on. It is for hidden layers: the last layer, norms, biases
    and the heads of the modes have AdamW (Loshchilov and Hutter 2019).

    Args:
        network: its kernels `[outputs, inputs, h, w]`, channels last, are matrices `[outputs, h · w · inputs]`.
        heads: of the modes of invariance.
        head_rate: their learning rate, relative to the network's.

    Raises:
        ValueError: kernels lie in memory in another way.
    """

    def __init__(self, network: CropNet, heads: Iterable[nn.Parameter], *, train: TrainSettings, head_rate: float):
        last = network.target_head.weight
        hidden = [weight for weight in network.parameters() if weight.ndim > 1 and weight is not last]
        if any(not weight.is_contiguous(memory_format=_layout(weight)) for weight in hidden):
            raise ValueError("the network's kernels must be channels last")
        # Muon takes matrices: those here share the memory of the weights, so that its steps are theirs.
        self._hidden = [(weight, nn.Parameter(_matrix(weight.detach()))) for weight in hidden]
        matrices = {"params": [matrix for _, matrix in self._hidden], "relative": 1.0}
        self.muon = torch.optim.Muon(
            [matrices], weight_decay=train.weight_decay, adjust_lr_fn="match_rms_adamw"
        )  # steps as large as AdamW's, so that both have one rate
        # Weight decay is for weights that multiply; norms and biases are left alone.
        others = [weight for weight in network.parameters() if weight.ndim == 1]
        groups: list[dict[str, Any]] = [
            {"params": [last], "weight_decay": train.weight_decay, "relative": 1.0},
            {"params": others, "weight_decay": 0.0, "relative": 1.0},
        ]
        if own := list(heads):
            groups.append({"params": own, "weight_decay": 0.0, "relative": head_rate})
        self.adamw = torch.optim.AdamW(groups, fused=True)

    @property
    def parts(self) -> dict[str, torch.optim.Optimizer]:
        """Both optimizers, by name."""
        return {"muon": self.muon, "adamw": self.adamw}

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The groups of both: hidden layers, last layer, norms and biases, heads; `relative` is of their rate."""
        return [*self.muon.param_groups, *self.adamw.param_groups]

    @property
    def weights(self) -> list[nn.Parameter]:
        """All weights, as the loss sees them."""
        return [weight for weight, _ in self._hidden] + [
            weight for group in self.adamw.param_groups for weight in group["params"]
        ]

    def set_rate(self, rate: float) -> None:
        for group in self.groups:
            group["lr"] = rate * group["relative"]

    def zero_grad(self) -> None:
        """A weight that the next loss does not reach has no gradient at all: it and its moments are left alone."""
        for weight in self.weights:
            weight.grad = None

    def step(self) -> None:
        for weight, matrix in self._hidden:
            matrix.grad = None if weight.grad is None else _matrix(weight.grad)
        self.muon.step()  # type: ignore[no-untyped-call]
        self.adamw.step()


def _layout(weight: Tensor) -> torch.memory_format:
    return torch.channels_last if weight.ndim == 4 else torch.contiguous_format


def _matrix(weight: Tensor) -> Tensor:
    """A kernel `[outputs, inputs, h, w]` as a matrix with a row an output; of a channels-last one, in its memory."""
    if weight.ndim == 2:
        return weight
    return weight.contiguous(memory_format=_layout(weight)).permute(0, 2, 3, 1).view(len(weight), -1)
