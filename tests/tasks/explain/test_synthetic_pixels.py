from dataclasses import replace

import numpy as np
import pytest
import torch

from models.explain.maximise.canvas import Canvas
from tasks.explain.synthetic_pixels import enlarged, pixels_of_canvas


def canvas(channels=1):
    return Canvas(channels=channels, height=2, width=3, low=-2.0, high=3.0, neutral=0.0)


def test_the_range_is_black_to_white_and_what_lies_beyond_is_cut_off():
    images = torch.tensor([[[[-9.0, -2.0, -1.0], [0.5, 3.0, 70.0]]]])
    (shown,) = pixels_of_canvas(images, canvas())
    assert shown.dtype == np.uint8
    assert shown.tolist() == [[0, 0, 51], [128, 255, 255]]  # a fifth, and a half of the way: 127.5 is rounded


def test_ink_is_dark_where_high_values_are_ink():
    images = torch.tensor([[[[-2.0, -1.0, 3.0]]]])
    (shown,) = pixels_of_canvas(images, replace(canvas(), entry="standardise"))
    assert shown.tolist() == [[255, 204, 0]]


def test_a_faint_image_stays_faint():
    shown = pixels_of_canvas(torch.tensor([0.0, 0.1]).view(2, 1, 1, 1), canvas())
    assert [one.item() for one in shown] == [102, 107]


def test_colour_has_its_channels_last():
    images = torch.tensor([-2.0, 0.0, 3.0]).view(1, 3, 1, 1).expand(1, 3, 2, 1)
    (shown,) = pixels_of_canvas(images, canvas(channels=3))
    assert shown.tolist() == [[[0, 102, 255]], [[0, 102, 255]]]


def test_no_images_are_no_pictures():
    assert pixels_of_canvas(torch.empty(0, 1, 2, 3), canvas()) == []


@pytest.mark.parametrize("shape", [(1, 2, 3), (1, 2, 2, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="images must be"):
        pixels_of_canvas(torch.zeros(shape), canvas())


def test_what_was_never_found_is_no_picture():
    with pytest.raises(ValueError, match="do not exist"):
        pixels_of_canvas(torch.full((1, 1, 2, 3), torch.nan), canvas())


def test_few_pixels_become_squares():
    small = np.arange(4, dtype=np.uint8).reshape(2, 2)
    shown = enlarged(small)
    assert shown.shape == (64, 64)
    assert (shown == np.kron(small, np.ones((32, 32), dtype=np.uint8))).all()


@pytest.mark.parametrize(
    ("size", "wanted"), [((5, 5), (60, 60)), ((32, 41), (64, 82)), ((8, 64, 3), (16, 128, 3)), ((70, 9), (70, 9))]
)
def test_images_are_as_large_as_there_is_room_for(size, wanted):
    assert enlarged(np.zeros(size, dtype=np.uint8)).shape == wanted
