import numpy as np
import pytest
import torch
from PIL import Image

from models.degrade import Draw, screen, seeds_of
from models.degrade.screen import ENLARGED, SCREENED, in_subpixels
from tests.models.test_degrade import alike, crops, rows_of

KEYS = [f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(1, 121)]


def test_what_is_set_small_is_enlarged_as_pillow_does():
    images, draw = crops(120), Draw(seeds_of(KEYS, 0))
    made = screen(images.clone(), draw, alike(screen=0.6))
    rows = rows_of(made, images)
    assert SCREENED - 0.1 < len(rows) / 120 < SCREENED + 0.1
    compared = 0
    for row in rows:
        method = ENLARGED[draw.whole("enlarged", len(ENLARGED))[row]]
        if draw.unit("fringed")[row] < 0.5 or method != "nearest-exact":
            continue
        kept = 1 - 0.6 * (1 + draw.whole("screen", 3)[row]) / 3
        picture = Image.fromarray(images[row, 0].numpy())
        small = picture.resize((round(48 * kept), round(16 * kept)), Image.Resampling.BILINEAR)
        back = np.asarray(small.resize((48, 16), Image.Resampling.NEAREST))
        # Where a pixel's middle falls between two small ones, either is nearest.
        assert (np.abs(made[row, 0].numpy() - back) > 1e-3).mean() < 0.1
        compared += 1
    assert compared > 3


def test_subpixels_move_red_left_and_blue_right_by_a_third_and_grey_is_their_brightness():
    ramp = (torch.arange(30) / 30.0).expand(2, 3, 4, 30)
    moved = (in_subpixels(ramp, torch.full((2, 1, 1, 1), 1 / 3)) - ramp)[..., 1:-1].mean((0, 2, 3))
    assert moved.tolist() == pytest.approx([-1 / 90, 0, 1 / 90], abs=1e-6)
    grey, third = crops(3), torch.tensor([0.0, 0.3, 0.8]).view(3, 1, 1, 1)
    colours = in_subpixels(grey.expand(-1, 3, -1, -1), third)
    luma = 0.299 * colours[:, 0] + 0.587 * colours[:, 1] + 0.114 * colours[:, 2]
    assert torch.allclose(in_subpixels(grey, third)[:, 0], luma, atol=1e-6)


def test_no_crop_of_a_batch_may_come_from_a_screen():
    images = crops(1)
    for key in KEYS[:20]:
        assert torch.isfinite(screen(images.clone(), Draw(seeds_of([key], 0)), alike(screen=0.5))).all()
