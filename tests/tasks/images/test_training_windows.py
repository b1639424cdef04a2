"""What training may show of a picture of writing."""

import numpy as np
import pytest

from tasks.images.training_windows import MOST, evenly_spread, training_windows
from tests.unfont.drawing import below, word
from unfont.reading import fit, read

SIZE = {"height": 32, "width": 128}


def places_of(found, windows):
    """Where each of the windows `found` is among all `windows`."""
    return [next(at for at, other in enumerate(windows) if np.array_equal(one, other)) for one in found]


def test_a_word_is_one_crop_at_the_scale_of_rendered_words():
    (crop,) = training_windows(np.pad(word("mo"), 50, constant_values=255), **SIZE)
    rows = np.flatnonzero((crop < 128).any(1))
    assert rows[-1] - rows[0] + 1 == pytest.approx(32, abs=2)


def test_a_line_gives_windows_and_a_page_no_more_of_them_than_told():
    line = word("the quick brown fox")
    all_of_it = read(line, **SIZE, scales=(1.0,)).windows
    assert 2 < len(all_of_it) <= MOST
    np.testing.assert_array_equal(training_windows(line, **SIZE), all_of_it)
    page = below([word("the quick brown fox jumps over"), word("a lazy dog that sleeps and sleeps")], gap=14)
    many = read(page, **SIZE, scales=(1.0,)).windows
    places = places_of(training_windows(page, **SIZE), many)
    assert len(many) > MOST == len(places) and (places[0], places[-1]) == (0, len(many) - 1)
    assert np.ptp(np.diff(places)) <= 1


def test_gaps_and_repetitions_in_a_line_are_no_crops():
    gap = np.full((word("mo").shape[0], 900), 255, np.uint8)
    line = np.concatenate([word("mo"), gap, word("mo")], axis=1)
    windows = training_windows(line, **SIZE)
    assert 2 <= len(windows) <= 4
    assert all(np.ptp(window) > 0 for window in windows)
    assert len({window.tobytes() for window in windows}) == len(windows)


def test_a_picture_of_a_crop_s_size_and_a_blank_one_stay_whole():
    crop = np.pad(word("mo"), 40, constant_values=255)[:32, :128]
    np.testing.assert_array_equal(training_windows(crop, **SIZE), crop[None])
    blank = np.full((20, 90, 3), (200, 30, 60), np.uint8)
    np.testing.assert_array_equal(training_windows(blank, **SIZE), fit(blank, **SIZE)[None])


@pytest.mark.parametrize(("count", "most", "places"), [(10, 4, [0, 3, 6, 9]), (3, 8, [0, 1, 2]), (5, 1, [0])])
def test_places_are_evenly_spread(count, most, places):
    assert evenly_spread(count, most) == places
