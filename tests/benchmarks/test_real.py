"""The benchmark on real pictures counts by set and kind, with Tesseract beside the model where it is installed."""

import shutil

import numpy as np
import pytest
from PIL import Image

from benchmarks.real import NAMES, compare, detect, pictures_of
from tests.unfont.drawing import word
from unfont import identify
from unfont.model import champion


@pytest.fixture
def folder(tmp_path):
    for number, place in enumerate(("print/words/Latn", "print/lines/Cyrl", "photo/words/Zxxx")):
        (tmp_path / "real" / place).mkdir(parents=True)
        for name in ("a.png", "b.png"):
            picture = word("word" * (number + 1)) if number < 2 else np.full((30, 60), 200, np.uint8)
            Image.fromarray(picture).save(tmp_path / "real" / place / name)
    return tmp_path / "real"


def test_accuracies_are_those_of_the_predictions(folder):
    files = pictures_of(folder)
    assert len(files) == 6
    result = compare(files, champion(), tesseract=None)
    right = {file: identify(file).script == file.parts[-2] for file in files}
    assert result["words"]["accuracy"] == np.mean([right[file] for file in files if "words" in file.parts])
    assert result["sets"]["photo/words"]["n"] == 2 and result["lines"]["n"] == 2
    assert result["words"]["tesseract"] is None and result["ratio"]["tesseract"] is None
    upside_down = [
        identify(np.rot90(np.asarray(Image.open(file)), 2)).script for file in files if "lines" in file.parts
    ]
    assert result["turned"]["180"]["lines"] == np.mean([script == "Cyrl" for script in upside_down])
    assert result["identify_ms"] > 0 and result["crops_per_s"] > 0


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="Tesseract is not installed")
def test_tesseract_answers_with_a_code_or_nothing(folder):
    assert detect(folder / "print/words/Latn/a.png") in {None, *NAMES.values()}
    assert detect(folder / "photo/words/Zxxx/a.png") is None
