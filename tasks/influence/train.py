"""Training of a network for a table, and how good it is on the rows held out."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from models.invariance import modes_of
from models.settings import PLAIN_LOSS, InfluenceSettings, InvarianceSettings, TrainSettings, parts_of
from models.tabular import TableBatch, TableTraining, TabularNet
from models.training import UNKNOWN
from tasks.influence.dataset import Dataset
from unfont.errors import UserError

ERM = "erm"
FEWEST_STEPS = 20  # of an epoch: of a small table the batch is smaller
SMALLEST_BATCH = 8
PASS = 8192  # rows of a forward pass without gradients


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A trained network and its `score` on the rows held out: accuracy, or R² of a number; `seconds` of training."""

    network: TabularNet
    score: float
    seconds: float


def check_mode(mode: str) -> None:
    """Raises UserError where there is no such mode, it needs pairs of rows, or it leaves no neurons to explain."""
    try:
        parts = parts_of(mode)
    except ValueError as error:
        raise UserError(
            str(error), where="--mode", fix="name one of them, or a sum without pairs and bottleneck"
        ) from None
    for part, why in (("pairs", "a table has no pairs of rows"), ("bottleneck", "behind it are no neurons to explain")):
        if part in parts:
            raise UserError(why, where=f"--mode {mode}", fix="name another mode")


def train_network(
    data: Dataset, settings: InfluenceSettings, invariance: InvarianceSettings, *, mode: str | None, seed: int
) -> Fit:
    """Train on the rows of training; the same data, settings, mode and seed give the same weights.

    Must run within `deterministic`.

    Args:
        mode: of invariance, such as `conditional`; None trains without nuisance heads.
    """
    began = time.monotonic()
    torch.manual_seed(seed)
    modes = modes_of(mode) if mode is not None and data.nuisance is not None else []
    network = TabularNet(
        settings,
        numbers=data.features.numbers,
        sizes=data.features.sizes,
        outputs=data.target.outputs,
        erases=any(each.erases for each in modes),
    )
    batch = max(SMALLEST_BATCH, min(settings.batch, len(data.train) // FEWEST_STEPS))
    steps = min(settings.steps, settings.epochs * (len(data.train) // batch))
    training = TableTraining(
        network,
        modes,
        counts=_counts(data) if modes else {},
        loss=PLAIN_LOSS,
        train=_train_settings(settings, batch),
        invariance=invariance,
        steps=steps,
    )
    network.train()
    for _, rows in zip(range(steps), _batches(data.train, batch), strict=False):
        training.fit(_batch(data, rows))
    network.eval().requires_grad_(False)
    return Fit(network=network, score=score_of(data, network), seconds=time.monotonic() - began)


def score_of(data: Dataset, network: TabularNet) -> float:
    """Accuracy on the rows held out; of a number R², the fraction of its variance that is predicted."""
    outputs = predict(network, data.features.matrix[data.held_out])
    if data.target.numbers is None:
        return float((outputs.argmax(1) == data.target.classes[data.held_out]).float().mean())
    truth = data.target.numbers[data.held_out]
    return float(1 - functional.mse_loss(outputs[:, 0], truth) / truth.var(correction=0).clamp(min=1e-12))


def guess_of(data: Dataset) -> float:
    """The score of the best guess that reads no column: the most frequent class, or the mean."""
    if data.target.numbers is not None:
        return 0.0
    most = torch.bincount(data.target.classes[data.train]).argmax()
    return float((data.target.classes[data.held_out] == most).float().mean())


@torch.no_grad()
def predict(network: TabularNet, rows: Tensor) -> Tensor:
    """The outputs of `rows[n, features]`."""
    return torch.cat([network(some) for some in torch.split(rows, PASS)])


@torch.no_grad()
def losses_of(data: Dataset, network: TabularNet, matrix: Tensor, rows: Tensor) -> float:
    """The mean loss of `matrix[n, features]`, the features of the rows that are numbered `rows[n]`."""
    outputs = predict(network, matrix)
    if data.target.numbers is None:
        return float(functional.cross_entropy(outputs, data.target.classes[rows]))
    return float(functional.mse_loss(outputs[:, 0], data.target.numbers[rows]))


def _batches(rows: Tensor, batch: int) -> Iterator[Tensor]:
    """Rows in batches of one size, shuffled anew each epoch, for ever."""
    while True:
        shuffled = rows[torch.randperm(len(rows))]
        yield from torch.split(shuffled[: len(rows) // batch * batch], batch)


def _batch(data: Dataset, rows: Tensor) -> TableBatch:
    nuisances = {} if data.nuisance is None else {data.nuisance.name: data.nuisance.codes[rows]}
    return TableBatch(
        images=data.features.matrix[rows],
        targets=data.target.classes[rows],
        nuisances=nuisances,
        pairs=torch.full_like(rows, UNKNOWN),
        numbers=None if data.target.numbers is None else data.target.numbers[rows],
    )


def _counts(data: Dataset) -> dict[str, Tensor]:
    """Training rows of each target and nuisance label."""
    assert data.nuisance is not None
    codes = data.nuisance.codes[data.train]
    targets, known = data.target.classes[data.train], codes != UNKNOWN
    classes = int(data.target.classes.max()) + 1
    cells = torch.bincount(
        targets[known] * data.nuisance.labels + codes[known], minlength=classes * data.nuisance.labels
    )
    return {data.nuisance.name: cells.view(classes, data.nuisance.labels)}


def _train_settings(settings: InfluenceSettings, batch: int) -> TrainSettings:
    return TrainSettings(
        epochs=settings.epochs,
        batch=batch,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup=settings.warmup,
        balanced=False,
        ramp=0.0,
        precision="float32",
        processes=1,
        nodes=1,
    )
