"""Training: one loop for round 0, the mining rounds and the modes of invariance."""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from models.losses import start_at_priors
from models.network import CropNet
from models.settings import TrainSettings
from models.training import Mode, Training, uses_bfloat16
from tasks.common.determinism import derived_seed
from tasks.common.params import MineSettings, Params
from tasks.train.batch_sampler import batches_in, epoch_batches
from tasks.train.batches import Crops, Validation
from tasks.train.checkpoint import Examples, Trained, restore_checkpoint, save_checkpoint
from tasks.train.curves import Metrics, curve_of, means_of
from tasks.train.model_folder import histogram_of
from tasks.train.weights import new_network

Progress = Callable[[str], None]
REPORT_EVERY = 10.0  # seconds

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
    """Train `network` in place, from a checkpoint in `work` if there is one.

    Must run within `deterministic`.

    Args:
        added: keys of the crops that some round added; the histogram of examples counts them apart.
        mine: with it, they fill a set share of every batch.
        modes: of invariance; where one needs them, partners are in the same batch.
        counts: of each nuisance, for the modes: the training crops `[targets, labels]`.
    """
    is_added = torch.from_numpy(pd.Index(crops.keys).isin(list(added)))
    keep_pairs = any(mode.needs_pairs for mode in modes)
    plan = _Plan(crops=crops, added=is_added, train=train, mine=mine, seed=seed, keep_pairs=keep_pairs)
    training = Training(
        network,
        modes,
        counts=counts or {},
        loss=params.loss,
        train=train,
        invariance=params.invariance,
        steps=train.epochs * batches_in(len(crops), train.batch),
        background=validation.background,
    )
    identity = _identity(plan, modes, params)
    trained = restore_checkpoint(work / "checkpoint", training, identity=identity)
    pace = _Pace(progress, done=len(trained.history) * len(crops), total=train.epochs * len(crops))
    for epoch in range(len(trained.history), train.epochs):
        steps, trained.examples = _train_epoch(training, plan, params=params, epoch=epoch, pace=pace)
        facts = {**means_of(steps), "validation_accuracy": validation.accuracy(network)}
        trained.history.append({"epoch": epoch, **facts})
        trained.curve += curve_of(steps, epoch=epoch, epochs=train.epochs)
        save_checkpoint(work / "checkpoint", training, trained, identity=identity)
        progress(f"epoch {epoch + 1}/{train.epochs}: {_formatted(facts)}; {pace}")
    return trained


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What is trained on, and in which batches."""

    crops: Crops
    added: Tensor
    train: TrainSettings
    mine: MineSettings | None
    seed: int
    keep_pairs: bool

    def batches(self, epoch: int) -> list[Tensor]:
        return epoch_batches(
            self.crops.targets,
            self.added,
            batch=self.train.batch,
            seed=self.seed,
            epoch=epoch,
            balanced=self.train.balanced,
            hard=self.mine.hard if self.mine else 0.0,
            visits=self.mine.visits if self.mine else 1,
            pairs=self.crops.pairs if self.keep_pairs else None,
        )


def _train_epoch(
    training: Training, plan: _Plan, *, params: Params, epoch: int, pace: "_Pace"
) -> tuple[list[Metrics], Examples]:
    """One epoch: the metrics of every step, and the histogram of the examples."""
    # Dropout draws from torch's own generator: set by epoch, so that a resumed run has the same numbers.
    torch.manual_seed(derived_seed(plan.seed, epoch))
    training.network.train()
    steps, rows_seen, p_seen = [], [], []
    for rows in plan.batches(epoch):
        update = training.update(plan.crops.batch(rows, params.degrade, epoch=epoch, seed=plan.seed))
        steps.append(update.metrics)
        rows_seen.append(rows)
        p_seen.append(update.p_true)
        pace.step(len(rows))
    seen, p_true = torch.cat(rows_seen), torch.cat(p_seen).numpy()
    empty = plan.crops.targets[seen].numpy() == (-1 if training.background is None else training.background)
    examples = histogram_of(p_true, empty=empty, added=plan.added[seen].numpy())
    return steps, examples


def _identity(plan: _Plan, modes: Sequence[type[Mode]], params: Params) -> str:
    parts = (params.degrade, params.network, params.loss, params.invariance, plan.train)
    mined = [plan.mine.hard, plan.mine.visits] if plan.mine else None
    what = [plan.crops.keys, plan.crops.targets.tolist(), plan.added.tolist()]
    names = [mode.name for mode in modes]
    exact = [params.threads, uses_bfloat16(plan.train)]  # both change rounding
    facts = [[part.model_dump() for part in parts], names, plan.seed, exact, mined, what]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _formatted(metrics: dict[str, float | None]) -> str:
    wanted = ("loss", "accuracy", "validation_accuracy")
    return ", ".join(f"{name} {value:.3f}" for name in wanted if (value := metrics.get(name)) is not None)


class _Pace:
    """Rate and time left, reported every few seconds."""

    def __init__(self, progress: Progress, *, done: int, total: int) -> None:
        self.progress, self.done, self.total = progress, done, total
        self.first, self.start, self.reported = done, time.monotonic(), time.monotonic()

    def step(self, crops: int) -> None:
        self.done += crops
        if time.monotonic() - self.reported > REPORT_EVERY:
            self.reported = time.monotonic()
            self.progress(f"{self.done:,} of {self.total:,} crops; {self}")

    def __str__(self) -> str:
        rate = (self.done - self.first) / max(time.monotonic() - self.start, 1e-9)
        return f"{rate:,.0f} crops/s, {(self.total - self.done) / max(rate, 1e-9):,.0f} s left"
