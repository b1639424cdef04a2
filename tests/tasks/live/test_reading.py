import numpy as np

from tasks.live.reading import MOST_MOVING, windows_of
from unfont.answers import see
from unfont.reading import fit


def line(words=2):
    """Dark bars on white, a long line."""
    picture = np.full((60, 120 * words, 3), 255, np.uint8)
    picture[20:40, 20 : 120 * words - 20 : 6] = 0
    picture[20:40, 21 : 120 * words - 20 : 6] = 0
    return picture


def test_a_still_picture_is_read_as_predict_reads_it(model):
    wanted = see(model.model, [line()[..., 0]])[0]
    found = windows_of(model, line(), moving=False, whole=False)
    assert np.array_equal(found.pixels, wanted.reading.windows)
    assert (found.length, found.degrees) == (wanted.reading.length, wanted.degrees)


def test_a_frame_of_a_video_has_few_windows(model):
    found = windows_of(model, line(30), moving=True, whole=False)
    assert len(found.pixels) == MOST_MOVING and found.degrees == 0


def test_whole_pictures_are_fitted(model, small, picture):
    assert np.array_equal(
        windows_of(model, line(), moving=False, whole=True).pixels[0], fit(line()[..., 0], height=16, width=64)
    )
    assert np.array_equal(windows_of(small, picture, moving=False, whole=False).pixels[0], picture)
