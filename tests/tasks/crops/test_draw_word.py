"""Texts as pixels."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFont

from tasks.crops.draw_word import draw_word, open_font
from tests.tasks.crops.toysource import make_font_table


@pytest.fixture(scope="module")
def font(tmp_path_factory: pytest.TempPathFactory) -> ImageFont.FreeTypeFont:
    fonts: Path = make_font_table(tmp_path_factory.mktemp("fonts"))
    return open_font(pq.read_table(fonts)["font"][0].as_py(), 32)


def box_of(crop: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the ink."""
    rows, columns = np.flatnonzero((crop < 255).any(1)), np.flatnonzero((crop < 255).any(0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


chance = st.floats(0, 1, exclude_max=True, allow_nan=False)


@settings(max_examples=60)
@given(placement=st.lists(chance, min_size=4, max_size=4), text=st.text("iWgÀ", min_size=1, max_size=20))
def test_words_are_scaled_and_never_cut_or_squeezed(
    font: ImageFont.FreeTypeFont, placement: list[float], text: str
) -> None:
    crop = draw_word(font, text, placement, height=32, width=128)
    assert crop is not None
    ink = crop < 255
    assert not ink[:, 0].any() and not ink[:, -1].any()
    left, top, right, bottom = box_of(crop)
    height, width = bottom - top, right - left
    assert height <= 31
    left, top, right, bottom = font.getmask(text).getbbox()
    # Each side is rounded to a pixel, and the faintest edge may be lost.
    assert abs(height - width * (bottom - top) / (right - left)) <= 2 + 2 * (bottom - top) / (right - left)


def test_pixels_are_those_that_pillow_draws(font: ImageFont.FreeTypeFont) -> None:
    crop = draw_word(font, "Wig", [0.5, 0.5, 0.5, 0.5], height=32, width=128)
    assert crop is not None
    left, top, right, bottom = box_of(crop)
    canvas = Image.new("L", (400, 200), 255)
    canvas.paste(0, (0, 0), Image.Image()._new(font.getmask("Wig")))
    box = Image.eval(canvas, lambda grey: 255 - grey).getbbox()
    small = canvas.resize((right - left, bottom - top), Image.Resampling.HAMMING, box=box)
    assert np.abs(np.asarray(small, int) - crop[top:bottom, left:right]).max() <= 1


def test_nothing_to_see_is_no_crop(font: ImageFont.FreeTypeFont) -> None:
    assert draw_word(font, "\u00a0", [0.5] * 4, height=32, width=128) is None


def test_a_standing_text_is_a_column_of_its_letters(font: ImageFont.FreeTypeFont) -> None:
    crop = draw_word(font, "WWW", [0.9, 0.5, 0.5, 0.5], height=32, width=128, vertical=True)
    assert crop is not None and crop.shape == (32, 128)
    left, top, right, bottom = box_of(crop)
    assert bottom - top > 2 * (right - left) and bottom - top <= 31
    # Three letters one below the other: three runs of rows with ink.
    inked = (crop < 250).any(1).astype(int)
    assert (np.diff(inked, prepend=0) == 1).sum() == 3
