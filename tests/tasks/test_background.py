"""Crops with no text: many kinds, seeded, and whole kinds held out."""

import numpy as np
import pytest

from tasks.background import KINDS, draw_background, kinds_of

SIZES = [(32, 128), (16, 48), (17, 33)]


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_every_kind_draws_at_every_size(kind: str, height: int, width: int) -> None:
    pixels = [draw_background(kind, np.random.default_rng(n), height=height, width=width) for n in range(6)]
    assert {(crop.shape, crop.dtype.name) for crop in pixels} == {((height, width), "uint8")}
    assert len({crop.tobytes() for crop in pixels}) > 1


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_seed_decides(kind: str) -> None:
    one, two = (draw_background(kind, np.random.default_rng(7), height=32, width=128) for _ in range(2))
    assert np.array_equal(one, two)


def test_whole_kinds_are_held_out() -> None:
    train, validation, unseen = (set(kinds_of(split)) for split in ("train", "validation", "test_unseen"))
    assert train == set(kinds_of("pool")) == set(kinds_of("test_seen"))
    assert not train & validation and not train & unseen and not validation & unseen
    assert train | validation | unseen == set(KINDS)
    assert len(KINDS) >= 12 and len(validation) >= 3 and len(unseen) >= 4


def test_contrast_varies() -> None:
    spread = [np.ptp(draw_background("bars", np.random.default_rng(n), height=32, width=128)) for n in range(60)]
    assert min(spread) >= 60 and max(spread) == 255
