"""Pictures as text, read back as a terminal would draw them."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from tasks.browse.terminal import SHADES, WIDEST, render_picture, shows_colour

CODE = re.compile(r"\x1b\[([0-9;]*)m")


def drawn(text: str) -> np.ndarray:
    """Pixels of half blocks, uint8 [2 · lines, columns, 3]; the terminal's own ground is 7."""
    rows = []
    for line in text.split("\n"):
        upper, lower, fore, back = [], [], (7, 7, 7), (7, 7, 7)
        for part in re.split(r"(\x1b\[[0-9;]*m)", line):
            code = CODE.fullmatch(part)
            if code is None:
                assert set(part) <= {"▀"}
                upper += [fore] * len(part)
                lower += [back] * len(part)
            elif code[1] == "0":
                fore = back = (7, 7, 7)
            else:
                numbers = [int(number) for number in code[1].split(";")]
                assert numbers[:2] == [38, 2] and numbers[5:7] in ([48, 2], [])
                fore, back = tuple(numbers[2:5]), tuple(numbers[7:10]) or back
        rows += [upper, lower]
    return np.array(rows, np.uint8)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_colour_terminal_shows_every_pixel(rng):
    pixels = rng.integers(0, 256, (16, 48, 3), np.uint8)
    np.testing.assert_array_equal(drawn(render_picture(pixels, colour=True)), pixels)


def test_a_grey_crop_is_grey_in_colour_too(rng):
    pixels = rng.integers(0, 256, (8, 20), np.uint8)
    np.testing.assert_array_equal(drawn(render_picture(pixels, colour=True)), np.repeat(pixels[..., None], 3, axis=2))


def test_under_an_odd_last_row_the_terminal_stays_as_it_is(rng):
    pixels = rng.integers(0, 256, (5, 9, 3), np.uint8)
    shown = drawn(render_picture(pixels, colour=True))
    np.testing.assert_array_equal(shown[:5], pixels)
    assert (shown[5] == 7).all()


def test_a_ground_of_one_colour_costs_one_code_a_line():
    text = render_picture(np.full((8, 60), 255, np.uint8), colour=True)
    assert len(CODE.findall(text)) == 2 * 4  # a colour and a reset


@pytest.mark.parametrize("colour", [True, False])
def test_a_wide_crop_is_drawn_smaller_with_its_aspect_kept(colour):
    pixels = np.zeros((64, 512), np.uint8)
    lines = CODE.sub("", render_picture(pixels, colour=colour)).split("\n")
    assert {len(line) for line in lines} == {WIDEST}
    assert len(lines) == 6  # of two pixels; 64 · 100 / 512 is 12.5


def test_a_wide_crop_is_averaged_as_pillow_does(rng):
    pixels = rng.integers(0, 256, (20, 400), np.uint8)
    small = np.asarray(Image.fromarray(pixels).convert("RGB").resize((50, 2), Image.Resampling.BOX))
    np.testing.assert_array_equal(drawn(render_picture(pixels, colour=True, columns=50)), small)


def test_plain_characters_are_darker_where_the_ink_is():
    steps = np.repeat(np.linspace(0, 255, len(SHADES)).astype(np.uint8)[None], 2, axis=0)
    assert render_picture(steps, colour=False) == SHADES.rstrip()
    assert render_picture(np.full((4, 3), 255, np.uint8), colour=False) == "\n"
    assert render_picture(np.array([[0], [255]], np.uint8), colour=False) == SHADES[128 * len(SHADES) // 256]


def test_plain_characters_are_ascii(rng):
    assert render_picture(rng.integers(0, 256, (16, 48, 3), np.uint8), colour=False).isascii()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_whose_user_wants_them(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert shows_colour(Terminal()) and not shows_colour(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not shows_colour(Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not shows_colour(Terminal())
