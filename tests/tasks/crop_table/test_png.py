"""Crops as PNG, and their keys."""

import io

import numpy as np
import pytest
from PIL import Image

from tasks.crop_table.png import decode_png, encode_png, key_of


def test_png_is_a_png_for_everyone() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (8, 12)).astype(np.uint8)
    with Image.open(io.BytesIO(encode_png(crop))) as image:
        assert image.mode == "L" and np.array_equal(np.asarray(image), crop)


@pytest.mark.parametrize("mode", ["L", "RGB", "1"])
def test_other_peoples_pngs_are_read_too(mode: str) -> None:
    image = Image.fromarray(np.arange(96, dtype=np.uint8).reshape(8, 12)).convert(mode)
    data = io.BytesIO()
    image.save(data, "PNG")  # with row filters, or three channels, or one bit
    assert np.array_equal(decode_png(data.getvalue()), np.asarray(image.convert("RGB" if mode == "RGB" else "L")))


def test_png_in_colour_is_one_for_everyone_and_comes_back() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (8, 12, 3)).astype(np.uint8)
    with Image.open(io.BytesIO(encode_png(crop))) as image:
        assert image.mode == "RGB" and np.array_equal(np.asarray(image), crop)
    assert np.array_equal(decode_png(encode_png(crop)), crop)
    assert key_of(crop) != key_of(crop[..., 0])
