"""Texts as pixels."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFont

from tasks.crops.cut import Cut
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


MIDDLE = Cut(0.8, 0.5, 0.5, 0.5)
LINE = "Wig iWig WWi gig iWW"

chance = st.floats(0, 1, exclude_max=True, allow_nan=False)


@settings(max_examples=60)
@given(numbers=st.lists(chance, min_size=4, max_size=4), text=st.text("iWgÀ", min_size=1, max_size=20))
def test_words_are_scaled_and_never_cut_or_squeezed(
    font: ImageFont.FreeTypeFont, numbers: list[float], text: str
) -> None:
    fill, across, upright, margin = numbers
    crop = draw_word(font, text, Cut(0.6 + 0.35 * fill, across, upright, margin), height=32, width=128)
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
    crop = draw_word(font, "Wig", MIDDLE, height=32, width=128)
    assert crop is not None
    left, top, right, bottom = box_of(crop)
    canvas = Image.new("L", (400, 200), 255)
    canvas.paste(0, (0, 0), Image.Image()._new(font.getmask("Wig")))
    box = Image.eval(canvas, lambda grey: 255 - grey).getbbox()
    small = canvas.resize((right - left, bottom - top), Image.Resampling.HAMMING, box=box)
    assert np.abs(np.asarray(small, int) - crop[top:bottom, left:right]).max() <= 1


def test_nothing_to_see_is_no_crop(font: ImageFont.FreeTypeFont) -> None:
    assert draw_word(font, "\u00a0", MIDDLE, height=32, width=128) is None


def test_a_standing_text_is_a_column_of_its_letters(font: ImageFont.FreeTypeFont) -> None:
    crop = draw_word(font, "WWW", MIDDLE._replace(fill=0.9), height=32, width=128, vertical=True)
    assert crop is not None and crop.shape == (32, 128)
    left, top, right, bottom = box_of(crop)
    assert bottom - top > 2 * (right - left) and bottom - top <= 31
    # Three letters one below the other: three runs of rows with ink.
    inked = (crop < 250).any(1).astype(int)
    assert (np.diff(inked, prepend=0) == 1).sum() == 3
    assert draw_word(font, "\u00a0", MIDDLE._replace(window=True), height=32, width=128) is None


def line_at(font: ImageFont.FreeTypeFont, height: float) -> np.ndarray:
    """The whole line, its ink `height` pixels high."""
    mask = font.getmask(LINE)
    left, top, right, bottom = mask.getbbox()
    size = round((right - left) * height / (bottom - top)), round(height)
    small = mask.resize(size, Image.Resampling.HAMMING, (left, top, right, bottom))
    return np.array(small, np.uint8).reshape(small.size[::-1])


@pytest.mark.parametrize("degrees", [-15.0, 8.0])
def test_a_word_on_a_slope_rises_by_that_angle_and_is_whole(font: ImageFont.FreeTypeFont, degrees: float) -> None:
    crop = draw_word(font, "WWWWWWWW", MIDDLE._replace(slope=degrees), height=64, width=512)
    assert crop is not None
    left, top, right, bottom = box_of(crop)
    assert 0 < left < right < 512 and 0 < top < bottom < 64
    rows, columns = np.nonzero(crop < 128)
    rises = np.polyfit(columns, -rows, 1)[0]
    assert np.rad2deg(np.arctan(rises)) == pytest.approx(degrees, abs=1.5)


@pytest.mark.parametrize(("what", "size"), [("lean", 20.0), ("lean", -10.0), ("arch", 0.1), ("arch", -0.1)])
def test_a_word_that_leans_or_is_arched_has_upright_letters(
    font: ImageFont.FreeTypeFont, what: str, size: float
) -> None:
    crop = draw_word(font, "iiiiiiiiiiiiiiii", MIDDLE._replace(**{what: size}), height=128, width=512)
    assert crop is not None
    rows, columns = np.nonzero(crop < 128)
    long = np.ptp(columns)
    letters = np.array_split(np.argsort(columns, kind="stable"), 16)
    across, up = (np.array([np.mean(each[letter]) for letter in letters]) for each in (columns, -rows))
    if what == "lean":
        assert np.rad2deg(np.arctan(np.polyfit(across, up, 1)[0])) == pytest.approx(size, abs=1)
    else:
        assert np.polyfit((across - across.mean()) / long, up / long, 2)[0] == pytest.approx(-4 * size, rel=0.15)
    # Between upright letters there are columns without ink.
    assert (np.diff((crop < 128).any(0).astype(int)) == 1).sum() == 16


@pytest.mark.parametrize(("fill", "across"), [(0.75, 0.0), (0.75, 0.4), (0.75, 1.0), (1.25, 0.3)])
def test_a_window_is_a_piece_of_its_line(font: ImageFont.FreeTypeFont, fill: float, across: float) -> None:
    crop = draw_word(font, LINE, Cut(fill, across, 0.5, 0.0, window=True), height=32, width=128)
    assert crop is not None
    # By hand: the line with two pixels before and behind it, cut out where the window is.
    line = np.pad(line_at(font, 32 * fill), ((0, 0), (2, 2)))
    start = round(across * (line.shape[1] - 128))
    piece = line[:, start : start + 128]
    seen = 255 - (crop[4:28] if fill < 1 else crop)
    shown = piece if fill < 1 else piece[4:36]
    assert np.abs(seen.astype(int) - shown).mean() < 8  # of 255; a pixel of shift is 40


def test_a_line_shorter_than_its_window_is_whole(font: ImageFont.FreeTypeFont) -> None:
    for across in (0.0, 0.5, 1.0):
        crop = draw_word(font, "Wig", Cut(0.75, across, 0.5, 0.0, window=True), height=32, width=128)
        assert crop is not None
        left, _, right, _ = box_of(crop)
        first, top, last, bottom = font.getmask("Wig").getbbox()
        assert abs((right - left) - 24 * (last - first) / (bottom - top)) <= 2
        assert left >= 2 and right <= 126


@pytest.mark.parametrize("fill", [0.4, 0.75, 1.0, 1.4])
def test_a_letter_alone_is_as_high_as_it_should_be_in_the_middle(font: ImageFont.FreeTypeFont, fill: float) -> None:
    # An i is small enough in its font to be enlarged more than a word is.
    crop = draw_word(font, "i", Cut(fill, 0.5, 0.5, 0.0, letter=True), height=32, width=128)
    assert crop is not None
    left, top, right, bottom = box_of(crop)
    first, upper, last, lower = font.getmask("i").getbbox()
    assert abs((bottom - top) - min(32, 32 * fill)) <= 2
    assert abs((right - left) - 32 * fill * (last - first) / (lower - upper)) <= 2
    assert abs(left + right - 128) <= 2 and abs(top + bottom - 32) <= 2


def test_a_letter_alone_is_cut_off_rather_than_made_smaller(font: ImageFont.FreeTypeFont) -> None:
    crop = draw_word(font, "W", Cut(1.0, 0.5, 0.5, 0.0, letter=True), height=32, width=20)
    assert crop is not None
    left, top, right, bottom = box_of(crop)
    assert left == 0 and right >= 19 and bottom - top >= 31  # faint where it ends
