"""Is a label one unit's, or many units'? Accuracy of each label as the most selective units are taken away."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def label_selectivity(means: Tensor) -> Tensor:
    """How selective every unit is for every label: (a − b) / (a + b), `[units, labels]` in −1 to 1.

    a is its mean on the label's crops, b on all others'; Morcos et al. (2018), with each label in turn in place of the
    strongest. 0 where a + b is 0.

    Args:
        means: `[units, labels]`, none below 0.
    """
    others = (means.sum(1, keepdim=True) - means) / (means.shape[1] - 1)
    return torch.where(means + others > 0, (means - others) / (means + others).clamp(min=1e-12), 0.0)


@torch.no_grad()
def accuracy_without(head: nn.Module, features: Tensor, truth: Tensor, order: Tensor, counts: Sequence[int]) -> Tensor:
    """Accuracy of each label where the first units of its own order are taken away: `[labels, counts]`.

    A unit is taken away by its mean over all crops in place of its activation: a head is not used to zeros. NaN for a
    label without crops.

    Args:
        head: from `features[crops, units]` to logits `[crops, labels]`.
        truth: `[crops]`, indices of the labels.
        order: `[labels, units]`, for each label units in the order in which they are taken away.
        counts: how many are taken away.
    """
    found = torch.full((len(order), len(counts)), torch.nan)
    mean = features.mean(0)
    for label, units in enumerate(order):
        rows = features[truth == label]
        for place, count in enumerate(counts):
            without = rows.clone()
            without[:, units[:count]] = mean[units[:count]]
            if len(rows):
                found[label, place] = (head(without).argmax(1) == label).float().mean()
    return found
