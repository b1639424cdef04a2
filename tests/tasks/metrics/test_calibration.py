import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from tasks.metrics.calibration import calibration_error, fit_temperature, reliability

LABELS = ["Cyrl", "Grek", "Latn", "Zxxx"]


@pytest.fixture
def answers():
    """p [500] and whether the answer is right, less often than it is sure."""
    rng = np.random.default_rng(5)
    p = rng.uniform(0.2, 1, 500).astype(np.float32)
    return p, rng.random(500) < p - 0.15


def drawn(n=4000, sharper=1.0, seed=0):
    """Logits of which the labels are drawn, made `sharper`: the best temperature is `sharper`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 4))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    indices = (rng.random((n, 1)) > probabilities.cumsum(1)).sum(1)
    return (sharper * logits).astype(np.float32), np.array(LABELS)[indices]


def loss(logits, true, temperature):
    indices = torch.tensor([LABELS.index(name) for name in true])
    return float(cross_entropy(torch.from_numpy(logits).double() / temperature, indices))


def test_calibration_error_is_the_mean_gap_of_fifteen_bins(answers):
    p, correct = answers
    expected = 0.0
    for low in range(15):
        inside = (p > low / 15) & (p <= (low + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(p[inside].mean(dtype=float) - correct[inside].mean())
    assert calibration_error(p, correct) == pytest.approx(expected)
    assert calibration_error(np.array([0.0, 1.0]), np.array([False, True])) == 0
    assert calibration_error(np.zeros(0), np.zeros(0, bool)) is None


def test_bins_are_half_open_and_empty_ones_are_left_out():
    found = reliability(np.array([0.5, 0.51, 1.0]), np.array([True, False, True]), bins=4)
    assert found.values.tolist() == [[0.25, 0.5, 1, 0.5, 1], [0.5, 0.75, 1, 0.51, 0], [0.75, 1, 1, 1, 1]]


@pytest.mark.parametrize("sharper", [0.4, 1.0, 2.5])
def test_the_temperature_is_by_how_much_logits_are_too_sharp(sharper):
    logits, true = drawn(sharper=sharper)
    assert fit_temperature(logits, true, LABELS) == pytest.approx(sharper, rel=0.05)


def test_no_temperature_of_a_fine_grid_has_a_lower_loss():
    logits, true = drawn(n=60, sharper=0.6)
    best = fit_temperature(logits, true, LABELS)
    assert best == round(best, 4)
    grid = np.geomspace(0.1, 10, 400)
    assert loss(logits, true, best) <= min(loss(logits, true, temperature) for temperature in grid) + 1e-9


def test_with_it_the_model_is_as_often_right_as_it_is_sure():
    logits, true = drawn(sharper=0.4)
    best = fit_temperature(logits, true, LABELS)
    errors = []
    for temperature in (1, best):
        probabilities = torch.from_numpy(logits / temperature).softmax(1).numpy()
        correct = np.array(LABELS)[probabilities.argmax(1)] == true
        errors.append(calibration_error(probabilities.max(1), correct))
    assert errors[0] > 0.1 and errors[1] < 0.03


def test_crops_of_unknown_labels_teach_nothing_and_none_leave_it_at_one():
    logits, true = drawn(n=200)
    more = np.concatenate([logits, 100 * logits[:50]])
    assert fit_temperature(more, [*true, *["Klin"] * 50], LABELS) == fit_temperature(logits, true, LABELS)
    assert fit_temperature(logits[:0], [], LABELS) == 1


def test_a_model_that_is_always_right_stays_in_range():
    logits = 1000 * np.eye(4, dtype=np.float32)
    assert 0.1 <= fit_temperature(logits, LABELS, LABELS) <= 10
