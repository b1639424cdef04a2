"""What the network is shown of a picture does not depend on what is around its writing."""

import numpy as np
import pytest
from PIL import Image

from tests.unfont.drawing import Grey, below, turned, word
from unfont.ink import Box
from unfont.reading import MOST_WINDOWS, SCALES, Writing, cut, find, fit, read

HEIGHT, WIDTH = 32, 128


def shown(picture: Grey) -> Grey:
    return read(picture, height=HEIGHT, width=WIDTH).windows


def apart(one: Grey, other: Grey) -> float:
    """Mean difference of grey levels, of windows that must be as many."""
    assert one.shape == other.shape
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def underlined(picture: Grey) -> Grey:
    lower = np.pad(picture, ((0, 8), (0, 0)), constant_values=255)
    lower[-5:-3, 4:-4] = 0
    return lower


def boxed(picture: Grey) -> Grey:
    return np.pad(np.pad(picture, 6, constant_values=255), 2)


SAME = {
    "wide margins": lambda picture: np.pad(picture, 80, constant_values=255),
    "a box": lambda picture: np.pad(np.pad(picture, 4, constant_values=255), 1),
    "a box with margins": lambda picture: np.pad(
        np.pad(np.pad(picture, 6, constant_values=255), 2), 30, constant_values=255
    ),
    "three boxes, one in another": lambda picture: boxed(boxed(boxed(picture))),
    "a black border": lambda picture: np.pad(picture, 9),
    "a speck": lambda picture: _with_speck(np.pad(picture, 60, constant_values=255)),
}


def _with_speck(picture: Grey) -> Grey:
    picture[4:6, 4:6] = 0
    return picture


def test_boxes_and_bars_of_any_kind_are_read_somehow():
    # Parts of signs, tables and screens: frames in frames, also such as leave nothing inside.
    random = np.random.default_rng(0)
    for _ in range(400):
        picture = np.full(random.integers(4, 120, 2), random.integers(256), np.uint8)
        for _ in range(random.integers(1, 6)):
            top, left = (int(random.integers(side)) for side in picture.shape)
            high, wide = (int(random.integers(1, side + 1)) for side in picture.shape)
            box = picture[top : top + high, left : left + wide]
            inner = box[3:-3, 3:-3].copy()
            box[:] = random.integers(256)
            if random.random() < 0.6:
                box[3:-3, 3:-3] = inner
        windows = shown(picture)
        assert windows.shape[1:] == (HEIGHT, WIDTH) and len(windows) >= 1


@pytest.mark.parametrize("around", SAME.values(), ids=SAME)
def test_what_is_around_a_word_is_not_shown(around):
    assert apart(shown(around(word())), shown(word())) < 3


def test_an_underline_is_not_shown():
    assert (underlined(word()) < 128).mean(1).max() > 0.8
    assert (shown(underlined(word())) < 128).mean(2).max() < 0.75


def test_light_on_dark_is_shown_as_it_is():
    assert apart(shown(255 - word()), 255 - shown(word())) < 1


def test_a_word_is_one_window_a_scale_and_its_ink_has_the_scale_s_height():
    windows = shown(word("mo"))
    assert windows.shape == (len(SCALES), HEIGHT, WIDTH)
    rows = (windows[SCALES.index(0.7)] < 128).any(1).sum()
    assert rows == pytest.approx(0.7 * HEIGHT, abs=2)


@pytest.mark.parametrize("degrees", [-15, -8, 8, 15])
def test_skew_is_taken_back(degrees):
    level, other = word("gezittertes wort"), word("xxxx xxxxxx xxxx")
    found = shown(turned(level, degrees))
    assert len(found) == len(shown(level))
    assert apart(found[:1], shown(level)[:1]) < 0.7 * apart(found[:1], shown(other)[:1])


def test_a_long_line_is_read_in_windows_that_overlap_by_half():
    line = word("the quick brown fox jumps over the lazy dog " * 3)
    windows = shown(line)
    assert windows.shape[1:] == (HEIGHT, WIDTH) and len(windows) > 20
    first, second = windows[0], windows[1]
    start = next(at for at in range(40, 90) if np.array_equal(first[:, at:], second[:, : WIDTH - at]))
    assert 48 <= start <= 64


def test_every_line_of_a_block_is_read():
    lines = [word("alpha beta gamma"), word("delta epsilon zeta"), word("eta theta iota kappa")]
    # Within a block a line's highest accent may fall away, so that it is read a little larger.
    assert len(shown(below(lines, gap=14))) == pytest.approx(sum(len(shown(line)) for line in lines), rel=0.25)


def test_a_gap_in_a_line_is_not_shown():
    text, number = word("dins son ventre."), word("17")
    high = max(len(text), len(number))
    text, number = (np.pad(one, ((0, high - len(one)), (0, 0)), constant_values=255) for one in (text, number))
    whole = np.concatenate([text, np.full((high, 1600), 255, np.uint8), number], axis=1)
    scan = np.clip(whole + np.random.default_rng(0).normal(0, 8, whole.shape), 0, 255).astype(np.uint8)
    for picture in (whole, 255 - whole, scan):
        windows = shown(picture).astype(int)
        inked = (np.abs(windows - np.median(picture)) > 100).any(1).mean(1)
        assert inked.min() > 0.05 and 6 <= len(windows) < 0.4 * len(shown(np.tile(text, 8)[:, : whole.shape[1]]))


def test_signs_above_letters_are_no_line_of_their_own():
    # Vowel signs nearly half as high as their letters, a pixel above them, as in Tibetan.
    letters = word("HHH HHHHH HH HHHH", margin=0)
    signs = np.full((int(0.45 * len(letters)), letters.shape[1]), 255, np.uint8)
    for left in range(5, letters.shape[1] - 40, 60):
        signs[:, left : left + 20] = 0
    apart = np.full((1, letters.shape[1]), 255, np.uint8)
    line = np.pad(np.concatenate([signs, apart, letters]), 20, constant_values=255)
    assert len(find(line).boxes) == 1
    assert len(find(below([line, line], gap=20)).boxes) == 2


def test_a_column_is_laid_out_as_a_line():
    letters = [word(letter, margin=3) for letter in "HONMKSEBRD"]
    column = below(letters, gap=4)
    assert column.shape[0] > 3 * column.shape[1]
    windows = shown(column)
    ink = (windows[SCALES.index(0.7)] < 128).any(0)
    assert ink.mean() > 0.5  # letters side by side, not a hair's breadth in the middle


@pytest.mark.parametrize("picture", [np.full((20, 90), 255), np.full((40, 40), 7), np.zeros((4, 4))])
def test_a_blank_picture_is_shown_whole(picture):
    picture = picture.astype(np.uint8)
    np.testing.assert_array_equal(shown(picture), fit(picture, height=HEIGHT, width=WIDTH)[None])


def test_one_pixel_of_ink_is_read():
    picture = np.full((50, 50), 255, np.uint8)
    picture[20, 30] = 0
    assert shown(picture).shape[1:] == (HEIGHT, WIDTH)


def test_colour_stays():
    picture = np.stack([word(), word(), np.full_like(word(), 255)], axis=2)
    windows = shown(picture)
    assert windows.shape == (*shown(word()).shape, 3)
    assert (windows[..., 2] > 250).all() and windows[..., 0].min() < 100


@pytest.mark.parametrize("colours", [1, 3])
def test_the_ground_of_a_sign_goes_on_beside_it_and_its_ink_does_not(colours):
    ground = np.tile(np.linspace(120, 200, 60).round().astype(np.uint8)[:, None], (1, 80))  # lit from above
    sign = ground.copy()
    sign[14:46, 24:56] = 10
    touched = sign.copy()
    touched[25:35, :24] = 10  # its ink reaches the left edge
    if colours == 3:
        sign, touched = (np.stack([picture, picture // 2, 255 - picture], axis=2) for picture in (sign, touched))
    writing = Writing(sign, [Box(0, 60, 0, 80)])
    (window,) = cut(writing, height=HEIGHT, width=WIDTH, scales=[1.0]).windows
    left = (WIDTH - round(80 * 32 / 60)) // 2
    beside = window[:, : left - 1].astype(int)
    assert np.ptp(beside, axis=1).max() <= 1  # each row has one colour: that of the sign's own edge
    assert np.abs(beside[5:-5, 0] - window[5:-5, left + 1]).max() <= 4
    (window,) = cut(Writing(touched, [Box(0, 60, 0, 80)]), height=HEIGHT, width=WIDTH, scales=[1.0]).windows
    assert window[:, : left - 1].astype(int).reshape(HEIGHT, left - 1, -1)[:, :, 0].min() > 100


def test_on_plain_paper_windows_are_filled_with_paper():
    picture = np.full((40, 60), 230, np.uint8)
    picture[5:35, 10:50] = 0
    for window in shown(picture):
        assert set(np.unique(window[:, :30])) == {230}


def test_a_very_long_line_has_no_more_windows_than_told():
    line = np.tile(word("minimum "), (1, 150))
    assert len(shown(line)) <= MOST_WINDOWS * len(SCALES)


def test_any_noise_is_read():
    rng = np.random.default_rng(0)
    for _ in range(60):
        height, width = rng.integers(4, 200, 2)
        picture = rng.integers(0, 256, (height, width)).astype(np.uint8)
        if rng.random() < 0.5:
            picture[picture > rng.integers(1, 256)] = 255
        assert shown(picture).shape[1:] == (HEIGHT, WIDTH)


@pytest.mark.parametrize(("height", "width"), [(32, 80), (8, 100), (100, 8), (32, 40_000), (4, 4)])
def test_a_picture_fitted_whole_keeps_its_aspect_on_its_own_background(height, width):
    picture = np.full((height, width), 30, np.uint8)  # light on dark
    picture[height // 4 : -height // 4, width // 4 : -width // 4] = 220
    crop = fit(picture, height=16, width=40)
    assert crop.shape == (16, 40)
    assert (crop[[0, -1]] == 30).all() or (crop[:, [0, -1]] == 30).all()
    if (height, width) == (32, 80):
        np.testing.assert_array_equal(crop, np.asarray(Image.fromarray(picture).resize((40, 16), 2)))
    if (height, width) == (8, 100):  # 40 × 3.2: centred, 6 rows of background above
        assert (crop[:6] == 30).all() and (crop[-7:] == 30).all() and crop[7].max() > 100


def test_a_colour_picture_is_fitted_on_its_own_background():
    picture = np.full((8, 100, 3), (200, 30, 60), np.uint8)
    crop = fit(picture, height=16, width=40)
    assert crop.shape == (16, 40, 3) and (crop == (200, 30, 60)).all()


def test_what_the_cut_left_of_the_lines_above_and_below_is_not_read():
    line = word("window")
    page = below([line] * 3, 30)
    inked = np.flatnonzero((page < 128).any(1))
    first, middle, last = np.split(inked, np.flatnonzero(np.diff(inked) > 1) + 1)
    high = len(middle)
    # Half of the line above and of the one below is in the picture, and all of the middle one.
    cut = page[first[-1] - high // 2 : last[0] + high // 2]
    assert len(find(cut).boxes) == 1
    (box,) = find(cut).boxes
    assert abs((box.bottom - box.top) - high) <= 1
    assert len(find(page).boxes) == 3
