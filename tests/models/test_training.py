import pytest
import torch

from models.training import normalised
from tests.models.toymodes import batch, make


def test_a_step_says_how_likely_it_took_each_true_target_to_be():
    training = make("erm", counts={})
    with torch.no_grad():
        training.network.train()
        probabilities = training.network(batch().images).softmax(1)
    met = training.update(batch()).p_true
    wanted = [probabilities[row, target].item() for row, target in enumerate(batch().targets)]
    assert met.tolist() == pytest.approx(wanted, abs=1e-5)


def test_the_heads_rate_is_relative_to_the_backbones():
    training = make("erm", head_learning_rate=3.0)
    metrics = training.update(batch()).metrics
    assert [group["lr"] for group in training.optimizer.param_groups] == pytest.approx(
        [metrics["learning_rate"], metrics["learning_rate"], 3 * metrics["learning_rate"]]
    )


def test_modes_see_features_of_one_scale():
    features = normalised(torch.rand(5, 8) * 0.2 + 3)
    assert features.mean(1).tolist() == pytest.approx([0] * 5, abs=1e-4)
    assert features.var(1, unbiased=False).tolist() == pytest.approx([1] * 5, abs=0.02)
