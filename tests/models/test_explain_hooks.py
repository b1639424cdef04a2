import pytest
import torch
from torch import nn

from models.explain.hooks import captured, layers_of, observed, receptive_field
from models.network import ScriptNet
from models.settings import NetworkSettings

IMAGES = torch.rand(2, 1, 16, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def network():
    torch.manual_seed(0)
    settings = NetworkSettings(channels=[4, 4, 6], halvings=3, embedding=8, dropout=0.0)
    return ScriptNet(settings, labels=3, height=16, width=32).eval()


def hooks_left(network):
    return sum(len(module._forward_hooks) + len(module._backward_hooks) for module in network.modules())


def test_outputs_are_what_the_modules_give(network):
    with captured(network, ["trunk.0", "embedding"]) as outputs:
        network(IMAGES)
    assert list(outputs) == ["trunk.0", "embedding"]
    assert torch.equal(outputs["trunk.0"], network.trunk[0](network.standardise(IMAGES)))
    assert torch.equal(outputs["embedding"], network.embed(IMAGES))


def test_a_copy_survives_an_operation_in_place():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True))
    with captured(network, ["0"]) as outputs:
        network(IMAGES)
    assert torch.equal(outputs["0"], network[0](IMAGES))
    assert (outputs["0"] < 0).any()


@pytest.mark.parametrize("ends", ["well", "badly"])
def test_hooks_are_removed_however_the_block_ends(network, ends):
    class TroubleError(Exception):
        pass

    def look():
        with captured(network, ["trunk.0", "trunk.1"]):
            assert hooks_left(network) == 2
            network(IMAGES)
            if ends == "badly":
                raise TroubleError

    if ends == "badly":
        with pytest.raises(TroubleError):
            look()
    else:
        look()
    assert hooks_left(network) == 0


def test_no_hook_is_left_when_one_name_is_wrong(network):
    with (
        pytest.raises(ValueError, match=r"no layer 'trunk.9'; there are: .*trunk.2"),
        captured(network, ["trunk.0", "trunk.9"]),
    ):
        pass
    assert hooks_left(network) == 0


def test_an_observer_sees_every_pass(network):
    seen = []
    with observed(network, {"embedding": lambda output: seen.append(output.shape)}):
        network(IMAGES)
        network(IMAGES[:1])
    assert seen == [(2, 8), (1, 8)]


def test_layers_are_the_rectified_blocks_and_the_head(network):
    assert layers_of(network, IMAGES) == {
        "trunk.0": 4,
        "trunk.1": 4,
        "trunk.2": 6,
        "embedding": 8,
        "target_head": 3,
    }
    assert hooks_left(network) == 0


def test_layers_of_a_network_without_relu_are_its_convolutions():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.LazyLinear(5))
    assert layers_of(network, IMAGES) == {"0": 2, "3": 5}


def test_receptive_fields_are_those_of_the_arithmetic(network):
    noise = torch.rand(16, 1, 16, 32, generator=torch.Generator().manual_seed(1))
    # Kernel 5, stride 2; then kernel 3, stride 1: 5 + 2·2; then kernel 3, stride 2: again + 2·2.
    assert receptive_field(network, "trunk.0", noise) == (5, 5)
    assert receptive_field(network, "trunk.1", noise) == (9, 9)
    assert receptive_field(network, "trunk.2", noise) == (13, 13)
    assert receptive_field(network, "embedding", noise) == (16, 32)
