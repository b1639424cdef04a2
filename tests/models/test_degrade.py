import colorsys
import hashlib
import io
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.degrade import (
    COLOURS,
    SEVERITIES,
    STEPS,
    Draw,
    blur,
    colour,
    colours_of,
    degrade,
    invert,
    motion,
    resolution,
    seeds_at,
    seeds_of,
    shadow,
    splitmix64,
    stroke,
    warp,
)
from models.degrade.ink import INKS
from models.degrade.jpeg import compressed
from models.degrade.strengths import FRACTIONS, Strengths, kinds_of
from models.settings import SEVERITY_NAMES, AugmentSettings, DegradeSettings
from tasks.common.params import read_params

NONE = DegradeSettings(**dict.fromkeys(DegradeSettings.model_fields, 0.0))
KEYS = [f"{number * 0x0123456789ABCDEF % 2**64:016x}" for number in range(1, 41)]


def crops(count: int = 40, height: int = 16, width: int = 48, channels: int = 1) -> torch.Tensor:
    return torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(1))


def only(**strengths: float) -> DegradeSettings:
    return NONE.model_copy(update=strengths)


def alike(**strengths: float) -> Strengths:
    """The same for every crop of any batch."""
    return Strengths([only(**strengths)], np.zeros(1, np.int64))


def test_splitmix64_gives_the_published_sequence():
    # Reference output of Vigna's splitmix64.c from state 1234567: 6457827717110365317, 3203168211198807973
    golden = 0x9E3779B97F4A7C15
    states = np.array([(1234567 + golden * n) % 2**64 for n in (1, 2)], np.uint64)
    assert splitmix64(states).tolist() == [6457827717110365317, 3203168211198807973]


def test_nothing_asked_for_is_the_identity_to_the_bit():
    images = crops()
    assert torch.equal(degrade(images, seeds_of(KEYS, 0), NONE), images)
    assert degrade(images, seeds_of(KEYS, 0), SEVERITIES["clean"]) is images


@pytest.mark.parametrize("severity", ["light", "medium", "heavy", "scan"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_crop_becomes_the_same_in_whatever_batch_it_comes(severity: str, channels: int):
    images, seeds, settings = crops(channels=channels), seeds_of(KEYS, 3), SEVERITIES[severity]
    together = degrade(images, seeds, settings)
    order = torch.arange(39, -1, -1)
    turned = degrade(images[order], seeds[order], settings)[order]
    alone = torch.cat([degrade(images[i : i + 1], seeds[i : i + 1], settings) for i in range(40)])
    assert torch.equal(together, turned)
    assert torch.allclose(together, alone, atol=1e-5)


def test_many_crops_are_degraded_as_few_are():
    images, seeds = crops(300), seeds_of([f"{number:064x}" for number in range(300)], 0)
    images = images.flip(0)
    whole = degrade(images, seeds, SEVERITIES["medium"])
    assert torch.allclose(whole[250:], degrade(images[250:], seeds[250:], SEVERITIES["medium"]), atol=1e-5)


@pytest.mark.parametrize("severity", ["light", "medium", "heavy", "scan"])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_comes_out_is_a_picture_in_range_and_not_the_one_that_went_in(severity: str, channels: int):
    images = crops(channels=channels)
    before = images.clone()
    degraded = degrade(images, seeds_of(KEYS, 0), SEVERITIES[severity])
    assert torch.equal(images, before)
    assert degraded.shape == images.shape
    assert degraded.dtype == torch.float32
    assert 0 <= degraded.min() <= degraded.max() <= 1
    assert (degraded - images).abs().mean() > 0.01


def test_severities_get_worse():
    images = crops()
    worse = [SEVERITIES[name] for name in ("clean", "light", "medium", "heavy")]
    means = [(degrade(images, seeds_of(KEYS, 0), s) - images).abs().mean().item() for s in worse]
    assert means == sorted(means)
    assert len(set(means)) == 4


def test_epoch_run_and_crop_each_change_the_seeds():
    seeds = [seeds_of(KEYS, 0), seeds_of(KEYS, 1), seeds_of(KEYS, 0, seed=1)]
    assert len({value for part in seeds for value in part.tolist()}) == 3 * len(KEYS)
    assert torch.equal(seeds_at(torch.tensor([0x0123456789ABCDEF]), 1), seeds_of(KEYS[:1], 1))


@pytest.mark.parametrize("step", [step for step, _ in STEPS], ids=lambda step: step.__name__)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_step_acts_by_itself_and_leaves_the_crops_alone(step, channels: int):
    images = crops(channels=channels)
    before = images.clone()
    names = next(names for known, names in STEPS if known is step)
    acted = degrade(images, seeds_of(KEYS, 0), only(**dict.fromkeys(names, 0.4)))
    assert acted.shape == images.shape
    assert (acted - images).abs().mean() > 0.002
    assert torch.equal(images, before)


@pytest.mark.parametrize("severity", ["heavy", "scan"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_step_that_acts_on_no_crop_of_a_batch_is_no_trouble(severity: str, channels: int):
    for number in range(40):
        one = degrade(crops(1, channels=channels), seeds_of(KEYS[number : number + 1], 0), SEVERITIES[severity])
        assert torch.isfinite(one).all()


def test_every_setting_belongs_to_a_step():
    assert sorted(name for _, names in STEPS for name in names) == sorted(DegradeSettings.model_fields)


def test_draws_are_uniform_and_their_names_independent():
    draw = Draw(torch.from_numpy(splitmix64(np.arange(20_000, dtype=np.uint64)).view(np.int64)))
    one, two = draw.unit("one"), draw.unit("two")
    assert one.mean().item() == pytest.approx(0.5, abs=0.01)
    assert one.var().item() == pytest.approx(1 / 12, abs=0.003)
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.03


def test_random_numbers_do_not_depend_on_those_before():
    seeds = seeds_of(KEYS, 0)
    one, other = Draw(seeds), Draw(seeds)
    first = one.unit("first")
    other.unit("one never heard of")
    assert np.array_equal(other.unit("first"), first)
    assert np.array_equal(other.bits("one never heard of"), one.bits("one never heard of"))


def test_the_names_that_a_draw_had_before_there_were_more_steps_still_give_the_same_numbers():
    # Computed with Python's whole numbers from the key, by the published functions.
    def mixed(value: int) -> int:
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
        return value ^ (value >> 31)

    golden = 0x9E3779B97F4A7C15
    run = (5 * 0xBF58476D1CE4E5B9 + 3) * golden % 2**64
    seed = mixed((int(KEYS[0][:16], 16) + mixed(run)) % 2**64)
    expected = mixed((seed + zlib.crc32(b"rotation") * golden) % 2**64)
    draw = Draw(seeds_of(KEYS[:1], 3, seed=5))
    assert int(draw.bits("rotation")[0]) == expected
    assert draw.unit("rotation")[0] == (expected >> 40) / 2**24


def test_a_shift_moves_the_ink_by_its_share_of_the_width():
    image = torch.ones(1, 1, 16, 48)
    image[..., :, 20] = 0
    draw = Draw(seeds_of(KEYS[:1], 0))
    moved = warp(image, draw, alike(shift=0.1))
    expected = 20 - draw.signed("shift-x", 0.1).item() * 48
    ink = 1 - moved[0, 0, 8]
    assert (ink * torch.arange(48)).sum() / ink.sum() == pytest.approx(expected, abs=0.05)


def test_stroke_thickens_or_thins_between_the_picture_and_its_neighbours_extremes():
    images, draw = crops(), Draw(seeds_of(KEYS, 0))
    changed = stroke(images, draw, alike(stroke=1.0))
    amount = draw.signed("stroke", 1.0)
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1), mode="replicate")
    cross = torch.stack(
        [images, padded[..., :-2, 1:-1], padded[..., 2:, 1:-1], padded[..., 1:-1, :-2], padded[..., 1:-1, 2:]]
    )
    for row, much in enumerate(amount.tolist()):
        extreme = cross[:, row].amin(0) if much < 0 else cross[:, row].amax(0)
        blended = images[row] + abs(much) * (extreme - images[row])
        assert torch.allclose(changed[row], blended, atol=1e-6)


def test_blur_is_a_gaussian_of_the_sampled_width():
    spot = torch.zeros(1, 1, 31, 31)
    spot[..., 15, 15] = 1
    wide = max(KEYS, key=lambda key: Draw(seeds_of([key], 0)).unit("blur").item())
    draw = Draw(seeds_of([wide], 0))
    blurred = blur(spot, draw, alike(blur=2.0))[0, 0]
    offsets = torch.arange(31) - 15
    deviation = (blurred.sum(0) * offsets**2).sum().sqrt().item()
    assert blurred.sum().item() == pytest.approx(1, abs=1e-5)
    assert deviation == pytest.approx(2 * draw.unit("blur").item(), rel=0.05)


def rows_of(degraded: torch.Tensor, images: torch.Tensor) -> list[int]:
    """The crops that a step changed."""
    return (degraded != images).flatten(1).any(1).nonzero()[:, 0].tolist()


def test_perspective_enlarges_one_side():
    # Stripes 8 pixels apart: nearer together on the far side.
    image = (torch.arange(96) % 8 < 4).float().view(1, 1, 1, 96).expand(1, 1, 16, 96)
    tilted = max(KEYS, key=lambda key: Draw(seeds_of([key], 0)).unit("perspective-x")[0])
    draw = Draw(seeds_of([tilted], 0))
    line = warp(image, draw, alike(perspective=0.4))[0, 0, 8]
    edges = ((line[1:] > 0.5) != (line[:-1] > 0.5)).nonzero()[:, 0]
    gaps = (edges[1:] - edges[:-1]).float()
    assert draw.signed("perspective-x", 0.4)[0] > 0.3
    assert gaps[-3:].mean() > 1.5 * gaps[:3].mean()


def test_motion_smears_a_spot_along_a_line_and_keeps_its_ink():
    spots = torch.zeros(40, 1, 31, 31)
    spots[..., 15, 15] = 1
    draw, settings = Draw(seeds_of(KEYS, 0)), alike(motion=6.0)
    moved = motion(spots.clone(), draw, settings)
    # Of the long ones the one nearest to the horizontal, where whole pixels lie on the line.
    long = [row for row in rows_of(moved, spots) if draw.unit("motion")[row] > 0.4]
    row = min(long, key=lambda row: np.sin(draw.unit("motion-angle")[row] * np.pi))
    assert moved.sum((1, 2, 3)).tolist() == pytest.approx([1] * 40, abs=1e-4)
    offsets = torch.arange(31) - 15.0
    x2 = (moved[row, 0] * offsets**2).sum().item()
    y2 = (moved[row, 0] * offsets[:, None] ** 2).sum().item()
    xy = (moved[row, 0] * offsets * offsets[:, None]).sum().item()
    # The variance along a smear of length L is L²/12; linear interpolation adds 1/6.
    length = 6 * draw.unit("motion")[row]
    assert x2 + y2 == pytest.approx(length**2 / 12 + 1 / 6, rel=0.4)
    angle = 0.5 * np.arctan2(2 * xy, x2 - y2) % np.pi
    turn = abs(angle - draw.unit("motion-angle")[row] * np.pi)
    assert min(turn, np.pi - turn) < 0.3


def test_lost_resolution_is_pillows():
    images, draw = crops(), Draw(seeds_of(KEYS, 0))
    degraded = resolution(images.clone(), draw, alike(resolution=0.5))
    changed = rows_of(degraded, images)
    assert 4 < len(changed) < 20
    for row in changed:
        loss = 0.5 * (1 + draw.whole("resolution", 4)[row]) / 4
        picture = Image.fromarray(images[row, 0].numpy())
        small = picture.resize((round(48 * (1 - loss)), round(16 * (1 - loss))), Image.Resampling.BILINEAR)
        back = np.asarray(small.resize((48, 16), Image.Resampling.BILINEAR))
        np.testing.assert_allclose(degraded[row, 0], back, atol=1e-3)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
@pytest.mark.parametrize("quality", [10, 40, 75, 95])
def test_jpeg_is_pillows(channels: int, mode: str, quality: int):
    smooth = degrade(crops(8, 20, 52, channels), seeds_of(KEYS[:8], 0), only(blur=1.5))
    pixels = (smooth * 255).round().to(torch.uint8)
    mine = compressed(pixels.float() / 255, np.full(8, float(quality))) * 255
    for row in range(8):
        file = io.BytesIO()
        shown = pixels[row].permute(1, 2, 0).squeeze().numpy()
        Image.fromarray(shown, mode).save(file, "JPEG", quality=quality, subsampling=0)
        with Image.open(file) as image:
            theirs = torch.from_numpy(np.array(image)).view(20, 52, channels).permute(2, 0, 1)
        # Theirs rounds colours and waves to whole numbers on the way, which tips some over to the next step.
        lost = (theirs.float() - pixels[row]).abs().mean()
        assert (mine[row] - theirs).abs().mean() < 0.2 * lost + 1.5


def test_a_shadow_only_darkens_and_has_a_soft_edge():
    white, draw = torch.ones(40, 1, 16, 48), Draw(seeds_of(KEYS, 0))
    shaded = shadow(white.clone(), draw, alike(shadow=0.6))
    assert shaded.max() <= 1 + 1e-6 and shaded.min() >= 0.4 - 1e-6
    changed = rows_of(shaded, white)
    assert 5 < len(changed) < 25
    for row in changed:
        deepest = 0.6 * draw.unit("shadow")[row]
        assert 1 - shaded[row].min() <= deepest + 1e-6


def test_colours_are_the_inks_that_their_labels_name():
    page = torch.ones(40, 3, 4, 4)
    page[:, :, 0] = 0
    seeds, settings = seeds_of(KEYS, 0), only(colour=1.0)
    printed, labels = colour(page, Draw(seeds), alike(colour=1.0)), colours_of(seeds, settings)
    assert len(set(labels.tolist())) > 5
    for row, label in enumerate(labels.tolist()):
        ink = printed[row, :, 0, 0].numpy()
        nearest = min(INKS, key=lambda name: np.abs(ink - INKS[name]).max())
        assert nearest == COLOURS[label]
        assert printed[row, :, 1].min() >= 0.8 - 1e-6


def test_what_is_not_printed_in_colour_is_black_on_white():
    page = crops(channels=3)
    seeds, settings = seeds_of(KEYS, 0), only(colour=0.3)
    plain = [row for row in range(40) if row not in rows_of(colour(page, Draw(seeds), alike(colour=0.3)), page)]
    assert 20 < len(plain) < 40
    assert {COLOURS[label] for label in colours_of(seeds, settings)[plain].tolist()} == {"black"}
    assert (colours_of(seeds, None) == COLOURS.index("black")).all()
    assert list(COLOURS) == sorted(COLOURS)


def test_one_channel_is_the_brightness_of_three():
    seeds, settings = seeds_of(KEYS, 0), alike(colour=1.0)
    grey = crops()
    three = colour(grey.expand(-1, 3, -1, -1), Draw(seeds), settings)
    one = colour(grey, Draw(seeds), settings)
    luma = 0.299 * three[:, 0] + 0.587 * three[:, 1] + 0.114 * three[:, 2]
    assert torch.allclose(one[:, 0], luma, atol=1e-6)


def test_inversion_turns_lightness_and_keeps_hue():
    images = crops(channels=3)
    turned = invert(images, Draw(seeds_of(KEYS, 0)), alike(invert=1.0))
    for row in range(3):
        for before, after in zip(
            images[row].flatten(1).T.tolist()[:20], turned[row].flatten(1).T.tolist(), strict=False
        ):
            hue, light, _ = colorsys.rgb_to_hls(*before)
            other_hue, other_light, _ = colorsys.rgb_to_hls(*after)
            assert (other_hue, other_light) == pytest.approx((hue, 1 - light), abs=1e-4)


def test_the_severities_are_frozen():
    # Metrics of different times are compared on them. Nobody has reason to edit this.
    names = ["rotation", "shear", "scale", "shift", "perspective", "bend", "stroke", "colour", "texture", "contrast"]
    names += ["invert", "shadow", "motion", "blur", "resolution", "noise", "jpeg"]
    of_scans = ["wear", "halftone", "show_through", "speckle", "binarise"]
    frozen = {
        "light": [1.5, 0.08, 0.08, 0.02, 0.04, 0.0, 0.2, 0.25, 0.1, 0.3, 0.1, 0.15, 0.8, 0.6, 0.15, 0.03, 0.4],
        "medium": [3.0, 0.16, 0.15, 0.04, 0.08, 0.3, 0.35, 0.5, 0.2, 0.5, 0.2, 0.35, 1.6, 1.0, 0.3, 0.06, 0.7],
        "heavy": [6.0, 0.3, 0.25, 0.08, 0.16, 0.6, 0.6, 0.75, 0.4, 0.7, 0.4, 0.6, 3.0, 1.6, 0.45, 0.12, 0.9],
        "scan": [1.0, 0.04, 0.08, 0.02, 0.0, 0.2, 0.4, 0.0, 0.08, 0.3, 0.0, 0.0, 0.0, 0.6, 0.4, 0.02, 0.4],
    }
    scans = [0.18, 0.25, 0.25, 0.025, 0.2]
    assert tuple(SEVERITIES) == SEVERITY_NAMES == ("clean", *frozen)
    for severity, values in frozen.items():
        own = dict(zip(names, values, strict=True)) | (
            dict(zip(of_scans, scans, strict=True)) if severity == "scan" else {}
        )
        assert {name: value for name, value in SEVERITIES[severity].model_dump().items() if value} == {
            name: value for name, value in own.items() if value
        }


# Written down by the code before there were scans: of values in 16 steps, which the last bits do not reach.
BEFORE = {
    ("light", 1): "52344c9ce00a7a31",
    ("medium", 1): "641f119a9ebaa636",
    ("heavy", 1): "91d30091c13062d9",
    ("light", 3): "97123787d3a3f7e7",
    ("medium", 3): "530c95a971c6560d",
    ("heavy", 3): "0736dc4e4516f8fc",
}


@pytest.mark.parametrize(("severity", "channels"), BEFORE)
def test_the_severities_give_the_pictures_that_they_gave_before_there_were_more_steps(severity: str, channels: int):
    degraded = degrade(crops(channels=channels), seeds_of(KEYS, 0), SEVERITIES[severity])
    coarse = (degraded * 15).round().to(torch.uint8).numpy()
    assert hashlib.sha256(coarse.tobytes()).hexdigest()[:16] == BEFORE[severity, channels]


def trained(**settings: float) -> AugmentSettings:
    return AugmentSettings(**NONE.model_dump() | settings)


def test_training_degrades_fractions_of_the_crops_as_scans_and_strongly():
    seeds = torch.from_numpy(splitmix64(np.arange(4000, dtype=np.uint64)).view(np.int64))
    settings = trained(blur=1.0, colour=0.3, invert=0.5, wear=0.3, noise=0.2, strong=0.3, scan=0.2)
    strengths = Strengths.of_batch(settings, Draw(seeds))
    scans, strong = strengths.each("wear") == 0.3, strengths.each("blur") == SEVERITIES["heavy"].blur
    assert scans.mean() == pytest.approx(0.2, abs=0.03) and strong.mean() == pytest.approx(0.3, abs=0.03)
    assert not (scans & strong).any()
    assert set(strengths.each("wear")) == {0, 0.3}
    assert set(strengths.each("invert")[scans]) == {0} and set(strengths.each("invert")[~scans]) == {0.5}
    assert set(strengths.each("noise")) == {0.2}  # above heavy's already
    assert set(strengths.each("jpeg")) == {0}  # what is off stays off


def test_no_strength_of_heavy_is_beyond_training():
    settings = read_params(Path("params.yaml")).degrade
    _, strong, _ = kinds_of(settings)
    for name, strength in SEVERITIES["heavy"].model_dump().items():
        assert name in FRACTIONS or getattr(strong, name) >= strength


def test_training_degrades_a_crop_the_same_in_any_batch_and_colours_know_the_scans():
    seeds, images = seeds_of(KEYS, 2), crops(channels=3)
    settings = trained(**SEVERITIES["medium"].model_dump() | SEVERITIES["scan"].model_dump()).model_copy(
        update={"colour": 1.0, "strong": 0.4, "scan": 0.4, "motion": 1.0}
    )
    together = degrade(images, seeds, settings)
    alone = torch.cat([degrade(images[i : i + 1], seeds[i : i + 1], settings) for i in range(40)])
    assert torch.allclose(together, alone, atol=1e-5)
    scans = Draw(seeds).unit("kind") < 0.4
    labels = colours_of(seeds, settings)
    assert {COLOURS[label] for label in labels[torch.from_numpy(scans)].tolist()} == {"black"}
    assert (labels[torch.from_numpy(~scans)] != COLOURS.index("black")).any()


def test_without_scans_and_strong_crops_training_is_what_its_strengths_say():
    settings = trained(blur=1.0, motion=1.0, wear=0.3)
    expected = degrade(crops(), seeds_of(KEYS, 0), only(blur=1.0, motion=1.0))
    assert torch.equal(degrade(crops(), seeds_of(KEYS, 0), settings), expected)
    with pytest.raises(ValueError, match="at most 1"):
        trained(strong=0.6, scan=0.6)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="seeds"):
        degrade(crops(), seeds_of(KEYS[:3], 0), SEVERITIES["light"])
