import pytest
import torch
from torch import nn

from models.explain.maximise.ascent import maximise
from models.explain.maximise.ascent_settings import PAPER, in_steps
from models.explain.maximise.canvas import Canvas
from models.explain.maximise.maximise_layer import CROP, OVERRIDDEN, RANDOM, centred, maximise_layer

CANVAS = Canvas(channels=1, height=12, width=16, neutral=0.5)
SETTINGS = {name: in_steps(PAPER[name], 24) for name in ("norm", "blur")}


def network_of(bias):
    """A convolution of two units with positive weights; `bias` of the first."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU()).eval()
    with torch.no_grad():
        network[0].weight.abs_()
        network[0].bias.copy_(torch.tensor([bias, 0.1]))
    return network


def test_units_with_a_gradient_are_optimised_as_by_maximise():
    network = network_of(0.1)
    found = maximise_layer(network, "1", [0, 1], canvas=CANVAS, settings=SETTINGS)
    plain = maximise(network, "1", [0, 1], canvas=CANVAS, settings=list(SETTINGS.values()))
    assert found.names == ["norm", "blur"] and found.start == [RANDOM] * 4
    assert torch.equal(found.ascent.best, plain.best)


def test_a_unit_silent_on_random_pixels_is_woken_by_its_closed_relu():
    network = network_of(-0.8)
    silent = maximise(network, "1", [0], canvas=CANVAS, settings=list(SETTINGS.values())).silent
    assert silent.all()
    found = maximise_layer(network, "1", [0, 1], canvas=CANVAS, settings=SETTINGS)
    assert found.start == [OVERRIDDEN, OVERRIDDEN, RANDOM, RANDOM]
    assert not found.ascent.silent.any() and (found.ascent.best_activation > 0).all()


def test_a_unit_that_no_gradient_wakes_starts_from_its_strongest_crop():
    """Tiny steps do not reach the threshold, with gradient override or not."""
    network = network_of(-1.0)
    with torch.no_grad():
        network[0].weight[0] = 0.0
        network[0].weight[0, 0, 1, 1] = 1.05
    white = torch.ones(1, 1, 12, 16)
    asked = []

    def crops(units):
        asked.append(units)
        return white.expand(len(units), -1, -1, -1)

    settings = {"norm": in_steps(PAPER["norm"], 24).model_copy(update={"rate": 1e-6, "progress": None})}
    assert maximise_layer(network, "1", [0], canvas=CANVAS, settings=settings).ascent.silent.all()
    found = maximise_layer(network, "1", [0, 1], canvas=CANVAS, settings=settings, crops=crops)
    assert asked == [[0]] and found.start == [CROP, RANDOM]
    # On white the unit is at 1.05 - 1.
    assert float(found.ascent.best_activation[0]) == pytest.approx(0.05, abs=1e-4)


def test_what_nothing_wakes_stays_silent():
    network = network_of(0.0)
    with torch.no_grad():
        network[0].weight[0], network[0].bias[0] = 0.0, -1.0
    found = maximise_layer(
        network, "1", [0], canvas=CANVAS, settings=SETTINGS, crops=lambda units: torch.ones(1, 1, 12, 16)
    )
    assert found.ascent.silent.all() and CROP not in found.start


def test_a_peak_is_moved_to_the_middle():
    image = torch.zeros(2, 1, 8, 16)
    image[0, 0, 2:4, 4:6] = 1.0  # position (1, 2) of a map of 4 x 8
    image[1, 0, 6:8, 14:16] = 1.0  # position (3, 7)
    moved = centred(image, torch.tensor([[1, 2], [3, 7]]), (4, 8))
    assert torch.equal(moved[0], moved[1])
    assert moved[0, 0, 4:6, 8:10].sum() == 4 and moved.sum() == 8
