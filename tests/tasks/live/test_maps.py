import numpy as np
import pytest
import torch

from tasks.live.maps import grid_of, signed_pixels


def test_a_layer_is_scaled_by_its_highest_value():
    maps = torch.tensor([[[0.0, 1.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 3.0]]])
    grid = grid_of(maps, contrast="layer")
    assert not grid.signed and grid.scale == 4 and grid.side == 2
    assert grid.pixels.tolist() == [[[0, 64], [128, 255]], [[0, 0], [0, 191]]]


def test_each_unit_may_have_a_contrast_of_its_own():
    maps = torch.tensor([[[1.0, 4.0]], [[0.0, 0.5]], [[0.0, 0.0]]])
    assert grid_of(maps, contrast="unit").pixels.tolist() == [[[64, 255]], [[0, 255]], [[0, 0]]]


def test_negative_values_are_below_the_middle():
    grid = grid_of(torch.tensor([[[-2.0]], [[0.0]], [[1.0]]]), contrast="layer")
    assert grid.signed and grid.pixels.ravel().tolist() == [1, 128, 192]


@pytest.mark.parametrize(("units", "side"), [(256, 16), (64, 8), (29, 6), (1, 1)])
def test_a_grid_is_as_wide_as_it_is_high(units, side):
    assert grid_of(torch.zeros(units, 1, 1), contrast="layer").side == side


def test_large_maps_are_averaged_down_to_the_most_pixels():
    maps = torch.arange(2 * 8 * 8, dtype=torch.float32).reshape(2, 8, 8)
    grid = grid_of(maps, contrast="layer", most=2 * 4 * 4)
    wanted = maps.numpy().reshape(2, 4, 2, 4, 2).mean((2, 4))
    assert grid.pixels.shape == (2, 4, 4)
    assert grid.pixels == pytest.approx(np.rint(wanted / wanted.max() * 255), abs=1)


def test_what_is_no_number_is_zero():
    maps = torch.tensor([[[float("nan"), float("inf"), 1.0]]])
    assert grid_of(maps, contrast="layer").pixels.ravel().tolist() == [0, 0, 255]


def test_an_attribution_is_the_sum_of_its_channels_about_grey():
    values = torch.tensor([[[1.0, -3.0, 0.0]], [[1.0, -1.0, 0.0]]])
    assert signed_pixels(values).tolist() == [[192, 1, 128]]
    assert signed_pixels(torch.zeros(1, 2, 2)).tolist() == [[128, 128]] * 2
