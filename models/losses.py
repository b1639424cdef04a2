"""Losses over target logits: one of each example, then the mean over those that are kept."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.settings import LossSettings


def cross_entropy(logits: Tensor, targets: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """Each example's cross-entropy `[batch]` over `logits[batch, labels]` and `targets[batch]`, labels smoothed."""
    return functional.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="none")


def focal(logits: Tensor, targets: Tensor, *, gamma: float, smoothing: float = 0.0) -> Tensor:
    """Each example's focal loss `[batch]`; cross-entropy to the bit where γ is 0.

    Lin et al., Focal Loss for Dense Object Detection (2017), eq. 4: `-(1 - p_t)^gamma log p_t`;
    under label smoothing every label contributes with its own p.
    """
    if gamma == 0:
        return cross_entropy(logits, targets, smoothing=smoothing)
    per_label = _focal_of(functional.log_softmax(logits, dim=1), gamma)
    hit = per_label.gather(1, targets[:, None]).squeeze(1)
    return (1 - smoothing) * hit + smoothing * per_label.mean(dim=1)


def focal_curve(p: Tensor, *, gamma: float) -> Tensor:
    """Focal loss of an example over its p(true label) in (0, 1], without smoothing; cross-entropy where γ is 0."""
    return _focal_of(p.log(), gamma)


def modulation(log_p: Tensor, gamma: float) -> Tensor:
    """Focal loss's factor `(1 - p)^gamma` from log p: the fraction of its loss that an example keeps."""
    if gamma == 0:
        return torch.ones_like(log_p)
    # Below gamma 1 the slope at p = 1 is infinite: keep 1 - p off zero.
    return (-torch.expm1(log_p)).clamp_min(1e-6) ** gamma


def hardest(losses: Tensor, share: float) -> Tensor:
    """Mean of the largest `share` of `losses[batch]` (one of them at the least); the others have no gradient.

    Online hard example mining: Shrivastava et al., Training Region-based Object Detectors with
    Online Hard Example Mining (2016).
    """
    if share == 1:
        return losses.mean()
    return losses.topk(max(1, math.ceil(share * len(losses)))).values.mean()


def target_loss(logits: Tensor, targets: Tensor, settings: LossSettings, *, background: int | None = None) -> Tensor:
    """The loss that the settings name, as one number.

    Args:
        background: the index of `Zxxx` among the labels. With α set, its examples weigh 2(1 − α) and all others 2α
            (Lin et al. 2017, eq. 5, times 2, so that 0.5 is no weighting).
    """
    if settings.name == "focal":
        losses = focal(logits, targets, gamma=settings.gamma, smoothing=settings.smoothing)
        if settings.alpha is not None and background is not None:
            losses = losses * torch.where(targets == background, 2 * (1 - settings.alpha), 2 * settings.alpha)
    else:
        losses = cross_entropy(logits, targets, smoothing=settings.smoothing)
    return hardest(losses, settings.hardest)


def start_at_priors(head: nn.Linear, priors: Tensor) -> None:
    """Make an untrained head predict the class priors `priors[labels]` for any input: bias log prior, small weights.

    Lin et al. (2017), section 3.3: where one label is nearly all of the data, the first steps are
    otherwise spent on learning just that. A label with prior 0 gets half the smallest one.
    """
    with torch.no_grad():
        smallest = priors[priors > 0].min() / 2
        head.bias.copy_(priors.clamp_min(float(smallest)).log())
        head.weight.normal_(std=0.01)


def _focal_of(log_p: Tensor, gamma: float) -> Tensor:
    return -modulation(log_p, gamma) * log_p
