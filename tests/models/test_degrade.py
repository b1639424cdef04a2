import numpy as np
import pytest
import torch

from models.degrade import (
    SEVERITIES,
    STEPS,
    Draw,
    blur,
    degrade,
    seeds_at,
    seeds_of,
    splitmix64,
    stroke,
    warp,
)
from models.settings import DegradeSettings

NONE = DegradeSettings(**dict.fromkeys(DegradeSettings.model_fields, 0.0))
KEYS = [f"{number * 0x0123456789ABCDEF % 2**64:016x}" for number in range(1, 41)]


def crops(count: int = 40, height: int = 16, width: int = 48) -> torch.Tensor:
    return torch.rand(count, 1, height, width, generator=torch.Generator().manual_seed(1))


def only(**strengths: float) -> DegradeSettings:
    return NONE.model_copy(update=strengths)


def test_splitmix64_gives_the_published_sequence():
    # Reference output of Vigna's splitmix64.c from state 1234567: 6457827717110365317, 3203168211198807973
    golden = 0x9E3779B97F4A7C15
    states = [(1234567 + golden * n) % 2**64 for n in (1, 2)]
    values = torch.tensor([s - 2**64 if s >= 2**63 else s for s in states])
    assert [v % 2**64 for v in splitmix64(values).tolist()] == [6457827717110365317, 3203168211198807973]


def test_nothing_asked_for_is_the_identity_to_the_bit():
    images = crops()
    assert torch.equal(degrade(images, seeds_of(KEYS, 0), NONE), images)
    assert degrade(images, seeds_of(KEYS, 0), SEVERITIES["clean"]) is images


@pytest.mark.parametrize("severity", ["light", "medium", "heavy"])
def test_a_crop_becomes_the_same_in_whatever_batch_it_comes(severity: str):
    images, seeds, settings = crops(), seeds_of(KEYS, 3), SEVERITIES[severity]
    together = degrade(images, seeds, settings)
    order = torch.arange(39, -1, -1)
    turned = degrade(images[order], seeds[order], settings)[order]
    alone = torch.cat([degrade(images[i : i + 1], seeds[i : i + 1], settings) for i in range(40)])
    assert torch.equal(together, turned)
    assert torch.allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize("severity", ["light", "medium", "heavy"])
def test_what_comes_out_is_a_picture_in_range_and_not_the_one_that_went_in(severity: str):
    images = crops()
    degraded = degrade(images, seeds_of(KEYS, 0), SEVERITIES[severity])
    assert degraded.shape == images.shape
    assert degraded.dtype == torch.float32
    assert 0 <= degraded.min() <= degraded.max() <= 1
    assert (degraded - images).abs().mean() > 0.01


def test_severities_get_worse():
    images = crops()
    means = [(degrade(images, seeds_of(KEYS, 0), s) - images).abs().mean().item() for s in SEVERITIES.values()]
    assert means == sorted(means)
    assert len(set(means)) == 4


def test_epoch_run_and_crop_each_change_the_seeds():
    seeds = [seeds_of(KEYS, 0), seeds_of(KEYS, 1), seeds_of(KEYS, 0, seed=1)]
    assert len({value for part in seeds for value in part.tolist()}) == 3 * len(KEYS)
    assert torch.equal(seeds_at(torch.tensor([0x0123456789ABCDEF]), 1), seeds_of(KEYS[:1], 1))


@pytest.mark.parametrize("step", [step for step, _ in STEPS], ids=lambda step: step.__name__)
def test_every_step_acts_by_itself(step):
    images, draw = crops(), Draw(seeds_of(KEYS, 0))
    names = next(names for known, names in STEPS if known is step)
    acted = step(images, draw, only(**dict.fromkeys(names, 0.5)))
    assert acted.shape == images.shape
    assert (acted - images).abs().mean() > 0.005


def test_every_setting_belongs_to_a_step():
    assert sorted(name for _, names in STEPS for name in names) == sorted(DegradeSettings.model_fields)


def test_draws_are_uniform_and_their_names_independent():
    draw = Draw(splitmix64(torch.arange(20_000)))
    one, two = draw.unit("one"), draw.unit("two")
    assert one.mean().item() == pytest.approx(0.5, abs=0.01)
    assert one.var().item() == pytest.approx(1 / 12, abs=0.003)
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.03


def test_a_shift_moves_the_ink_by_its_share_of_the_width():
    image = torch.ones(1, 1, 16, 48)
    image[..., :, 20] = 0
    draw = Draw(seeds_of(KEYS[:1], 0))
    moved = warp(image, draw, only(shift=0.1))
    expected = 20 - draw.signed("shift-x", 0.1).item() * 48
    ink = 1 - moved[0, 0, 8]
    assert (ink * torch.arange(48)).sum() / ink.sum() == pytest.approx(expected, abs=0.05)


def test_stroke_thickens_or_thins_between_the_picture_and_its_neighbours_extremes():
    images, draw = crops(), Draw(seeds_of(KEYS, 0))
    changed = stroke(images, draw, only(stroke=1.0))
    amount = draw.signed("stroke", 1.0)
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1), mode="replicate")
    cross = torch.stack(
        [images, padded[..., :-2, 1:-1], padded[..., 2:, 1:-1], padded[..., 1:-1, :-2], padded[..., 1:-1, 2:]]
    )
    for row, much in enumerate(amount.tolist()):
        extreme = cross[:, row].amin(0) if much < 0 else cross[:, row].amax(0)
        blended = images[row] + abs(much) * (extreme - images[row])
        assert torch.allclose(changed[row], blended, atol=1e-6)


def test_blur_is_a_gaussian_of_the_drawn_width():
    spot = torch.zeros(1, 1, 31, 31)
    spot[..., 15, 15] = 1
    wide = max(KEYS, key=lambda key: Draw(seeds_of([key], 0)).unit("blur").item())
    draw = Draw(seeds_of([wide], 0))
    blurred = blur(spot, draw, only(blur=2.0))[0, 0]
    offsets = torch.arange(31) - 15
    deviation = (blurred.sum(0) * offsets**2).sum().sqrt().item()
    assert blurred.sum().item() == pytest.approx(1, abs=1e-5)
    assert deviation == pytest.approx(2 * draw.unit("blur").item(), rel=0.05)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="seeds"):
        degrade(crops(), seeds_of(KEYS[:3], 0), SEVERITIES["light"])
