"""Crops with no text: many kinds, seeded, and whole kinds held out."""

import numpy as np
import pytest
from numpy.random import Generator

from tasks.crop_table.kinds import kinds_of
from tasks.crops.backgrounds import kinds
from tasks.crops.backgrounds.from_glyphs import torn_fragment
from tasks.crops.backgrounds.glyph_ink import Face, Glyphs, Ink
from tasks.crops.backgrounds.kinds import ICON_KINDS, KINDS, TORN_KINDS, draw_background

SIZES = [(32, 128), (16, 48), (17, 33), (16, 256)]


class Strokes(Face):
    """A face without a font: crosses and bars of many sizes."""

    def __init__(self) -> None:
        self.points = [1]

    def draw(self, random: Generator) -> tuple[Ink, int]:
        ink = np.zeros((int(random.integers(8, 48)), int(random.integers(8, 48))), np.uint8)
        ink[len(ink) // 2 - 3 : len(ink) // 2 + 3] = 255
        ink[:, ink.shape[1] // 3 : ink.shape[1] // 3 + 4] = 255
        return ink, 48 - len(ink)


class Whole(Face):
    """A face with one picture."""

    def __init__(self, ink: Ink) -> None:
        self.ink = ink

    def draw(self, random: Generator) -> tuple[Ink, int]:
        return self.ink, 0


GLYPHS = Glyphs((Strokes(),), (Strokes(),))


def drawn(kind: str, seed: int, height: int = 32, width: int = 128) -> Ink:
    return draw_background(kind, np.random.default_rng(seed), height=height, width=width, glyphs=GLYPHS)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_every_kind_draws_at_every_size(kind: str, height: int, width: int) -> None:
    pixels = [drawn(kind, seed, height, width) for seed in range(6)]
    assert {(crop.shape, crop.dtype.name) for crop in pixels} == {((height, width), "uint8")}
    assert len({crop.tobytes() for crop in pixels}) > 1


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_seed_decides(kind: str) -> None:
    assert np.array_equal(drawn(kind, 7), drawn(kind, 7))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_hardly_any_crop_is_blank(kind: str) -> None:
    blank = [np.ptp(drawn(kind, seed)) == 0 for seed in range(60)]
    assert np.mean(blank) <= 0.05


def test_every_third_crop_is_a_short_piece_whose_ground_goes_on_at_its_sides() -> None:
    crops = [drawn("noise", seed) for seed in range(600)]
    even = [(crop[:, :20] == crop[:, :1]).all() and (crop[:, -20:] == crop[:, -1:]).all() for crop in crops]
    assert abs(np.mean(even) - 0.35) < 0.08
    widths = [128 - 2 * int(np.argmax((crop != crop[:, :1]).any(axis=0))) for crop in crops]
    short = np.array([wide for wide in widths if wide < 100])
    assert short.min() >= 0.5 * 32 and short.max() <= 2.3 * 32 and np.ptp(short) > 32


def test_surfaces_and_scenes_are_also_seen_from_nearer(monkeypatch: pytest.MonkeyPatch) -> None:
    def steps(crops: list[Ink]) -> float:
        """How often a crop changes from pixel to pixel: enlarged, less often."""
        return float(np.mean([np.abs(np.diff(crop.astype(int))).mean() / max(1, np.ptp(crop)) for crop in crops]))

    crops = [drawn("grid", seed) for seed in range(400)]
    monkeypatch.setattr(kinds, "NEAR", 0.0)
    far = [drawn("grid", seed) for seed in range(400)]
    changed = [one.tobytes() != other.tobytes() for one, other in zip(crops, far, strict=True)]
    assert abs(np.mean(changed) - 0.3) < 0.07
    monkeypatch.setattr(kinds, "NEAR", 1.0)
    assert steps([drawn("grid", seed) for seed in range(400)]) < 0.7 * steps(far)
    assert "bars" not in kinds.SEEN and {"bricks", "clouds"} <= kinds.SEEN


def test_whole_kinds_are_held_out() -> None:
    train, validation, unseen = (set(kinds_of(split)) for split in ("train", "validation", "test_unseen"))
    assert train == set(kinds_of("pool")) == set(kinds_of("test_seen"))
    assert not train & validation and not train & unseen and not validation & unseen
    assert train | validation | unseen == set(KINDS)
    assert len(KINDS) >= 40 and len(validation) >= 8 and len(unseen) >= 8
    for side in (train, validation, unseen):
        assert side & set(TORN_KINDS) and side & set(ICON_KINDS)


def test_kinds_that_need_fonts_are_left_out_where_there_are_none() -> None:
    for split in ("train", "validation", "test_unseen"):
        every = set(kinds_of(split))
        assert set(kinds_of(split, icons=False)) == every - set(ICON_KINDS)
        assert set(kinds_of(split, letters=False, icons=False)) == every - set(ICON_KINDS) - set(TORN_KINDS)


def test_a_kind_that_needs_fonts_says_so() -> None:
    with pytest.raises(ValueError, match="drawn with fonts"):
        draw_background("icon", np.random.default_rng(0), height=32, width=128, glyphs=Glyphs())


def test_torn_fragments_are_less_than_an_eighth_of_a_letter() -> None:
    slope = np.tile(np.arange(0, 240, 5, dtype=np.uint8), (48, 1))
    for seed in range(40):
        across, down = (
            float(np.ptp(torn_fragment(np.random.default_rng(seed), 32, 128, Glyphs((Whole(ink),)))) * 255 / 240)
            for ink in (slope, slope.T)
        )
        assert across <= 0.5 and down <= 0.25


def test_contrast_varies() -> None:
    spread = [np.ptp(drawn("bars", seed)) for seed in range(60)]
    assert min(spread) >= 60 and max(spread) == 255
