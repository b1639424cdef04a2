import numpy as np
import pytest
import torch
from torch import nn

from models.explain.deconv import project
from tasks.explain.channel_grid import GAP, GAP_GREY, VALUE, layer_grids, step_pictures


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 5, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 32, 3)).eval()


def test_a_grid_has_every_map_at_its_place(network):
    image = torch.rand(1, 1, 4, 8)
    maps, values = layer_grids(network, image)
    assert (maps.layer, maps.units, maps.columns) == ("1", 5, 3)
    assert maps.pixels.shape == (2 * 4 + GAP, 3 * 8 + 2 * GAP)
    expected = network[:2](image)[0].detach().numpy()
    assert maps.strongest == pytest.approx(expected.max())
    for unit, one in enumerate(expected):
        top, left = unit // 3 * (4 + GAP), unit % 3 * (8 + GAP)
        shown = maps.pixels[top : top + 4, left : left + 8].astype(float)
        assert np.abs(shown - 255 * (1 - one / expected.max())).max() <= 0.51
    assert (maps.pixels[4] == GAP_GREY).all() and (maps.pixels[5:, 2 * 9 :] == GAP_GREY).all()
    assert (values.units, values.pixels.shape) == (3, (2 * VALUE + GAP, 2 * VALUE + GAP))


def test_the_last_step_is_the_deconvnet_around_grey(network):
    image = torch.rand(1, 1, 4, 8)
    steps = step_pictures(network, image, layer="1", unit=2)
    assert [(step.does, step.channels, step.size) for step in steps] == [
        ("keep", 5, (4, 8)), ("rectify", 5, (4, 8)), ("filter", 1, (4, 8)),
    ]  # fmt: skip
    signal = project(network, image, layer="1", units=torch.tensor([2]))[0, 0].numpy()
    times = steps[-1].pixels.shape[0] // 4
    shown = steps[-1].pixels[::times, ::times].astype(float)
    assert np.abs(shown - 255 * (signal / (2 * np.abs(signal).max()) + 0.5)).max() <= 0.51
    kept = steps[0].pixels[::times, ::times]
    assert sorted(np.unique(kept)) == [0, 255] and (kept == 0).sum() == 1
