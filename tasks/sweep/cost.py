"""What a sweep will cost: counted trainings, and a rate measured on this machine for two seconds."""

import math
import os
import statistics
import time
from dataclasses import dataclass
from itertools import cycle

import torch

from models.invariance import modes_of
from models.settings import parts_of
from models.training import Training
from tasks.common.determinism import deterministic
from tasks.common.device import device_of
from tasks.crop_table.shards import read_rows
from tasks.crop_table.splits import SELECTION_SPLIT
from tasks.sweep.sweep import Sweep
from tasks.train.batches import VALIDATION_ROWS, Labels, read_crops
from tasks.train.model_folder import read_training
from tasks.train.weights import load_model

SECONDS = 2.0  # that the rate is measured for
BATCHES = 8  # that it is measured on
FORWARD = 1 / 3  # the cost of scoring a crop, relative to training on it


@dataclass(frozen=True, kw_only=True)
class Cost:
    """`trainings` that are left, of so many crops and epochs each, `at_once` side by side; `seconds` of one alone."""

    trainings: int
    crops: int
    epochs: int
    at_once: int
    seconds: float

    @property
    def minutes(self) -> float:
        return self.trainings * self.seconds / self.at_once / 60

    def __str__(self) -> str:
        many = f"{self.trainings} training{'s' if self.trainings != 1 else ''} left"
        each = f"{self.crops:,} crops × {self.epochs} epoch{'s' if self.epochs != 1 else ''}, {self.seconds:.0f} s each"
        duration = "less than a minute" if self.minutes < 1 else f"about {math.ceil(self.minutes)} minutes"
        return f"{many}, {each}, {self.at_once} at a time: {duration}"


def cost_of(sweep: Sweep, *, trainings: int, workers: int, seconds: list[float]) -> Cost:
    """What `trainings` more will cost: by the `seconds` of those that are done, or by a rate measured now."""
    crops, epochs = len(read_training(sweep.starts[0])), sweep.params.invariance.epochs
    each = statistics.median(seconds) if seconds else _estimate(sweep, crops * epochs)
    # More workers than cores only share them.
    at_once = max(1, min(workers, trainings, (os.cpu_count() or 1) // sweep.params.threads))
    return Cost(trainings=trainings, crops=crops, epochs=epochs, at_once=at_once, seconds=each)


def measured_rate(sweep: Sweep, *, seconds: float) -> float:
    """Crops a second in training the mode with the most parts, measured on a few batches; nothing of it is kept."""
    params, start = sweep.params, sweep.starts[0]
    mode = max(sweep.space.modes, key=lambda name: len(parts_of(name)))
    with deterministic(params.threads):
        network, card = load_model(start)
        device = device_of(params.device)
        labels, batch = Labels.of_card(card), params.train.batch
        crops = read_crops(sweep.table, labels, keys=read_training(start)["key"][: BATCHES * batch])
        training = Training(
            network.to(device),
            modes_of(mode),
            counts=crops.counts(labels, params.degrade),
            loss=params.loss,
            train=params.train,
            invariance=params.invariance,
            steps=1_000_000,  # never reached: so many that the rate stays at its warm-up
            background=labels.background,
        )
        network.train()
        parts = cycle(torch.split(torch.arange(len(crops)), batch))
        training.update(crops.batch(next(parts), params.degrade, device=device))  # warm-up
        began, seen = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            rows = next(parts)
            training.update(crops.batch(rows, params.degrade, device=device))
            seen += len(rows)
    return seen / (time.monotonic() - began)


def _estimate(sweep: Sweep, trained: int) -> float:
    """Seconds of one training of so many crops, with its validation after every epoch and the scoring after it."""
    validation = len(read_rows(sweep.table, ["key"], [SELECTION_SPLIT]))
    scored = sweep.params.invariance.epochs * min(validation, VALIDATION_ROWS) + validation
    return (trained + FORWARD * scored) / measured_rate(sweep, seconds=SECONDS)
