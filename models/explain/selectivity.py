"""How selective units are for a label or a few labels, by their mean activation on the crops of each."""

from dataclasses import dataclass

import torch
from torch import Tensor


class LabelMeans:
    """Streaming mean of the peak of every unit over the crops of each label; memory does not grow with the stream."""

    def __init__(self, labels: int) -> None:
        self._rows = torch.zeros(labels, dtype=torch.float64)
        self._sums = torch.zeros(labels, 0, dtype=torch.float64)

    def update(self, output: Tensor, labels: Tensor) -> None:
        """Add a layer's outputs `[batch, units]` or `[batch, units, rows, columns]` of crops with `labels[batch]`."""
        peaks = output.flatten(2).amax(2) if output.dim() == 4 else output
        if not self._sums.shape[1]:
            self._sums = self._sums.new_zeros(len(self._sums), peaks.shape[1])
        self._sums.index_add_(0, labels, peaks.double())
        self._rows += torch.bincount(labels, minlength=len(self._rows))

    def means(self) -> Tensor:
        """`[units, labels]`; NaN for a label without crops."""
        return (self._sums / self._rows[:, None]).T.float()


@dataclass(frozen=True)
class Selectivity:
    """Of every unit its `group`, the labels that it answers to, the strongest first, and its `index`, 0 to 1."""

    group: list[list[int]]
    index: Tensor


def selectivity(means: Tensor, *, most: int) -> Selectivity:
    """The selectivity of units with `means[units, labels]`, none below 0, NaN where a label has no crops.

    Morcos et al., On the importance of single directions for generalization (2018), section A.3: (a − b) / (a + b),
    where a is the mean on the label that activates the unit the most and b that on all others. Here a is the mean on
    a group: the labels with at least half of the largest mean, the first `most` of them, fewer than all labels.
    A unit that nothing activates has an index of 0 and no group.

    Raises:
        ValueError: fewer than two labels have crops, or a mean is below 0.
    """
    known = (~means.isnan().any(0)).nonzero().flatten()
    if len(known) < 2 or (means[:, known] < 0).any():
        raise ValueError("selectivity needs the means of two labels or more, none of them below 0")
    ranked, order = means[:, known].double().sort(dim=1, descending=True, stable=True)
    active = ranked[:, 0] > 0
    sizes = (ranked >= ranked[:, :1] / 2).sum(1).clamp(max=min(most, len(known) - 1)) * active
    sums = ranked.cumsum(1)
    in_group = sums.gather(1, (sizes - 1).clamp(min=0)[:, None])[:, 0]
    inside, outside = in_group / sizes.clamp(min=1), (sums[:, -1] - in_group) / (len(known) - sizes)
    index = torch.where(active, (inside - outside) / (inside + outside), 0.0)
    groups = [known[row[:size]].tolist() for row, size in zip(order, sizes.tolist(), strict=True)]
    return Selectivity(group=groups, index=index.float())
