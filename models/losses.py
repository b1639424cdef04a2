"""Losses over target logits."""

import torch
from torch import Tensor
from torch.nn import functional

from models.settings import LossSettings


def cross_entropy(logits: Tensor, targets: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """Mean cross-entropy over `logits[batch, labels]` and `targets[batch]`, labels smoothed."""
    return functional.cross_entropy(logits, targets, label_smoothing=smoothing)


def focal(logits: Tensor, targets: Tensor, *, gamma: float, smoothing: float = 0.0) -> Tensor:
    """Mean focal loss over `logits[batch, labels]` and `targets[batch]`; cross-entropy where γ is 0.

    Lin et al., Focal Loss for Dense Object Detection (2017), eq. 4: `-(1 - p_t)^gamma log p_t`;
    under label smoothing every label pays its share with its own p.
    """
    if gamma == 0:
        return cross_entropy(logits, targets, smoothing=smoothing)
    log_p = functional.log_softmax(logits, dim=1)
    per_label = -modulation(log_p, gamma) * log_p
    hit = per_label.gather(1, targets[:, None]).squeeze(1)
    return ((1 - smoothing) * hit + smoothing * per_label.mean(dim=1)).mean()


def modulation(log_p: Tensor, gamma: float) -> Tensor:
    """Focal loss's factor `(1 - p)^gamma` from log p: how much of its loss an example still pays."""
    # Below gamma 1 the slope at p = 1 is infinite: keep 1 - p off zero.
    return (-torch.expm1(log_p)).clamp_min(1e-6) ** gamma


def target_loss(logits: Tensor, targets: Tensor, settings: LossSettings) -> Tensor:
    """The loss that the settings name."""
    if settings.name == "focal":
        return focal(logits, targets, gamma=settings.gamma, smoothing=settings.smoothing)
    return cross_entropy(logits, targets, smoothing=settings.smoothing)
