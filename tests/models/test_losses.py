import math

import pytest
import torch

from models.losses import cross_entropy, focal, modulation, target_loss
from models.settings import LossSettings

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 3.0], [-4.0, 4.0, 0.0]])
TARGETS = torch.tensor([0, 1, 1])


def chances() -> list[float]:
    """p of the true label, by hand."""
    rows = [[math.exp(x) for x in row] for row in LOGITS.tolist()]
    return [row[target] / sum(row) for row, target in zip(rows, TARGETS.tolist(), strict=True)]


def test_cross_entropy_is_the_mean_of_minus_log_p():
    by_hand = sum(-math.log(p) for p in chances()) / 3
    assert cross_entropy(LOGITS, TARGETS).item() == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_focal_loss_is_the_papers_formula(gamma: float):
    by_hand = sum(-((1 - p) ** gamma) * math.log(p) for p in chances()) / 3
    assert focal(LOGITS, TARGETS, gamma=gamma).item() == pytest.approx(by_hand, rel=1e-4)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gamma_zero_is_cross_entropy_to_the_bit_with_its_gradient(smoothing: float):
    one, two = LOGITS.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    loss = focal(one, TARGETS, gamma=0, smoothing=smoothing)
    plain = cross_entropy(two, TARGETS, smoothing=smoothing)
    loss.backward()
    plain.backward()
    assert torch.equal(loss, plain)
    assert torch.equal(one.grad, two.grad)


def test_a_tiny_gamma_with_smoothing_comes_close_to_smoothed_cross_entropy():
    near = focal(LOGITS, TARGETS, gamma=1e-6, smoothing=0.2)
    assert near.item() == pytest.approx(cross_entropy(LOGITS, TARGETS, smoothing=0.2).item(), rel=1e-4)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_a_certain_answer_costs_nothing_and_its_gradient_is_a_number(gamma: float):
    logits = torch.tensor([[200.0, 0.0]], requires_grad=True)
    loss = focal(logits, torch.tensor([0]), gamma=gamma)
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(logits.grad).all()


def test_modulation_spares_easy_examples():
    factors = modulation(torch.tensor([0.1, 0.5, 0.9]).log(), 2.0)
    assert factors.tolist() == pytest.approx([0.81, 0.25, 0.01], abs=1e-6)


def test_the_settings_name_the_loss():
    plain = LossSettings(name="cross_entropy", gamma=3.0, smoothing=0.0)
    hard = LossSettings(name="focal", gamma=3.0, smoothing=0.0)
    assert torch.equal(target_loss(LOGITS, TARGETS, plain), cross_entropy(LOGITS, TARGETS))
    assert torch.equal(target_loss(LOGITS, TARGETS, hard), focal(LOGITS, TARGETS, gamma=3.0))
