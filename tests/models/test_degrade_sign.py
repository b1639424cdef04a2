import math

import numpy as np
import pytest
import torch

from models.degrade import Draw, ground, light, outline, relief, seeds_of
from models.degrade.noise_banks import WALLS, ground_bank
from models.degrade.sign import GROUNDED, LIT, OUTLINED, RAISED
from tests.models.test_degrade import alike, rows_of

KEYS = [f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(1, 201)]


def bars(channels: int = 1) -> torch.Tensor:
    """A black bar of ten pixels by twenty in the middle of white."""
    images = torch.ones(200, channels, 32, 64)
    images[..., 11:21, 22:42] = 0
    return images


def draw() -> Draw:
    return Draw(seeds_of(KEYS, 0))


STEPS = [
    (outline, "outline", OUTLINED),
    (relief, "relief", RAISED),
    (ground, "ground", GROUNDED),
    (light, "light", LIT),
]


@pytest.mark.parametrize(("step", "name", "fraction"), STEPS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_step_changes_its_fraction_of_the_crops(step, name: str, fraction: float, channels: int):
    images = bars(channels).mul(0.6).add(0.2)
    changed = step(images.clone(), draw(), alike(**{name: 0.5}))
    assert fraction - 0.1 < len(rows_of(changed, images)) / 200 < fraction + 0.1
    if channels == 3:
        assert torch.allclose(changed[:, 0], changed[:, 2], atol=1e-6)


def test_outlined_letters_have_a_contour_of_a_pixel_and_are_empty_inside():
    images = bars()
    made = outline(images.clone(), draw(), alike(outline=1.0))
    rows = rows_of(made, images)
    assert (made[rows][..., 10, 21:43] == 0).all() and (made[rows][..., 10:22, 21] == 0).all()
    inside = made[rows][..., 12:20, 23:41].flatten(1)
    assert torch.allclose(inside.amin(1), inside.amax(1)) and (inside >= 0.6 - 1e-6).all()
    outside = made[rows][..., 2, 2]
    assert (outside == 1).any() and 0.5 <= outside.min() < 0.8


def test_a_drop_shadow_falls_to_one_side_and_leaves_the_letter():
    images, numbers = bars(), draw()
    made = relief(images.clone(), numbers, alike(relief=1.0))
    dropped = [row for row in rows_of(made, images) if numbers.unit("carved")[row] >= 0.5]
    assert len(dropped) > 5
    for row in dropped:
        shade = (1 - made[row, 0]) * (images[row, 0] == 1)
        assert (made[row][images[row] == 0] == 0).all()
        angle = numbers.unit("relief-angle")[row] * 2 * math.pi
        across, down = ((shade.sum(dim) * torch.arange(size)).sum() / shade.sum() for dim, size in ((0, 64), (1, 32)))
        assert (across - 31.5) * math.cos(angle) + (down - 15.5) * math.sin(angle) > 1


def test_carved_letters_have_a_light_edge_across_from_a_dark_one():
    images, numbers = bars(), draw()
    made = relief(images.clone(), numbers, alike(relief=1.0))
    carved = [row for row in rows_of(made, images) if numbers.unit("carved")[row] < 0.5]
    assert len(carved) > 5
    for row in carved:
        wall = made[row, 0, 0, 0].item()
        assert wall == pytest.approx(1 - (0.2 + 0.4 * numbers.unit("stone")[row]), abs=1e-5)
        # The edges alone: from the dark one on one side to the light one on the other.
        angle = numbers.unit("relief-angle")[row] * 2 * math.pi
        edges = (made[row, 0] - wall) * (images[row, 0] == 1)
        towards = torch.arange(64) * math.cos(angle) + torch.arange(32)[:, None] * math.sin(angle)
        dark, lit = towards[edges < -0.1], towards[edges > 0.1]
        assert len(dark) and len(lit) and lit.mean() < dark.mean() - 5


def test_walls_have_bricks_and_a_mean_of_nothing():
    walls = ground_bank(1024, torch.device("cpu"))
    assert walls.shape == (1024, 1024) and torch.isfinite(walls).all()
    for number, (course, _, _, joint) in enumerate(WALLS):
        band = walls[number * 128 : number * 128 + 128]
        assert band.mean().item() == pytest.approx(0, abs=1e-4) and band.std().item() == pytest.approx(1, abs=1e-3)
        is_joint = torch.arange(128) % course < joint
        assert band[is_joint].mean() > band[~is_joint].mean() + 0.5
    white = torch.ones(200, 1, 32, 64)
    changed = ground(white.clone(), draw(), alike(ground=0.2))
    deviations = (changed - white)[rows_of(changed, white)].std((1, 2, 3))
    assert deviations.min() > 0.01 and deviations.max() < 0.2 * 2


def test_light_is_a_plane_with_at_most_one_glare():
    grey, numbers = torch.full((200, 1, 32, 64), 0.5), draw()
    lit = light(grey.clone(), numbers, alike(light=0.4))
    rows = rows_of(lit, grey)
    plain = [row for row in rows if numbers.unit("glare")[row] <= 0.5]
    for row in plain:
        # A plane: second differences vanish, and two ends are as far from the middle.
        assert lit[row, 0].diff(n=2, dim=1).abs().max() < 1e-6
        assert (lit[row, 0, 0, 0] + lit[row, 0, -1, -1]).item() == pytest.approx(1, abs=1e-5)
        slope = 0.4 * numbers.unit("light")[row]
        assert (lit[row] / 0.5 - 1).abs().max() <= slope * np.sqrt(2) + 1e-6
    assert 0.3 < len(plain) / len(rows) < 0.7
    assert (lit[rows] <= 0.5 * (1 + 0.4 * np.sqrt(2)) + 0.4).all()
