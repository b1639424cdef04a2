"""One training of a recipe in one rotation with one seed, and what is measured of its network alone."""

import hashlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.explain.hooks import captured, layers_of
from models.explain.statistics import LayerStatistics
from models.invariance import MODES
from models.network import CropNet
from models.pose_augment import augment
from models.settings import PLAIN_LOSS, InvarianceSettings, NetworkSettings, TrainSettings
from models.small_network import SmallNetwork, SmallNetworkSettings
from models.squared_error import SquaredErrorTraining
from models.training import UNKNOWN, Batch, Training
from tasks.ablation.decision_maps import DECISION, complementarity
from tasks.ablation.faces import MIRRORED, NEW, POSES, TRAIN, Faces, Split, partners
from tasks.ablation.mining import Pictures, misread, rounds_of
from tasks.ablation.recipes import LOOKS_LEFT, Recipe
from tasks.ablation.suspicions import looks_of
from tasks.common.determinism import derived_seed, deterministic
from tasks.common.files import read_json, sha256_of, write_json
from tasks.common.params import AblationSettings
from tasks.common.rounding import rounded
from tasks.train.weights import load_tensors, save_tensors

WEIGHTS = "model.safetensors"
DIGITS = 6
PASS = 128  # pictures of a forward pass

Outcome = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """A training; what it makes is kept in its folder below `work`."""

    recipe: Recipe
    rotation: int
    seed: int
    faces: Faces
    split: Split
    settings: AblationSettings
    invariance: InvarianceSettings
    work: Path

    @property
    def name(self) -> str:
        return f"{self.recipe.name},rotation={self.rotation},seed={self.seed}"

    @property
    def place(self) -> tuple[int, int]:
        """Rotation and seed."""
        return self.rotation, self.seed

    @property
    def epochs(self) -> int:
        varied = self.recipe.augment or self.recipe.mined
        return self.settings.augmented_epochs if varied else self.settings.epochs

    @property
    def folder(self) -> Path:
        """Where its weights and its outcome are; by what is trained, so that another recipe takes another folder."""
        recipe = hashlib.sha256(f"{self.recipe} {self.epochs}".encode()).hexdigest()[:12]
        return self.work / f"{self.recipe.name}-{recipe}" / f"rotation-{self.rotation}" / f"seed-{self.seed}"

    @property
    def result(self) -> Path:
        """Its `Outcome`, once it is done."""
        return self.folder / "outcome.json"

    def images(self, rows: np.ndarray) -> Tensor:
        """Pictures as a network reads them: float32 `[rows, 1, height, width]` in [0, 1]."""
        return torch.from_numpy(self.faces.images[rows]).float()[:, None] / 255

    def targets(self, poses: Tensor) -> Tensor:
        """The recipe's labels of `poses[batch]`."""
        return poses if self.recipe.four else (poses != POSES.index(LOOKS_LEFT[0])).long()

    def new_network(self) -> CropNet:
        """An untrained one; its weights come from torch's random numbers."""
        height, width = self.faces.images.shape[1:]
        labels, erases, settings = len(self.recipe.labels), "erasure" in self.recipe.modes, self.recipe.network
        if isinstance(settings, NetworkSettings):
            return CropNet(settings, labels=labels, height=height, width=width, erases=erases)
        return SmallNetwork(settings, labels=labels, height=height, width=width, erases=erases)

    def network(self) -> CropNet:
        """The trained one.

        Raises:
            UserError: its weights are missing or damaged.
        """
        network = self.new_network()
        network.load_state_dict(load_tensors(self.folder / WEIGHTS))
        return network.eval()


def train_and_measure(job: TrainingJob) -> Outcome:
    """Train and measure; what is done is read back.

    The outcome has `seconds`, `weights` (SHA-256), `parameters`, `accuracy` by part of the split, `units` (by layer:
    units, dead, always_on, on the training pictures), `complement` of two outputs (`tasks.ablation.decision_maps`),
    `looks` at new people (`tasks.ablation.suspicions`) and `epochs`.
    """
    if job.result.exists():
        kept: Outcome = read_json(job.result)
        return kept
    began = time.monotonic()
    with deterministic(1, seed=derived_seed(job.seed, "ablation", job.recipe.name, job.rotation)):
        network = job.new_network()
        epochs = train_network(job, network)
        network.eval()
        accuracy = {part: accuracy_of(job, network, rows) for part, rows in job.split.items()}
        new = job.split[NEW]
        looks = looks_of(network, job.images(new), job.targets(torch.from_numpy(job.faces.poses[new])))
        units = units_of(job, network)
        complement = complementarity(network, job.images(job.split[TRAIN]), steps=job.settings.steps, seed=job.seed)
    job.folder.mkdir(parents=True, exist_ok=True)
    save_tensors(job.folder / WEIGHTS, network.state_dict())
    outcome = {
        "parameters": sum(weights.numel() for weights in network.parameters()),
        "accuracy": accuracy,
        "units": units,
        "complement": complement,
        "looks": rounded(looks, DIGITS),
        "epochs": epochs,
        "weights": sha256_of(job.folder / WEIGHTS),
        "seconds": round(time.monotonic() - began, 3),
    }
    write_json(job.result, outcome)
    return outcome


def train_network(job: TrainingJob, network: CropNet) -> list[dict[str, float]]:
    """Train in place; the mean of every metric by epoch."""
    rows = job.split[TRAIN]
    steps = job.epochs * math.ceil(len(rows) / job.settings.batch)
    settings = job.recipe.network
    linear = isinstance(settings, SmallNetworkSettings) and settings.output == "linear"
    kind = SquaredErrorTraining if linear else Training
    modes = [MODES[name] for name in job.recipe.modes]
    training = kind(
        network, modes, counts={"person": _counts(job)}, loss=PLAIN_LOSS, train=_settings(job),
        invariance=job.invariance, steps=steps,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(derived_seed(job.seed, "ablation batches", job.recipe.name, job.rotation))
    found = []
    plain = learned = _pictures(job)
    for epoch in range(1, job.epochs + 1):
        if job.recipe.mined and epoch in rounds_of(job.epochs):
            learned = learned.and_(misread(network, plain, job.recipe.mined, job.targets, generator))
        network.train()
        updates = [training.update(batch).metrics for batch in _batches(job, learned, generator)]
        means = {key: float(np.mean([one[key] for one in updates if key in one])) for key in updates[0]}
        found.append({"epoch": epoch} | {key: round(value, DIGITS) for key, value in means.items()})
    return found


def _settings(job: TrainingJob) -> TrainSettings:
    return TrainSettings(
        epochs=job.epochs, batch=job.settings.batch, learning_rate=job.settings.learning_rate, weight_decay=0.0,
        warmup=0.1, balanced=False, ramp=0.0, precision="float32", processes=1, nodes=1,
    )  # fmt: skip


def _counts(job: TrainingJob) -> Tensor:
    """Training pictures of each label and person, `[labels, people]`."""
    targets, people = job.targets(torch.from_numpy(job.faces.poses)), _people(job)
    counts = torch.zeros(len(job.recipe.labels), int(people.max()) + 1, dtype=torch.int64)
    rows = torch.from_numpy(job.split[TRAIN])
    return counts.index_put((targets[rows], people[rows]), torch.ones(len(rows), dtype=torch.int64), accumulate=True)


def _people(job: TrainingJob) -> Tensor:
    return torch.from_numpy(np.unique(job.faces.people, return_inverse=True)[1])


def _pictures(job: TrainingJob) -> Pictures:
    """Those for training, as they are."""
    rows, pairs = job.split[TRAIN], torch.from_numpy(partners(job.faces)[0])
    return Pictures(job.images(rows), torch.from_numpy(job.faces.poses[rows]), _people(job)[rows], pairs[rows])


def _batches(job: TrainingJob, learned: Pictures, generator: torch.Generator) -> Iterator[Batch]:
    """As many of the pictures as are for training, in another order each time; partners side by side for `pairs`.

    That is every one of them, unless mined ones are among them: those share the steps.
    """
    order = torch.randperm(len(learned.poses), generator=generator)[: len(job.split[TRAIN])]
    names = partners(job.faces)[1]
    if "pairs" in job.recipe.modes:
        order = in_couples(order, learned.poses[order] * names + learned.pairs[order], generator)
    for part in torch.split(order, job.settings.batch):
        images, shown = augment(
            learned.images[part], learned.poses[part], job.recipe.augment, mirrored=torch.tensor(MIRRORED),
            generator=generator,
        )  # fmt: skip
        pairs = shown * names + learned.pairs[part] if "pairs" in job.recipe.modes else torch.full_like(part, UNKNOWN)
        yield Batch(images=images, targets=job.targets(shown), nuisances={"person": learned.people[part]}, pairs=pairs)


def in_couples(rows: Tensor, groups: Tensor, generator: torch.Generator) -> Tensor:
    """`rows[n]`, already by chance, so that every two of a group come one after the other.

    Args:
        groups: int64 `[n]`; of a group with an odd number one row stays single.
    """
    by_group = groups.argsort(stable=True)
    rows, groups = rows[by_group], groups[by_group]
    starts = torch.cat([torch.tensor([True]), groups[1:] != groups[:-1]])
    place = torch.arange(len(rows)) - torch.nonzero(starts).flatten()[starts.cumsum(0) - 1]
    couple = (starts | (place % 2 == 0)).cumsum(0) - 1
    turn = torch.randperm(int(couple[-1]) + 1, generator=generator)
    return rows[turn[couple].argsort(stable=True)]


@torch.no_grad()
def accuracy_of(job: TrainingJob, network: CropNet, rows: np.ndarray) -> float:
    """Fraction of the pictures `rows` whose label is right."""
    right = 0
    for part in np.split(rows, range(PASS, len(rows), PASS)):
        targets = job.targets(torch.from_numpy(job.faces.poses[part]))
        right += int((network(job.images(part)).argmax(1) == targets).sum())
    return right / len(rows)


@torch.no_grad()
def units_of(job: TrainingJob, network: CropNet) -> dict[str, dict[str, int]]:
    """By rectified layer the numbers of units, of dead ones and of those always on, over the training pictures."""
    layers = [name for name in layers_of(network, job.images(job.split[TRAIN][:1])) if name != DECISION]
    statistics = {name: LayerStatistics() for name in layers}
    rows = job.split[TRAIN]
    for part in np.split(rows, range(PASS, len(rows), PASS)):
        with captured(network, layers) as outputs:
            network(job.images(part))
        for name in layers:
            statistics[name].update(outputs[name])
    found = {}
    for name, one in statistics.items():
        summary = one.summary()
        found[name] = {
            "units": len(summary.mean), "dead": int(summary.dead.sum()), "always_on": int(summary.always_on.sum())
        }  # fmt: skip
    return found
