"""What frozen convolutions keep: they are one problem's, and what comes after them is trained anew on the other's."""

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn

from models.network import CropNet
from tasks.ablation.recipes import BASE, FOUR
from tasks.ablation.train import TrainingJob, accuracy_of, train_network
from tasks.common.determinism import derived_seed, deterministic
from tasks.common.files import read_json, write_json

UNTRAINED = "untrained"  # convolutions: the control

Kept = dict[str, float]  # accuracy by part of the split


@dataclass(frozen=True, kw_only=True)
class TransferJob:
    """The dense and decision layers of `head` on the frozen convolutions of `start`; None: on untrained ones."""

    head: TrainingJob
    start: TrainingJob | None

    @property
    def name(self) -> str:
        convolutions = UNTRAINED if self.start is None else self.start.recipe.name
        return f"{self.head.recipe.name} on {convolutions}"


@dataclass(frozen=True, kw_only=True)
class _OnMaps(TrainingJob):
    """A training whose pictures are `maps[pictures, maps, rows, columns]`, which frozen convolutions made of them."""

    maps: Tensor

    def images(self, rows: np.ndarray) -> Tensor:
        return self.maps[torch.from_numpy(rows)]


def train_head(job: TransferJob) -> Kept:
    """Accuracy by part of the split; what is done is read back."""
    head = job.head
    done = head.folder / f"{job.name}.json"
    if done.exists():
        kept: Kept = read_json(done)
        return kept
    with deterministic(1, seed=derived_seed(head.seed, "ablation", job.name, head.rotation)):
        network = head.new_network().eval()
        if job.start is not None:
            network.backbone.load_state_dict(job.start.network().backbone.state_dict())
        with torch.no_grad():
            maps = network.maps(head.images(np.arange(len(head.faces.names))))
        given = {field.name: getattr(head, field.name) for field in fields(head)}
        on_maps = _OnMaps(**given, maps=maps)
        _take_maps(network, maps)
        train_network(on_maps, network)
        network.eval()
        found = {part: accuracy_of(on_maps, network, rows) for part, rows in head.split.items()}
    write_json(done, found)
    return found


def _take_maps(network: CropNet, maps: Tensor) -> None:
    """Let the network begin behind its convolutions: they are frozen, so their maps need be made once."""
    network.standardise = network.backbone = nn.Identity()  # type: ignore[assignment]
    network.channels, network.height, network.width = maps.shape[1:]


def transfer_jobs(jobs: list[TrainingJob]) -> list[TransferJob]:
    """Of every rotation and seed: either problem's head on the other's convolutions, and on untrained ones."""
    by_name = {(job.recipe.name, job.rotation, job.seed): job for job in jobs}
    found = []
    for (name, rotation, seed), job in by_name.items():
        other = by_name.get(({BASE: FOUR, FOUR: BASE}.get(name, ""), rotation, seed))
        if other is not None:
            found += [TransferJob(head=job, start=other), TransferJob(head=job, start=None)]
    return found
