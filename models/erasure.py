"""Erasure: the directions of the embedding that tell a nuisance within a target, taken out of it in closed form."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from models.network import Eraser
from models.settings import InvarianceSettings
from models.training import UNKNOWN, Batch, Mode, ModeInput, Term

HORIZON = 100  # steps over which the moments forget: the embedding moves on, but a rare cell has a crop in ten steps
RIDGE = 1e-3  # of the mean variance, added to that of every direction: one that hardly varies tells nothing
LEAST = 1e-9  # variance that the labels explain of a direction, as a fraction, below which that is rounding
NEAREST = 0.1  # sine of the angle to the targets' directions, below which a direction cannot be told from them


class Erasure(Mode):
    """Within a target all nuisance labels must have the same mean embedding: what tells them apart is projected out.

    Belrose et al., LEACE (2023): after an affine projection that makes the labels' means equal, no linear classifier is
    better than the prior. Here the labels are those of the nuisance within each target, and of the directions that
    tell them the `erased` strongest are taken. Holstege et al., SPLICE (2025): the targets' own means stay.

    The network ends its embedding in an `Eraser`, and its backbone and heads train behind that. The layer is fitted by
    running moments of the embedding before it; what a crop counts does not depend on the process that it is in.
    """

    name = "erasure"
    erases = True

    def __init__(self, counts: Mapping[str, Tensor], *, embedding: int, settings: InvarianceSettings) -> None:
        super().__init__(counts, embedding=embedding, settings=settings)
        self.cells = nn.ModuleList(_Means(len(table), table.shape[1], embedding) for table in counts.values())
        self.shrinkage = {name: (table / settings.erased).clamp(max=1).double() for name, table in counts.items()}
        self.targets = _Means(max((len(table) for table in counts.values()), default=0), 1, embedding)
        self.products = nn.Buffer(torch.zeros(embedding, embedding, dtype=torch.float64))

    def forward(self, seen: ModeInput) -> Term:
        return Term(loss=None, metrics={})

    @torch.no_grad()
    def observe(self, embedding: Tensor, batch: Batch) -> None:
        for buffer in self.buffers():
            buffer *= 1 - 1 / HORIZON
        rows = embedding.double()
        self.products.add_(rows.T @ rows)
        self.targets.add(rows, batch.targets, torch.zeros_like(batch.targets))
        for name, cells in self._cells():
            known = batch.nuisances[name] != UNKNOWN
            cells.add(rows[known], batch.targets[known], batch.nuisances[name][known])

    @torch.no_grad()
    def fit(self, eraser: Eraser) -> None:
        count = self.targets.rows.sum()
        scatters = [cells.scatter(self.shrinkage[name]) for name, cells in self._cells()]
        mean = self.targets.sums.sum((0, 1)) / count
        erased = projection(
            covariance=self.products / count - mean.outer(mean),
            between=torch.stack(scatters).sum(0) / count,
            targets=self.targets.means()[self.targets.rows > 0] - mean,
            directions=self.settings.erased,
        )
        eraser.weight.copy_(torch.eye(len(mean), device=erased.device) - erased)
        eraser.bias.copy_(erased @ mean)

    def _cells(self) -> Iterator[tuple[str, "_Means"]]:
        for name, cells in zip(self.shrinkage, self.cells, strict=True):
            assert isinstance(cells, _Means)
            yield name, cells


class _Means(nn.Module):
    """Running sums of the embedding by target and label: `rows[targets, labels]`, `sums[targets, labels, width]`."""

    def __init__(self, targets: int, labels: int, width: int) -> None:
        super().__init__()
        self.rows = nn.Buffer(torch.zeros(targets, labels, dtype=torch.float64))
        self.sums = nn.Buffer(torch.zeros(targets, labels, width, dtype=torch.float64))

    def add(self, rows: Tensor, targets: Tensor, labels: Tensor) -> None:
        """Add `rows[n, width]` of `targets[n]` and `labels[n]`."""
        cell = targets * self.rows.shape[1] + labels
        self.rows.view(-1).index_add_(0, cell, rows.new_ones(len(rows)))
        self.sums.flatten(0, 1).index_add_(0, cell, rows)

    def means(self) -> Tensor:
        """The mean of each, `[targets, labels, width]`; 0 where there are no rows."""
        return self.sums / self.rows.clamp(min=LEAST)[..., None]

    def scatter(self, shrinkage: Tensor) -> Tensor:
        """Σ rows · d dᵀ `[width, width]`, with d = `shrinkage[targets, labels]` · (the cell's mean − its target's)."""
        total = self.rows.sum(1).clamp(min=LEAST)
        apart = shrinkage[..., None] * (self.means() - (self.sums.sum(1) / total[:, None])[:, None])
        weighted = (self.rows[..., None] * apart).flatten(0, 1)
        return weighted.T @ apart.flatten(0, 1)


def projection(covariance: Tensor, between: Tensor, targets: Tensor, *, directions: int) -> Tensor:
    """What is subtracted from a centred embedding: float64 `[width, width]`, of rank `directions` or less.

    In the whitened embedding (LEACE, eq. 1) it is the oblique projection onto the strongest directions of `between`
    whose kernel holds the targets' means (SPLICE): I minus it takes the former to 0 and leaves the latter as they are.
    A direction that is nearly one of the targets' stays.

    Args:
        covariance: of the embedding, `[width, width]`.
        between: the part of it that the labels explain, `[width, width]`.
        targets: the targets' means, centred, `[targets, width]`; of more than width − `directions` dimensions
            the strongest so many are kept.
        directions: the most to be taken, fewer where `between` has fewer.
    """
    width = len(covariance)
    ridge = RIDGE * covariance.diagonal().mean() * torch.eye(width).to(covariance)
    values, vectors = torch.linalg.eigh(covariance + ridge)
    whiten, unwhiten = (vectors * values**-0.5) @ vectors.T, (vectors * values**0.5) @ vectors.T
    explained, strongest = torch.linalg.eigh(whiten @ between @ whiten)
    erased = strongest[:, -directions:][:, explained[-directions:] > LEAST]
    kept, sizes, _ = torch.linalg.svd(whiten @ targets.T, full_matrices=False)
    kept = kept[:, sizes > LEAST * sizes.max()][:, : width - directions]
    left, sines, right = torch.linalg.svd(erased - kept @ (kept.T @ erased), full_matrices=False)
    apart = sines > NEAREST
    return unwhiten @ (erased @ right[apart].T / sines[apart]) @ left[:, apart].T @ whiten
