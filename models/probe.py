"""Probes: small classifiers that decode a nuisance from frozen features, given the true target.

A probe starts at the best guess from the target alone (`log_prior`) and adds to its logits a function of the
features. Weight decay pulls it back there: without information in the features it stays at the guess. Probes that
differ in decay alone are fitted as one batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.settings import ProbeSettings

LINEAR, MLP = "linear", "mlp"
STEPS, MEMORY = 40, 20  # of L-BFGS; further steps change about one prediction in 200


@dataclass(frozen=True, kw_only=True)
class Rows:
    """`inputs[rows, width]` as `inputs_of` makes them, `prior[rows, labels]`, `truth[rows]`: the nuisance's indices."""

    inputs: Tensor
    prior: Tensor
    truth: Tensor


class LinearProbe(nn.Module):
    """Multinomial logistic regression, once a decay: `[rows, width]` -> logits `[decays, rows, labels]`."""

    def __init__(self, decays: Sequence[float], *, width: int, labels: int) -> None:
        super().__init__()
        self.decays = torch.tensor(decays)
        self.weight = nn.Parameter(torch.zeros(width, len(decays), labels))

    def forward(self, inputs: Tensor, prior: Tensor) -> Tensor:
        # One product over all decays: on a CPU that is several times as fast as one a decay.
        added = inputs @ self.weight.flatten(1)
        return prior + added.view(len(added), *self.weight.shape[1:]).movedim(1, 0)

    def loss(self, rows: Rows) -> Tensor:
        """Sum over the decays of mean cross-entropy + decay / 2 · ‖weights‖²."""
        return _loss(self(rows.inputs, rows.prior), rows.truth, self.decays, [self.weight.movedim(1, 0)])

    def fit(self, rows: Rows) -> None:
        """To the minimum (the loss is convex) by full-batch L-BFGS."""
        optimizer = torch.optim.LBFGS(
            self.parameters(), max_iter=STEPS, history_size=MEMORY, line_search_fn="strong_wolfe"
        )

        def closure() -> float:
            optimizer.zero_grad()
            loss = self.loss(rows)
            loss.backward()  # type: ignore[no-untyped-call]
            return loss.item()

        optimizer.step(closure)  # type: ignore[no-untyped-call]


class MlpProbe(nn.Module):
    """One hidden layer of ReLUs, once a decay: `[rows, width]` -> logits `[decays, rows, labels]`.

    The last layer starts at zero, so that the probe starts at the prior.
    """

    def __init__(self, settings: ProbeSettings, *, width: int, labels: int, seed: int) -> None:
        super().__init__()
        self.settings, self.decays = settings, torch.tensor(settings.decays)
        self.random = torch.Generator().manual_seed(seed)
        start = torch.randn(width, settings.hidden, generator=self.random) * (2 / width) ** 0.5
        self.inner = nn.Parameter(start.repeat(len(settings.decays), 1, 1))
        self.bias = nn.Parameter(torch.zeros(len(settings.decays), 1, settings.hidden))
        self.outer = nn.Parameter(torch.zeros(len(settings.decays), settings.hidden, labels))

    def forward(self, inputs: Tensor, prior: Tensor) -> Tensor:
        return prior + functional.relu(inputs @ self.inner + self.bias) @ self.outer

    def loss(self, rows: Rows) -> Tensor:
        """As `LinearProbe.loss`; the hidden units' biases do not decay."""
        return _loss(self(rows.inputs, rows.prior), rows.truth, self.decays, [self.inner, self.outer])

    def fit(self, rows: Rows) -> None:
        """A set number of epochs by Adam in batches; the rate falls to zero along half a cosine."""
        optimizer = torch.optim.Adam(self.parameters(), lr=self.settings.learning_rate, fused=True)
        batches = -(-len(rows.truth) // self.settings.batch)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.settings.epochs * batches)
        for _ in range(self.settings.epochs):
            for part in torch.split(torch.randperm(len(rows.truth), generator=self.random), self.settings.batch):
                loss = self.loss(Rows(inputs=rows.inputs[part], prior=rows.prior[part], truth=rows.truth[part]))
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()


def fit_probes(rows: Rows, settings: ProbeSettings, *, seed: int) -> dict[str, LinearProbe | MlpProbe]:
    """The linear and the MLP probe, fitted to `rows`; the same rows, settings and seed give the same weights."""
    shape = {"width": rows.inputs.shape[1], "labels": rows.prior.shape[1]}
    probes: dict[str, LinearProbe | MlpProbe] = {
        LINEAR: LinearProbe(settings.decays, **shape),
        MLP: MlpProbe(settings, **shape, seed=seed),
    }
    for probe in probes.values():
        probe.fit(rows)
    return probes


@torch.no_grad()
def predicted_by(probe: LinearProbe | MlpProbe, rows: Rows) -> Tensor:
    """The label that the probe predicts for each row, at each of its decays: indices `[decays, rows]`."""
    return probe(rows.inputs, rows.prior).argmax(2)


def correct_of(probe: LinearProbe | MlpProbe, rows: Rows) -> Tensor:
    """Which rows the probe predicts correctly, at each of its decays: bool `[decays, rows]`."""
    return predicted_by(probe, rows) == rows.truth


def log_prior(targets: Tensor, truth: Tensor, *, count: int, labels: int) -> Tensor:
    """The log prior of the nuisance given the target: log(rows of (target, label) + 1), `[count, labels]`.

    Args:
        targets, truth: [rows] indices of the true target, 0..count-1, and of the nuisance, 0..labels-1.
    """
    cells = torch.bincount(targets * labels + truth, minlength=count * labels)
    return (cells.float() + 1).log().reshape(count, labels)


def inputs_of(features: Tensor, targets: Tensor, *, mean: Tensor, deviation: Tensor, count: int) -> Tensor:
    """A probe's input: standardised `features[rows, width]` and the true target, `[rows, width + count]`.

    A feature that does not vary where the probe is fitted (`deviation` 0: a dead unit) is given as 0.
    """
    standard = torch.where(deviation > 0, (features - mean) / deviation, 0.0)
    return torch.cat([standard, functional.one_hot(targets, count).to(standard.dtype)], dim=1)


def _loss(logits: Tensor, truth: Tensor, decays: Tensor, weights: list[Tensor]) -> Tensor:
    entropy = functional.cross_entropy(logits.flatten(0, 1), truth.repeat(len(decays))) * len(decays)
    squares = sum(weight.square().sum((1, 2)) for weight in weights)
    return entropy + (decays * squares).sum() / 2
