"""The benchmark on real pictures counts by set and kind, with Tesseract beside the model where it is installed."""

import shutil

import numpy as np
import pytest
from PIL import Image

from benchmarks.real import NAMES, compare, detect, pictures_of
from tasks.predict.predict import predict_files
from tasks.predict.torch_model import TorchModel
from tests.toyhome import make_toy_home, toy_params
from tests.unfont.drawing import word


@pytest.fixture
def folder(tmp_path):
    for number, place in enumerate(("print/words/Latn", "print/lines/Cyrl", "photo/words/Zxxx")):
        (tmp_path / "real" / place).mkdir(parents=True)
        for name in ("a.png", "b.png"):
            picture = word("word" * (number + 1)) if number < 2 else np.full((30, 60), 200, np.uint8)
            Image.fromarray(picture).save(tmp_path / "real" / place / name)
    return tmp_path / "real"


def test_accuracies_are_those_of_the_predictions(folder, tmp_path):
    params = toy_params()
    model = make_toy_home(tmp_path, params=params) / "rounds" / "0"
    files = pictures_of(folder)
    assert len(files) == 6
    result = compare(params, files, model, tesseract=None)
    records, _ = predict_files(files, model=TorchModel.of_folder(model))
    right = {record["file"]: record["script"] == record["file"].split("/")[-2] for record in records}
    assert result["words"]["accuracy"] == np.mean([right[str(file)] for file in files if "/words/" in str(file)])
    assert result["sets"]["photo/words"]["n"] == 2 and result["lines"]["n"] == 2
    assert result["words"]["tesseract"] is None and result["ratio"]["tesseract"] is None
    assert result["identify_ms"] > 0


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="Tesseract is not installed")
def test_tesseract_answers_with_a_code_or_nothing(folder):
    assert detect(folder / "print/words/Latn/a.png") in {None, *NAMES.values()}
    assert detect(folder / "photo/words/Zxxx/a.png") is None
