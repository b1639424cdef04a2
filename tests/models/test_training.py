import pytest
import torch

from models.network import CropNet
from models.training import Training, normalised, uses_bfloat16
from tasks.train.batches import CPU
from tests.models.toymodes import INVARIANCE, LOSS, NETWORK, TRAIN, batch, make


def test_a_step_says_how_likely_it_took_each_true_target_to_be():
    training = make("erm", counts={})
    with torch.no_grad():
        training.network.train()
        probabilities = training.network(batch().images).softmax(1)
    met = training.update(batch()).p_true
    wanted = [probabilities[row, target].item() for row, target in enumerate(batch().targets)]
    assert met.tolist() == pytest.approx(wanted, abs=1e-5)


def test_a_step_teaches_what_every_attention_head_looks_for():
    network = CropNet(NETWORK.model_copy(update={"attention": 2}), labels=3, height=16, width=32)
    before = network.pooling.queries.detach().clone()
    training = Training(network, counts={}, loss=LOSS, train=TRAIN, invariance=INVARIANCE, steps=20)
    training.update(batch())
    assert (network.pooling.queries != before).any(1).tolist() == [True, True]


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


def with_precision(name):
    return TRAIN.model_copy(update={"precision": name})


def test_a_step_in_bfloat16_has_nearly_the_gradient_of_one_in_float32():
    exact, rounded = make("conditional"), make("conditional")
    rounded.bfloat16 = True
    one, other = exact.update(batch()), rounded.update(batch())
    assert one.metrics["loss"] == pytest.approx(other.metrics["loss"], rel=0.01)
    for name, weight in exact.network.named_parameters():
        found = rounded.network.get_parameter(name).grad
        assert found.dtype == torch.float32
        assert torch.cosine_similarity(found.flatten(), weight.grad.flatten(), dim=0) > 0.95, name
    assert one.metrics["loss"] != other.metrics["loss"]


@pytest.mark.parametrize("tiles", [True, False])
@pytest.mark.parametrize("vectors", [True, False])
def test_bfloat16_is_chosen_where_the_processor_multiplies_it(monkeypatch, tiles, vectors):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": tiles, "avx512_bf16": vectors})
    assert uses_bfloat16(with_precision("auto"), CPU) is (tiles or vectors)
    assert uses_bfloat16(with_precision("bfloat16"), CPU)
    assert not uses_bfloat16(with_precision("float32"), CPU)


def test_bfloat16_is_not_chosen_on_a_processor_that_says_nothing(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert not uses_bfloat16(with_precision("auto"), CPU)
