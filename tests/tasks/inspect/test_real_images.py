"""Pictures of a folder as a network's real images."""

import numpy as np
import pytest
from PIL import Image

from tasks.images.training_windows import training_windows
from tasks.inspect.real_images import RealImages
from tests.unfont.drawing import word
from unfont.reading import fit

SIZE = (16, 64)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "Latn").mkdir()
    Image.fromarray(word("the quick brown fox")).save(tmp_path / "Latn" / "line.png")
    Image.fromarray(word("if")).save(tmp_path / "Latn" / "word.png")
    return tmp_path


def test_a_model_of_writing_is_shown_every_window(folder):
    real = RealImages.of_folder(folder, most=10, size=SIZE, in_windows=True)
    windows = training_windows(word("the quick brown fox"), height=16, width=64)
    count = len(windows)
    assert real.names == [*(f"Latn/line.png, window {n} of {count}" for n in range(1, count + 1)), "Latn/word.png"]
    assert set(real.labels) == {"Latn"} and (real.there, real.taken) == (2, 2) and count > 2
    np.testing.assert_array_equal(real.pixels[:count], windows)
    assert real.source == f"windows of pictures in {folder.name}"


def test_others_are_fitted_whole_or_as_they_are(folder):
    real = RealImages.of_folder(folder, most=1, size=SIZE)
    assert (real.names, real.there, real.taken) == (["Latn/line.png"], 2, 1)
    assert real.source == f"pictures in {folder.name}"
    np.testing.assert_array_equal(real.pixels[0], fit(word("the quick brown fox"), height=16, width=64))
    assert RealImages.of_folder(folder, most=1).size == word("the quick brown fox").shape


def test_one_picture_in_colour_gives_all_three_channels(folder):
    Image.fromarray(np.full((16, 64, 3), (200, 30, 60), np.uint8)).save(folder / "Latn" / "red.png")
    real = RealImages.of_folder(folder, most=10, size=SIZE, in_windows=True)
    assert real.colour and real.pixels.shape == (len(real.names), 16, 64, 3)
    assert (real.pixels[real.names.index("Latn/red.png")] == (200, 30, 60)).all()
