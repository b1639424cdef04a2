"""The network for inference has the outputs of the trained one."""

import pytest
import torch

from models.inference import fused
from models.network import CropNet
from models.settings import NetworkSettings


@pytest.fixture(params=[(1, False, None), (3, False, None), (1, True, None), (1, True, 1.0)])
def network(request: pytest.FixtureRequest) -> CropNet:
    """A network whose batch normalisation has seen something."""
    torch.manual_seed(0)
    settings = NetworkSettings(channels=[4, 8, 8], downsampling=2, attention=2, embedding=12, dropout=0.5)
    channels, erases, limit = request.param
    network = CropNet(settings, labels=5, height=16, width=48, channels=channels, erases=erases, limit=limit)
    if network.eraser is not None:
        network.eraser.weight.normal_()
        network.eraser.bias.normal_()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.3, 3)
            module.weight.data.uniform_(0.5, 2)
            module.bias.data.normal_()
    return network.eval()


def test_a_fused_network_gives_the_same_logits_and_embeddings(network: CropNet) -> None:
    images = torch.rand(6, network.channels, 16, 48)
    logits, features = fused(network)(images)
    torch.testing.assert_close(logits, network(images), atol=1e-4, rtol=0)
    torch.testing.assert_close(features, network.embed(images), atol=1e-4, rtol=0)


def test_fusing_leaves_the_network_as_it_was(network: CropNet) -> None:
    images = torch.rand(2, network.channels, 16, 48)
    before, weights = network(images), {name: value.clone() for name, value in network.state_dict().items()}
    copy = fused(network)
    for parameter in copy.parameters():
        parameter.add_(1)
    assert torch.equal(network(images), before)
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_a_network_that_trains_is_not_fused(network: CropNet) -> None:
    with pytest.raises(ValueError, match="evaluation mode"):
        fused(network.train())
