import numpy as np
import pytest
import torch

from models.network import CropNet, folded
from models.settings import NetworkSettings
from tasks.explain.filters import first_filters

SETTINGS = NetworkSettings(channels=[4, 6], downsampling=1, attention=0, embedding=8, dropout=0.0)


def network_of(weights):
    """A network whose first filters are `weights[units, channels, 5, 5]`."""
    torch.manual_seed(0)
    network = CropNet(SETTINGS, labels=2, height=16, width=32, channels=weights.shape[1])
    with torch.no_grad():
        network.backbone[0].conv.weight.copy_(weights)
    return folded(network.eval())


def test_a_grey_filter_is_the_mark_that_it_answers_to_the_most():
    """Of two marks of ink on paper the one that the filter's picture shows gives the higher activation."""
    weights = torch.zeros(4, 1, 5, 5)
    weights[0, 0, :, 2], weights[0, 0, :, 0] = 1.0, -0.5
    network = network_of(weights)
    first, *_, plain = first_filters(network)
    assert (first.unit, first.colour, list(first.pictures)) == (0, None, ["filter"])
    shown = first.pictures["filter"][::12, ::12].astype(float)
    assert shown.shape == (5, 5)
    assert (shown[:, 2] < shown[:, 1]).all() and (shown[:, 0] > shown[:, 1]).all()
    assert np.ptp(plain.pictures["filter"]) == 0
    images = torch.ones(2, 1, 16, 32)
    images[0, 0, 4:9, 10:15] = torch.from_numpy(shown / 255).float()
    images[1, 0, 4:9, 10:15] = torch.from_numpy(shown / 255).float().T
    # Behind it are a normalisation (folded) and the ReLU: the highest activation of unit 0.
    best = network.backbone[0](network.standardise(images))[:, 0].amax((1, 2))
    assert best[0] > best[1] > 0


def test_in_colour_the_filters_that_answer_to_colours_alone_come_first():
    weights = torch.zeros(4, 3, 5, 5)
    weights[0] = 1.0  # brightness alone
    weights[1, 0], weights[1, 1] = 1.0, -1.0  # red against green
    weights[2, 2] = 1.0  # blue: a third of its power is brightness
    weights[3] = torch.linspace(-1, 1, 25).view(5, 5)
    found = first_filters(network_of(weights))
    assert [one.unit for one in found] == [1, 2, 0, 3]
    assert [one.colour for one in found] == pytest.approx([1, 2 / 3, 0, 0], abs=1e-4)
    red = found[0].pictures
    assert list(red) == ["filter", "brightness", "colour"] and red["colour"].shape[2] == 3
    assert np.ptp(red["brightness"]) == 0 and (red["filter"] == red["colour"]).all()
    # What it wants of red is shown dark, as ink: no red, much green.
    assert (red["colour"][..., 0] < 10).all() and (red["colour"][..., 1] > 245).all()
    assert np.ptp(found[2].pictures["colour"]) == 0
