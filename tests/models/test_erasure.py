"""What is erased, computed another way: by scipy's generalised eigenvectors and scikit-learn's logistic regression."""

import numpy as np
import pytest
import scipy.linalg
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from models.erasure import HORIZON, RIDGE, Erasure, projection
from models.network import Eraser
from models.training import UNKNOWN, Batch
from tests.models.toymodes import COUNTS, INVARIANCE, batch, make

TARGETS, LABELS, WIDTH, ROWS = 3, 3, 12, 3000
MANY = torch.full((TARGETS, LABELS), 1000)


def crops(seed: int = 0, *, rows: int = ROWS, shift: float = 1.5) -> tuple[Tensor, Tensor, Tensor]:
    """Correlated features whose label shifts them another way in each target, and their targets and labels."""
    rng = np.random.default_rng(7)
    spread = rng.normal(size=(WIDTH, WIDTH))
    of_target, of_label = rng.normal(size=(TARGETS, WIDTH)), rng.normal(size=(TARGETS, LABELS, WIDTH))
    rng = np.random.default_rng(seed)
    targets, labels = rng.integers(0, TARGETS, rows), rng.integers(0, LABELS, rows)
    features = rng.normal(size=(rows, WIDTH)) @ spread + 3 * of_target[targets] + shift * of_label[targets, labels]
    return torch.from_numpy(features), torch.from_numpy(targets), torch.from_numpy(labels)


def given(targets: Tensor, labels: Tensor) -> Batch:
    empty = torch.zeros(len(targets), 1, 1, 1)
    return Batch(images=empty, targets=targets, nuisances={"style": labels}, pairs=torch.full_like(targets, UNKNOWN))


def mode_of(counts: Tensor = MANY, *, erased: int = 9) -> Erasure:
    settings = INVARIANCE.model_copy(update={"erased": erased})
    return Erasure({"style": counts}, embedding=WIDTH, settings=settings)


def fitted(features: Tensor, targets: Tensor, labels: Tensor, mode: Erasure) -> Eraser:
    mode.observe(features, given(targets, labels))
    eraser = Eraser(WIDTH).double()
    mode.fit(eraser)
    return eraser.eval()


def read_within(features: Tensor, labels: Tensor, rows: Tensor) -> float:
    """Accuracy of a logistic regression for the label, on the crops of one target that it was fitted to."""
    own, wanted = features[rows].numpy(), labels[rows].numpy()
    return float(LogisticRegression(C=1e4, max_iter=2000).fit(own, wanted).score(own, wanted))


def test_a_linear_probe_within_each_target_falls_to_the_best_guess():
    features, targets, labels = crops()
    erased = fitted(features, targets, labels, mode_of())(features)
    for target in range(TARGETS):
        rows = targets == target
        guess = float(torch.bincount(labels[rows]).max() / rows.sum())
        assert read_within(features, labels, rows) > guess + 0.2
        assert read_within(erased, labels, rows) < guess + 0.01


def test_within_a_target_the_labels_means_are_the_same_and_the_targets_own_stay():
    features, targets, labels = crops()
    erased = fitted(features, targets, labels, mode_of())(features)
    for target in range(TARGETS):
        rows = targets == target
        mean = features[rows].mean(0)
        torch.testing.assert_close(erased[rows].mean(0), mean)
        before = [(features[rows & (labels == label)].mean(0) - mean).norm() for label in range(LABELS)]
        after = [(erased[rows & (labels == label)].mean(0) - mean).norm() for label in range(LABELS)]
        assert max(after) < 1e-6 < 0.5 < min(before)


def test_of_the_directions_the_strongest_go_as_leace_has_it():
    features, _, labels = crops()
    targets = torch.zeros_like(labels)  # one target: nothing to keep, so it is LEACE's projection
    values, label = features.numpy(), labels.numpy()
    covariance = np.cov(values.T, bias=True)
    covariance += RIDGE * np.trace(covariance) / WIDTH * np.eye(WIDTH)
    apart = [values[label == one].mean(0) - values.mean(0) for one in range(LABELS)]
    between = sum((label == one).mean() * np.outer(mean, mean) for one, mean in enumerate(apart))
    # vectors.T @ covariance @ vectors = I: covariance @ vectors are the directions.
    _, vectors = scipy.linalg.eigh(between, covariance)
    strongest = vectors[:, -1:]
    wanted = values - (values - values.mean(0)) @ (strongest @ strongest.T @ covariance)
    found = fitted(features, targets, labels, mode_of(MANY[:1] * 3, erased=1))(features)
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-8)


def test_no_more_directions_go_than_asked_for_or_than_there_are():
    features, targets, labels = crops()
    for erased, wanted in ((2, 2), (6, 6), (9, 6)):  # three targets with three labels tell six directions at most
        weight = fitted(features, targets, labels, mode_of(erased=erased)).weight
        assert torch.linalg.matrix_rank(torch.eye(WIDTH) - weight, tol=1e-6) == wanted
        torch.testing.assert_close(weight @ weight, weight)


def test_more_targets_than_directions_still_leave_some_to_be_erased():
    rng = torch.Generator().manual_seed(0)
    covariance, label = torch.eye(6).double(), torch.randn(6, 1, generator=rng).double()
    targets = torch.randn(9, 6, generator=rng).double() * torch.tensor([5, 4, 3, 2, 1, 0.1])
    found = projection(covariance, label @ label.T / 10, targets, directions=2)
    torch.testing.assert_close(found @ label, label, atol=1e-4, rtol=0)
    assert (found @ targets.T).norm() < 0.5 * targets.norm()


def test_what_is_erased_follows_the_embedding():
    features, targets, labels = crops()
    turned = features.roll(5, dims=1)
    mode = mode_of()
    fitted(features, targets, labels, mode)
    for _ in range(10 * HORIZON):
        mode.observe(turned[:300], given(targets[:300], labels[:300]))
    found, alone = Eraser(WIDTH).double(), fitted(turned[:300], targets[:300], labels[:300], mode_of())
    mode.fit(found)
    torch.testing.assert_close(found.weight, alone.weight, atol=1e-2, rtol=0)
    assert not torch.allclose(found.weight, fitted(features, targets, labels, mode_of()).weight, atol=0.1)


def test_a_cell_with_fewer_crops_than_directions_counts_for_less():
    features, targets, labels = crops()
    mode = mode_of(torch.tensor([[3, 1000, 1000], [1000, 1000, 1000], [0, 1000, 1000]]), erased=9)
    mode.observe(features, given(targets, labels))
    weights = np.ones((TARGETS, LABELS))
    weights[0, 0], weights[2, 0] = 3 / 9, 0
    wanted = np.zeros((WIDTH, WIDTH))
    for target, label in np.ndindex(TARGETS, LABELS):
        own = features[(targets == target) & (labels == label)].numpy()
        apart = weights[target, label] * (own.mean(0) - features[targets == target].numpy().mean(0))
        wanted += len(own) * np.outer(apart, apart)
    ((_, cells),) = mode._cells()
    np.testing.assert_allclose(cells.scatter(mode.shrinkage["style"]).numpy(), wanted, atol=1e-6)


def test_processes_that_saw_half_the_crops_each_fit_the_layer_of_one_that_saw_all():
    features, targets, labels = crops()
    halves = [mode_of(), mode_of()]
    for half, mode in enumerate(halves):
        mode.observe(features[half::2], given(targets[half::2], labels[half::2]))
    for own in zip(*(mode.buffers() for mode in halves), strict=True):
        mean = torch.stack([*own]).mean(0)
        for buffer in own:
            buffer.copy_(mean)
    first, second = Eraser(WIDTH).double(), Eraser(WIDTH).double()
    halves[0].fit(first)
    halves[1].fit(second)
    assert torch.equal(first.weight, second.weight) and torch.equal(first.bias, second.bias)
    torch.testing.assert_close(first.weight, fitted(features, targets, labels, mode_of()).weight)


def test_crops_without_a_label_leave_the_embedding_as_it_is():
    features, targets, labels = crops()
    eraser = fitted(features, targets, torch.full_like(labels, UNKNOWN), mode_of())
    torch.testing.assert_close(eraser(features), features)


def test_an_eraser_is_the_identity_until_it_is_fitted_and_draws_no_random_number():
    torch.manual_seed(0)
    before, eraser = torch.get_rng_state(), Eraser(WIDTH)
    assert torch.equal(torch.get_rng_state(), before)
    features = torch.rand(5, WIDTH)
    assert torch.equal(eraser(features), features) and torch.equal(eraser.seen, features)
    assert not list(eraser.parameters())


def test_the_layer_is_fitted_while_the_backbone_trains_behind_it():
    training = make("conditional+erasure", counts=COUNTS)
    embedded = training.network.embedding.linear.weight.detach().clone()
    for step in range(3):
        training.update(batch(step))
    eraser = training.network.eraser
    assert torch.linalg.matrix_rank(torch.eye(16) - eraser.weight, tol=1e-4) == 3  # three targets with two labels
    assert not torch.equal(training.network.embedding.linear.weight, embedded)
    assert training.network.training


def test_the_heads_start_as_erms():
    pairs = zip(make("erasure").modes[0].parameters(), make("erm").modes[0].parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("steps", [1, 7, 5000])
def test_a_short_training_fits_the_layer_too(steps: int):
    assert 1 <= make("erasure", steps=steps).fit_every <= min(20, steps)
