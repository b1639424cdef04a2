"""The benchmark of `unfont predict` measures the command itself, on few pictures here."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.predict import many, one_file, read_all
from tests.unfont.drawing import word
from unfont.picture import read_picture
from unfont.reading import read


@pytest.fixture
def files(tmp_path):
    for number in range(3):
        Image.fromarray(word("word" * (number + 1))).save(tmp_path / f"{number}.png")
    (tmp_path / "3.png").write_text("no picture")
    return [str(tmp_path / f"{number}.png") for number in range(4)]


def test_reading_alone_cuts_every_picture_into_its_windows(files):
    windows = [read(read_picture(Path(file)), height=32, width=128).windows for file in files[:3]]
    assert read_all(files) == sum(map(len, windows)) > 3


def test_the_rates_are_of_the_same_files(files):
    found = many(files * 20, "shipped", 1)
    assert found["n"] == 80 and found["workers"] == 1
    assert found["ratio"] == pytest.approx(found["pictures_per_s"] / found["reading_per_s"], rel=0.02)
    assert found["processor_ratio"] == pytest.approx(found["reading_processor_ms"] / found["processor_ms"], abs=0.01)
    assert found["peak_mib"] >= max(found["mib_by_quarter"]) > 20
    assert np.isfinite(found["pictures_per_s"])


def test_one_file_costs_some_processor_time(files):
    assert 0 < one_file(files[0], "shipped") < 60
