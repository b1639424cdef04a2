from dataclasses import replace

import pytest
import torch
from torch import nn

from models.explain.maximise.canvas import Canvas, probes, whole, window_of
from models.explain.maximise.partial_network import ReluGradientOverride, partial_network
from models.network import CropNet
from models.settings import NetworkSettings


@pytest.mark.parametrize("relu", [nn.ReLU(), nn.ReLU(inplace=True), torch.relu, torch.relu_, torch.Tensor.relu])
def test_only_closed_samples_get_the_gradient_of_closed_relus(relu):
    leaf = torch.tensor([[-1.0, 2.0], [-1.0, 2.0]], requires_grad=True)
    with ReluGradientOverride(torch.tensor([True, False])):
        output = relu(leaf * 1)
    assert output.tolist() == [[0.0, 2.0], [0.0, 2.0]]
    output.sum().backward()
    assert leaf.grad.tolist() == [[1.0, 1.0], [0.0, 1.0]]


def reached(network, layer, entry=None):
    with partial_network(network, layer, shape=(1, 4, 4), entry=entry) as to_layer:
        return to_layer(torch.ones(2, 1, 4, 4))


def test_a_layer_that_does_not_run_and_one_without_units_are_said():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused, self.mean = nn.ReLU(), nn.Flatten(0)

        def forward(self, images):
            return self.mean(images)

    with pytest.raises(ValueError, match="does not reach layer 'unused'"):
        reached(Branches(), "unused")
    with pytest.raises(ValueError, match=r"'mean' gives no \[batch, units"):
        reached(Branches(), "mean")


def test_a_pass_of_somebody_else_s_is_not_stopped():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3))
    images = torch.ones(2, 1, 4, 4)
    with partial_network(network, "0", shape=(1, 4, 4), entry="0"):
        assert network(images).shape == (2, 3)


def test_pixels_take_the_place_of_the_entry_s_output():
    network = nn.Sequential(nn.Upsample(size=(9, 9)), nn.Flatten(), nn.Linear(16, 3))
    assert torch.equal(reached(network, "1", entry="0"), torch.ones(2, 16))
    assert "forward" not in vars(network[0])


def test_a_network_that_cannot_be_cut_gets_the_whole_image():
    """By way of its standardisation CropNet depends on all pixels, and it refuses images of another size."""
    torch.manual_seed(0)
    settings = NetworkSettings(channels=[4, 4, 6], downsampling=3, embedding=8, dropout=0.0)
    network, canvas = CropNet(settings, labels=3, height=32, width=64), Canvas(channels=1, height=32, width=64)
    with partial_network(network, "backbone.0", shape=canvas.shape) as to_layer:
        assert window_of(to_layer, canvas) == replace(whole(to_layer, canvas), field=5 * 5)


def test_a_neutral_value_outside_the_canvas_is_refused():
    with pytest.raises(ValueError, match="have no neutral value 2"):
        Canvas(channels=1, height=2, width=2, neutral=2.0)


CANVAS = Canvas(channels=1, height=32, width=64, low=-1.0, high=3.0, neutral=0.0)


def test_probes_fill_the_canvas_and_stay_the_same():
    assert torch.equal(probes(CANVAS), probes(CANVAS))
    assert probes(CANVAS).min() >= -1
    assert probes(CANVAS).max() <= 3
