import math

import pytest
import torch
from torch import nn

from models.network import CropNet
from models.optimizer import Optimizer
from models.settings import NetworkSettings
from tests.models.toymodes import TRAIN, batch, make


def network(channels: int = 1) -> CropNet:
    torch.manual_seed(0)
    settings = NetworkSettings(channels=[8, 16], downsampling=2, embedding=12, dropout=0.0)
    return CropNet(settings, labels=3, height=16, width=32, channels=channels)


def optimizer_of(made: CropNet, rate: float = 0.01) -> Optimizer:
    optimizer = Optimizer(made, [], train=TRAIN, head_rate=1.0)
    optimizer.set_rate(rate)
    return optimizer


@pytest.mark.parametrize("name", ["backbone.0.conv.weight", "backbone.1.conv.weight", "embedding.linear.weight"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_hidden_layer_steps_along_its_gradient_made_orthogonal(name: str, channels: int):
    made = network(channels)
    optimizer, weight = optimizer_of(made), made.get_parameter(name)
    before = weight.detach().clone()
    gradient = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    weight.grad = gradient.clone(memory_format=torch.preserve_format)
    optimizer.step()
    left, _, right = torch.linalg.svd(gradient.flatten(1).double(), full_matrices=False)
    rows, columns = weight.flatten(1).shape
    wanted = -0.01 * 0.2 * math.sqrt(max(rows, columns)) * (left @ right)
    step = (weight.detach() - before * (1 - 0.01 * TRAIN.weight_decay)).flatten(1).double()
    # Five iterations leave the singular values between 0.7 and 1.2.
    assert torch.cosine_similarity(step.flatten(), wanted.flatten(), dim=0) > 0.97
    assert 0.7 < (step.norm() / wanted.norm()).item() < 1.2


def test_every_weight_is_stepped_by_one_of_the_two():
    training = make("conditional")
    weights = [*training.network.parameters(), *training.heads.parameters()]
    before = [weight.detach().clone() for weight in weights]
    assert {id(weight) for weight in training.optimizer.weights} == {id(weight) for weight in weights}
    assert len(training.optimizer.weights) == len(weights)
    training.update(batch())
    assert all(not torch.equal(weight, old) for weight, old in zip(weights, before, strict=True))


def test_a_weight_without_a_gradient_stays_as_it_is():
    made = network()
    optimizer, kernel, linear = optimizer_of(made), made.backbone[1].conv.weight, made.embedding.linear.weight
    made.embed(torch.rand(4, 1, 16, 32)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    before = kernel.detach().clone(), linear.detach().clone()
    made.embedding(torch.rand(4, 32)).square().sum().backward()
    optimizer.step()
    assert torch.equal(kernel, before[0]) and not torch.equal(linear, before[1])


def test_a_network_of_another_layout_is_refused():
    made = network()
    made.backbone[1].conv.weight = nn.Parameter(made.backbone[1].conv.weight.detach().contiguous())
    with pytest.raises(ValueError, match="channels last"):
        optimizer_of(made)
