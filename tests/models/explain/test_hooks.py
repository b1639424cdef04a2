import pytest
import torch
from torch import nn

from models.explain.hooks import captured, check_units, layers_of, observed, run, run_until

IMAGES = torch.rand(2, 1, 16, 32, generator=torch.Generator().manual_seed(0))


def hooks_left(network):
    return sum(
        len(hooks)
        for module in network.modules()
        for hooks in (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)
    )


def test_outputs_are_what_the_modules_give(network):
    with captured(network, ["backbone.0", "embedding"]) as outputs:
        network(IMAGES)
    assert list(outputs) == ["backbone.0", "embedding"]
    assert torch.equal(outputs["backbone.0"], network.backbone[0](network.standardise(IMAGES)))
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
        with captured(network, ["backbone.0", "backbone.1"]):
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
        pytest.raises(ValueError, match=r"no layer 'backbone.9'; there are: .*backbone.2"),
        captured(network, ["backbone.0", "backbone.9"]),
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
        "backbone.0": 4,
        "backbone.1": 4,
        "backbone.2": 6,
        "embedding": 8,
        "target_head": 3,
    }
    assert hooks_left(network) == 0


def test_layers_of_a_network_without_relu_are_its_convolutions():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.LazyLinear(5))
    assert layers_of(network, IMAGES) == {"0": 2, "3": 5}


class Shared(nn.Module):
    """One ReLU module for two convolutions, of different widths."""

    def __init__(self, inplace=False):
        super().__init__()
        self.first, self.second, self.relu = nn.Conv2d(1, 3, 3), nn.Conv2d(3, 5, 3), nn.ReLU(inplace)
        self.head = nn.Linear(5, 2)

    def forward(self, images):
        maps = self.relu(self.second(self.relu(self.first(images))))
        return self.head(maps.mean((2, 3)))


def test_a_relu_that_runs_twice_names_no_layer():
    assert layers_of(Shared(), IMAGES) == {"first": 3, "second": 5, "head": 2}


def test_a_pass_ends_at_the_layer_asked_for(network):
    later = []
    with observed(network, {"backbone.1": later.append}):
        output = run_until(network, "backbone.0", IMAGES)
    assert torch.equal(output, network.backbone[0](network.standardise(IMAGES)))
    assert later == []
    assert hooks_left(network) == 0


def test_hooks_are_gone_after_a_pass_that_fails(network):
    with pytest.raises(ValueError, match=r"does not take images \[1, 3, 4, 4\]"):
        run_until(nn.Sequential(nn.Conv2d(1, 2, 3)).eval(), "0", torch.rand(1, 3, 4, 4))
    with pytest.raises(ValueError, match="must be"):
        run_until(network, "backbone.0", torch.rand(1, 3, 16, 32))
    assert hooks_left(network) == 0


def test_what_cannot_be_run_is_refused_in_words(network):
    with pytest.raises(ValueError, match=r"no layer 'nine'; there are: standardise, backbone"):
        run_until(network, "nine", IMAGES)
    with pytest.raises(ValueError, match=r"no layer ''"):
        run_until(network, "", IMAGES)
    with pytest.raises(ValueError, match=r"floats \[batch, channels, height, width\], not torch.uint8"):
        run(network, torch.zeros(1, 1, 16, 32, dtype=torch.uint8))
    with pytest.raises(ValueError, match="training mode"):
        run(network.train(), IMAGES)
    with pytest.raises(ValueError, match="does not reach layer 'head'"):
        run_until(Unreached().eval(), "head", IMAGES)
    with pytest.raises(ValueError, match=r"images \[1, 1, 1, 1\]: .*[Kk]ernel"):
        run(nn.Sequential(nn.Conv2d(1, 2, 3)).eval(), torch.rand(1, 1, 1, 1))
    with pytest.raises(ValueError, match=r"'1' gives tuple, not one tensor"):
        run_until(nn.Sequential(nn.Flatten(2), nn.LSTM(512, 4)).eval(), "1", IMAGES)


def test_units_out_of_range_are_named():
    output = torch.zeros(2, 4, 3, 3)
    check_units("backbone.0", torch.tensor([0, 3]), output)
    for wrong in (4, -1):
        with pytest.raises(ValueError, match=f"units 0 to 3, not {wrong}"):
            check_units("backbone.0", torch.tensor([0, wrong]), output)
    with pytest.raises(ValueError, match=r"'words' gives \[2, 4, 3\]"):
        check_units("words", torch.tensor([0]), output[..., 0])


class Unreached(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Conv2d(1, 2, 3), nn.Linear(2, 2)

    def forward(self, images):
        return self.body(images)
