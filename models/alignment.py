"""Distances between features that should be the same: losses over `features[batch, embedding]`."""

import torch
from torch import Tensor

from models.training import UNKNOWN

FEWEST = 4  # crops of a nuisance label in a batch, below which its mean and covariance are noise


def partner_gap(features: Tensor, pairs: Tensor) -> Tensor | None:
    """Mean of 1 − correlation of partners' `features[batch, embedding]`, normalised; None where none has a partner.

    Args:
        pairs: int64 `[batch]`, the same number for partners, UNKNOWN where a crop has none.
    """
    group, sizes = _groups(pairs)
    partnered = (pairs != UNKNOWN) & (sizes[group] > 1)
    if not partnered.any():
        return None
    features, group = features[partnered], group[partnered]
    group, sizes = _groups(group)
    apart = (features - _means(features, group, sizes)[group]).square().mean(1)
    return (apart / (sizes - 1)[group]).sum() / len(sizes)


def moment_gap(features: Tensor, targets: Tensor, labels: Tensor) -> Tensor | None:
    """Distance between the means and covariances of `features[batch, embedding]` by label, within the targets.

    A batch has a crop or two of a target and a style: too few for moments of their own. So features are taken
    relative to their target's mean in the batch, which leaves the effect of the label, and only then pooled by label
    over the targets that are there with two labels or more. The gap is the squared difference, mean over
    elements and over pairs of labels with `FEWEST` crops or more. None where there are no two such labels.

    Args:
        targets, labels: int64 `[batch]`; rows whose label is UNKNOWN are left out.
    """
    known = labels != UNKNOWN
    if not known.any():
        return None
    target, crops = _groups(targets[known])
    features, labels = features[known], labels[known]
    cells = torch.unique(torch.stack([target, labels], dim=1), dim=0)
    varied = torch.bincount(cells[:, 0]) > 1
    rest = (features - _means(features, target, crops)[target])[varied[target]]
    label, sizes = _groups(labels[varied[target]])
    parts = [rest[label == number] for number in (sizes >= FEWEST).nonzero().flatten()]
    if len(parts) < 2:
        return None
    means = torch.stack([part.mean(0) for part in parts])
    return _apart(means) + _apart(torch.stack([torch.cov(part.T) for part in parts]))


def _groups(values: Tensor) -> tuple[Tensor, Tensor]:
    """Each value's group `int64[batch]`, numbered from 0, and the groups' sizes."""
    _, group, sizes = torch.unique(values, return_inverse=True, return_counts=True)
    return group, sizes


def _means(features: Tensor, group: Tensor, sizes: Tensor) -> Tensor:
    """Each group's mean `[groups, embedding]`."""
    sums = features.new_zeros(len(sizes), features.shape[1]).index_add(0, group, features)
    return sums / sizes[:, None]


def _apart(moments: Tensor) -> Tensor:
    """Mean squared difference over elements and pairs of `moments[labels, ...]`."""
    labels = len(moments)
    return 2 * labels / (labels - 1) * (moments - moments.mean(0)).square().mean()
