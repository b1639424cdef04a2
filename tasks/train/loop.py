"""Training: one loop for round 0, the mining rounds and the modes of invariance."""

import copy
import hashlib
import json
import logging
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch
from torch import Tensor

from models.losses import start_at_priors
from models.network import CropNet
from models.settings import AugmentSettings, Settings, TrainSettings
from models.training import Mode, Training, uses_bfloat16
from tasks.common.determinism import derived_seed, deterministic
from tasks.common.device import device_of
from tasks.common.params import MineSettings, Params
from tasks.common.progress import Progress
from tasks.train.batch_sampler import batches_in, epoch_batches
from tasks.train.batches import CPU, Crops, Validation
from tasks.train.checkpoint import (
    Examples,
    Facts,
    Trained,
    epochs_in,
    restore_checkpoint,
    restore_state,
    save_checkpoint,
    state_of,
)
from tasks.train.curves import Metrics, curve_of, means_of
from tasks.train.machines import together
from tasks.train.model_folder import histogram_of
from tasks.train.pace import Pace
from tasks.train.processes import Group, HelperLostError
from tasks.train.weights import new_network
from unfont.errors import UserError

log = logging.getLogger("unfont")


def untrained(card: dict[str, Any], crops: Crops, params: Params) -> CropNet:
    """A new network for these crops; where the loss asks for it, its last layer starts at the labels' shares."""
    network = new_network(card)
    if params.loss.prior_bias:
        counts = torch.bincount(crops.targets, minlength=len(card["labels"])).double()
        if params.train.balanced:
            counts = (counts > 0).double()
        start_at_priors(network.target_head, (counts / counts.sum()).float())
    return network


def replica_seed(seed: int, name: str, replica: int) -> int:
    """The seed of one training of a study; the first one's is that of a run without a study."""
    return derived_seed(seed, name, replica) if replica else derived_seed(seed, name)


def train_network(
    network: CropNet,
    crops: Crops,
    validation: Validation,
    *,
    params: Params,
    train: TrainSettings,
    seed: int,
    work: Path,
    progress: Progress,
    added: Collection[str] = (),
    mine: MineSettings | None = None,
    modes: Sequence[type[Mode]] = (),
    counts: Mapping[str, Tensor] | None = None,
) -> Trained:
    """Train `network` in place, from a checkpoint in `work` if there is one, in `train.processes` processes.

    Must run within `deterministic`. Where one of the other processes is lost, all go on from the last checkpoint.
    On a GPU one process trains; the network is back on the processor when it is done.

    Args:
        added: keys of the crops that some round added; the histogram of examples counts them apart.
        mine: with it, they fill a set share of every batch.
        modes: of invariance; where one needs them, partners are in the same batch.
        counts: of each nuisance, for the modes: the training crops `[targets, labels]`.

    Raises:
        UserError: another process was lost twice within an epoch; `work` has the checkpoint of another long training;
            `device` is `cuda` and there is no GPU.
    """
    is_added = torch.from_numpy(pd.Index(crops.keys).isin(list(added)))
    run = _Run(
        network=network, crops=crops, added=is_added, params=params, train=train, seed=seed, mine=mine,
        modes=tuple(modes), counts=dict(counts or {}), background=validation.background,
        device=device_of(params.device),
    )  # fmt: skip
    processes, nodes = _spread_of(run)
    finished = -1
    # A lost process may have cost half of the first epoch, which has no checkpoint: begin as if there had been none.
    weights, random = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    while True:
        network.load_state_dict(weights)
        torch.set_rng_state(random)
        try:
            with together(run, processes, nodes=nodes) as group:
                trained = _train(run, group, validation, work=work / "checkpoint", progress=progress)
            network.to(CPU)
            return trained
        except HelperLostError as lost:
            epochs = epochs_in(work / "checkpoint")
            if epochs <= finished:
                raise UserError(
                    f"one of {processes * nodes} training processes was lost again: {lost}",
                    where="params.yaml: train.processes",
                    fix="see what ends it (memory?), or set it to 1; the training goes on from its last epoch",
                ) from lost
            finished = epochs
            log.warning("a training process was lost, going on from epoch %d: %s", epochs, lost)


@dataclass(frozen=True, kw_only=True)
class _Run:
    """A training, as each of its processes has it."""

    network: CropNet
    crops: Crops
    added: Tensor
    params: Params
    train: TrainSettings
    seed: int
    mine: MineSettings | None
    modes: tuple[type[Mode], ...]
    counts: dict[str, Tensor]
    background: int | None
    device: torch.device

    @property
    def nbytes(self) -> int:
        return self.crops.images.nbytes

    def training(self, group: Group) -> Training:
        return Training(
            self.network.to(self.device),
            self.modes,
            counts=self.counts,
            loss=self.params.loss,
            train=self.train,
            invariance=self.params.invariance,
            steps=self.train.epochs * batches_in(len(self.crops), self.train.batch, parts=group.size),
            background=self.background,
            average=group.average_gradients if group.size > 1 else None,
            average_buffers=group.average_buffers if group.size > 1 else None,
        )

    def batches(self, epoch: int, group: Group) -> list[Tensor]:
        """This process's parts of the epoch's batches."""
        parts = epoch_batches(
            self.crops.targets,
            self.added,
            batch=self.train.batch,
            seed=self.seed,
            epoch=epoch,
            balanced=self.train.balanced,
            hard=self.mine.hard if self.mine else 0.0,
            visits=self.mine.visits if self.mine else 1,
            pairs=self.crops.pairs if any(mode.needs_pairs for mode in self.modes) else None,
            parts=group.size,
        )
        return parts[group.rank :: group.size]

    def take_part(self, group: Group) -> None:
        """What a helper does: every epoch that the first process does."""
        # What travels through shared memory is one for all, and every process steps its own weights.
        own = replace(self, network=copy.deepcopy(self.network))
        with deterministic(threads_of(self.params, group), seed=self.seed):
            training = own.training(group)
            for epoch in range(_agree(training, 0, group), self.train.epochs):
                _train_epoch(own, training, group, epoch=epoch)

    def facts(self, group: Group) -> Facts:
        """All that the weights depend on, by the name of its setting."""
        parts: dict[str, Settings] = {name: getattr(self.params, name) for name in ("degrade", "network", "loss")}
        parts["train"] = self.train
        if self.modes:
            parts["invariance"] = self.params.invariance
        settings = {f"{part}.{name}": value for part, of in parts.items() for name, value in of.model_dump().items()}
        settings.pop("invariance.modes", None)  # those of the other trainings
        mined = {"mine.hard": self.mine.hard, "mine.visits": self.mine.visits} if self.mine else {}
        what = [self.crops.keys, self.crops.targets.tolist(), self.added.tolist()]
        exact = {  # all change rounding
            "threads of each process": threads_of(self.params, group),
            "processes in all": group.size,
            "bfloat16": uses_bfloat16(self.train, self.device),
            "device": self.device.type,
        }
        return {
            **settings,
            **mined,
            **exact,
            "mode": "+".join(mode.name for mode in self.modes),
            "seed": self.seed,
            "crops": hashlib.sha256(json.dumps(what).encode()).hexdigest(),
        }


def _spread_of(run: _Run) -> tuple[int, int]:
    """Processes of each machine, and machines; one each where parts of a batch would have fewer than two rows."""
    # Processes are for cores: on a GPU a machine has one.
    processes, nodes = run.train.processes if run.device.type == "cpu" else 1, run.train.nodes
    return (processes, nodes) if processes * nodes <= min(run.train.batch, len(run.crops)) // 2 else (1, 1)


def threads_of(params: Params, group: Group) -> int:
    """Torch threads of each process of a training."""
    return params.threads if group.size == 1 else max(1, params.threads // params.train.processes)


def _train(run: _Run, group: Group, validation: Validation, *, work: Path, progress: Progress) -> Trained:
    """What the first process does: all epochs, what is measured, and the checkpoints in `work`."""
    facts = run.facts(group)
    training = run.training(group)
    trained = restore_checkpoint(work, training, facts=facts)
    first = _agree(training, len(trained.history), group)
    before, start = trained.seconds, time.monotonic()
    pace = Pace(progress, done=first * len(run.crops), total=run.train.epochs * len(run.crops))
    for epoch in range(first, run.train.epochs):
        with _threads(threads_of(run.params, group)):
            steps, trained.examples = _train_epoch(run, training, group, epoch=epoch, pace=pace)
        metrics = {**means_of(steps), "validation_accuracy": validation.accuracy(run.network)}
        trained.history.append({"epoch": epoch, **metrics})
        trained.curve += curve_of(steps, epoch=epoch, epochs=run.train.epochs)
        trained.seconds = before + time.monotonic() - start
        save_checkpoint(work, training, trained, facts=facts)
        progress(f"epoch {epoch + 1}/{run.train.epochs}: {_formatted(metrics)}; {pace}")
    return trained


def _agree(training: Training, epochs: int, group: Group) -> int:
    """Give every process the first one's state; the number of epochs that it has done."""
    state, training.step, epochs = group.firsts((state_of(training), training.step, epochs))
    if group.rank:
        restore_state(training, state)
    return epochs


def _train_epoch(
    run: _Run, training: Training, group: Group, *, epoch: int, pace: Pace | None = None
) -> tuple[list[Metrics], Examples]:
    """One epoch: the metrics of every step, and the histogram of the examples; nothing in a helper."""
    # Dropout draws from torch's own generator: set by epoch, so that a resumed run has the same numbers.
    torch.manual_seed(derived_seed(run.seed, epoch, *([group.rank] if group.rank else [])))
    training.network.train()
    degraded = ramped(run.params.degrade, epoch, run.train)
    seen: list[_Step] = []
    for rows in run.batches(epoch, group):
        update = training.update(run.crops.batch(rows, degraded, epoch=epoch, seed=run.seed, device=run.device))
        seen.append(_Step(update.metrics, rows, update.p_true))
        if pace is not None:
            pace.step(len(rows) * group.size)
    group.average_buffers(training.network)
    group.average_buffers(training.heads)
    everyones = group.everyones(seen)
    if everyones is None:
        return [], {}
    rows = torch.cat([step.rows for own in everyones for step in own])
    p_true = torch.cat([step.p_true for own in everyones for step in own]).numpy()
    empty = run.crops.targets[rows].numpy() == (-1 if run.background is None else run.background)
    examples = histogram_of(p_true, empty=empty, added=run.added[rows].numpy())
    return [means_of([step.metrics for step in parts]) for parts in zip(*everyones, strict=True)], examples


def ramped(settings: AugmentSettings, epoch: int, train: TrainSettings) -> AugmentSettings:
    """The degradations of an epoch: scans and strongly degraded crops become as many as `settings` say.

    A network learns faster what letters look like where it can see them (Bengio et al., Curriculum Learning, 2009).
    """
    rising = train.ramp * train.epochs
    share = 1.0 if epoch >= rising else epoch / rising
    return settings.model_copy(update={"strong": settings.strong * share, "scan": settings.scan * share})


class _Step(NamedTuple):
    """What a process saw in a step: its metrics, its rows, and p(true target) of each."""

    metrics: Metrics
    rows: Tensor
    p_true: Tensor


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _formatted(metrics: dict[str, float | None]) -> str:
    wanted = ("loss", "accuracy", "validation_accuracy")
    return ", ".join(f"{name} {value:.3f}" for name in wanted if (value := metrics.get(name)) is not None)
