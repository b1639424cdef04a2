"""Accuracy of each label as units of the embedding are taken away: its most selective ones, and as many at random."""

from dataclasses import dataclass
from pathlib import Path

import torch

from models.explain.selectivity import LabelMeans
from models.explain.unit_removal import accuracy_without, label_selectivity
from models.network import CropNet
from tasks.crop_table.splits import SEVERITY, VALIDATION
from tasks.explain.sample import Sample
from tasks.train.batches import FORWARD_BATCH

CROPS = 4000  # of validation, at most
ORDERS = 10  # random ones
COUNTS = (0, 1, 2, 4, 8, 16, 32, 64)  # units taken away; not more than a third of them, or the others decide


@dataclass(frozen=True, kw_only=True)
class Removal:
    """Accuracy by label, in the order of `counts`, the units taken away; means over the random orders in `random`.

    `units` are those of the embedding, `crops` those measured.
    """

    units: int
    crops: int
    counts: list[int]
    selective: dict[str, list[float]]
    random: dict[str, list[float]]


@torch.no_grad()
def remove_units(network: CropNet, labels: list[str], *, table: Path, target: str, seed: int) -> Removal:
    """Take units of the network's embedding away, on validation at light degradation.

    Must run within `deterministic`. The embedding must have no negative values.
    """
    sample = Sample.of_split(table, VALIDATION, target=target, most=CROPS, severity=SEVERITY)
    known = torch.tensor([label in labels for label in sample.labels])
    truth = torch.tensor([labels.index(label) for label in sample.labels if label in labels])
    images = torch.split(sample.images(network.channels), FORWARD_BATCH)
    features = torch.cat([network.embed(part) for part in images])[known]
    if not len(truth):  # own crops may have none of a learned label on validation
        return Removal(units=features.shape[1], crops=0, counts=[0], selective={}, random={})
    means = LabelMeans(len(labels))
    means.update(features, truth)
    there = (truth.bincount(minlength=len(labels)) > 0).nonzero().flatten()
    selectivity = label_selectivity(means.means()[:, there])
    order = torch.zeros(len(labels), features.shape[1], dtype=torch.int64)
    order[there] = selectivity.argsort(dim=0, descending=True, stable=True).T
    counts = [count for count in COUNTS if 3 * count <= features.shape[1]]
    selective = accuracy_without(network.target_head, features, truth, order, counts)
    random = torch.stack([
        accuracy_without(network.target_head, features, truth, _shuffled(order.shape, seed + turn), counts)
        for turn in range(ORDERS)
    ]).mean(0)  # fmt: skip

    def by_label(found: torch.Tensor) -> dict[str, list[float]]:
        return {labels[label]: [round(value, 4) for value in found[label].tolist()] for label in there.tolist()}

    return Removal(
        units=features.shape[1], crops=len(truth), counts=counts, selective=by_label(selective), random=by_label(random)
    )


def _shuffled(shape: torch.Size, seed: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)).argsort(dim=1)
