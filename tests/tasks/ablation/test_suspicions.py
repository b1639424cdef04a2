"""What maps say of two networks made by hand: one that looks in one place, one that looks everywhere."""

import pytest
import torch
from torch import nn

from tasks.ablation.suspicions import looks_of, moved, shift_between


class Place(nn.Module):
    """Reads how light one place is: label 1 where it is lighter than the picture's mean."""

    def __init__(self, row: int, column: int) -> None:
        super().__init__()
        self.row, self.column = row, column

    def forward(self, images):
        light = images[:, 0, self.row, self.column] - images.mean((1, 2, 3))
        return torch.stack([-light, light], dim=1)


class Anywhere(nn.Module):
    """Reads how light the lightest place is, wherever it is."""

    def forward(self, images):
        light = images.flatten(1).amax(1) - images.mean((1, 2, 3)) - 0.5
        return torch.stack([-light, light], dim=1)


def pictures(count=40):
    """Dark pictures of 30 x 40; every other one has a light spot of 3 x 3, in the middle."""
    images = 0.2 + 0.01 * torch.rand(count, 1, 30, 40, generator=torch.Generator().manual_seed(0))
    images[::2, :, 12:15, 19:22] = 0.95
    return images, (torch.arange(count) % 2 == 0).long()


def test_a_network_that_looks_in_one_place_fails_where_pictures_are_moved_and_its_map_stays():
    images, labels = pictures()
    found = looks_of(Place(13, 20).eval(), images, labels)
    assert found["follows"] < 0.2
    assert found["moved"] < 0.8  # the spot has left its place
    free = looks_of(Anywhere().eval(), images, labels)
    assert free["moved"] == 1 and free["around_misread"] is None
    spots = looks_of(Anywhere().eval(), images[::2], labels[::2])
    assert spots["follows"] == pytest.approx(1, abs=0.05)
    assert spots["around_right"] < 0.5  # the spot is in the middle, where heads are


def test_what_lies_around_the_head_is_told_for_misread_pictures_alone():
    images, labels = pictures()
    corner = looks_of(Place(1, 1).eval(), images, labels)
    assert corner["around_misread"] > 0.5 and corner["around_right"] > 0.5
    images[::2, :, 1, 1], images[1::2, :, 1, 1] = 0.95, 0.0
    assert looks_of(Place(1, 1).eval(), images, labels)["around_misread"] is None


@pytest.mark.parametrize("columns", [-3, 0, 4])
def test_moved_pictures_keep_their_size_and_their_border_goes_on(columns):
    images = torch.arange(20.0).repeat(2, 1, 6, 1)
    found = moved(images, columns)
    assert found.shape == images.shape
    assert found[0, 0, 0].tolist() == [min(19.0, max(0.0, value - columns)) for value in range(20)]


def test_the_shift_between_two_maps_is_found():
    maps = torch.rand(5, 8, 40, generator=torch.Generator().manual_seed(1))
    for by in (0, 2, 5):
        assert shift_between(maps, moved(maps[:, None], by)[:, 0], most=6).tolist() == [by] * 5
