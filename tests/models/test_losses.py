import math

import pytest
import torch

from models.losses import cross_entropy, focal, focal_curve, hardest, modulation, start_at_priors, target_loss
from models.settings import LossSettings

LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 3.0], [-4.0, 4.0, 0.0]])
TARGETS = torch.tensor([0, 1, 1])
PLAIN = LossSettings(name="cross_entropy", gamma=0.0, alpha=None, smoothing=0.0, prior_bias=False, hardest=1.0)


def probabilities() -> list[float]:
    """p of the true label, by hand."""
    rows = [[math.exp(x) for x in row] for row in LOGITS.tolist()]
    return [row[target] / sum(row) for row, target in zip(rows, TARGETS.tolist(), strict=True)]


def loss_of(**settings) -> float:
    return target_loss(LOGITS, TARGETS, PLAIN.model_copy(update=settings), background=1).item()


def test_cross_entropy_is_minus_log_p_of_each_example():
    assert cross_entropy(LOGITS, TARGETS).tolist() == pytest.approx([-math.log(p) for p in probabilities()], rel=1e-5)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_focal_loss_is_the_papers_formula(gamma: float):
    by_hand = [-((1 - p) ** gamma) * math.log(p) for p in probabilities()]
    assert focal(LOGITS, TARGETS, gamma=gamma).tolist() == pytest.approx(by_hand, rel=1e-4)
    assert focal_curve(torch.tensor(probabilities()), gamma=gamma).tolist() == pytest.approx(by_hand, rel=1e-4)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gamma_zero_is_cross_entropy_to_the_bit_with_its_gradient(smoothing: float):
    one, two = LOGITS.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    loss = focal(one, TARGETS, gamma=0, smoothing=smoothing)
    plain = cross_entropy(two, TARGETS, smoothing=smoothing)
    loss.mean().backward()
    plain.mean().backward()
    assert torch.equal(loss, plain)
    assert torch.equal(one.grad, two.grad)


def test_a_tiny_gamma_with_smoothing_comes_close_to_smoothed_cross_entropy():
    near = focal(LOGITS, TARGETS, gamma=1e-6, smoothing=0.2)
    assert near.tolist() == pytest.approx(cross_entropy(LOGITS, TARGETS, smoothing=0.2).tolist(), rel=1e-4)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_a_certain_answer_costs_nothing_and_its_gradient_is_a_number(gamma: float):
    logits = torch.tensor([[200.0, 0.0]], requires_grad=True)
    loss = focal(logits, torch.tensor([0]), gamma=gamma).mean()
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(logits.grad).all()


def test_modulation_spares_easy_examples_and_gamma_zero_none():
    log_p = torch.tensor([0.1, 0.5, 0.9]).log()
    assert modulation(log_p, 2.0).tolist() == pytest.approx([0.81, 0.25, 0.01], abs=1e-6)
    assert modulation(log_p, 0).tolist() == [1, 1, 1]


def test_the_settings_name_the_loss():
    assert loss_of(gamma=3.0) == pytest.approx(sum(-math.log(p) for p in probabilities()) / 3, rel=1e-5)
    by_hand = sum(-((1 - p) ** 3) * math.log(p) for p in probabilities()) / 3
    assert loss_of(name="focal", gamma=3.0) == pytest.approx(by_hand, rel=1e-4)


def test_alpha_weighs_text_against_the_background_and_a_half_weighs_nothing():
    own = [-((1 - p) ** 2) * math.log(p) for p in probabilities()]
    weighed = (2 * 0.25 * own[0] + 2 * 0.75 * own[1] + 2 * 0.75 * own[2]) / 3
    assert loss_of(name="focal", gamma=2.0, alpha=0.25) == pytest.approx(weighed, rel=1e-4)
    assert loss_of(name="focal", gamma=2.0, alpha=0.5) == pytest.approx(sum(own) / 3, rel=1e-4)
    plain = PLAIN.model_copy(update={"name": "focal", "alpha": 0.25})
    assert target_loss(LOGITS, TARGETS, plain).item() == pytest.approx(loss_of(), rel=1e-6)  # no background to weigh


def test_the_hardest_share_alone_is_learned_from():
    losses = torch.tensor([0.1, 5.0, 0.2, 3.0, 0.3], requires_grad=True)
    kept = hardest(losses, 0.4)
    kept.backward()
    assert kept.item() == 4.0
    assert losses.grad.tolist() == [0, 0.5, 0, 0.5, 0]
    assert hardest(losses.detach(), 0.01).item() == 5.0
    assert hardest(losses.detach(), 1.0).item() == pytest.approx(8.6 / 5)
    assert loss_of(hardest=0.3) == pytest.approx(max(-math.log(p) for p in probabilities()), rel=1e-5)


def test_a_head_started_at_the_labels_shares_says_them_whatever_it_is_shown():
    torch.manual_seed(0)
    head = torch.nn.Linear(16, 4)
    start_at_priors(head, torch.tensor([0.9, 0.09, 0.01, 0.0]))
    said = head(torch.randn(8, 16)).softmax(1).mean(0)
    assert said.tolist() == pytest.approx([0.895, 0.09, 0.01, 0.005], abs=0.01)
