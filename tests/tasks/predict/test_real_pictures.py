import numpy as np
import pytest
from PIL import Image

from tasks.common.files import read_json, write_json
from tasks.predict.real_pictures import find_real, measure_real
from tasks.train.card import weights_of
from tests.tasks.predict.test_evaluate_folder import says
from tests.toyhome import toy_params
from unfont.errors import UserError

PARAMS = toy_params()
LABELS = ["Cyrl", "Latn", "Zxxx"]


@pytest.fixture
def models(here):
    return {label: says(label, PARAMS.home / "rounds" / label, LABELS) for label in ("Latn", "Cyrl")}


@pytest.fixture
def chosen(models):
    weights = weights_of(models["Latn"])
    path = "rounds/Latn"
    choice = {"name": "Latn", "path": path, "weights": weights, "temperature": 1.0, "temperatures": {}, "rests_on": {}}
    write_json(PARAMS.home / "chosen.json", {**choice, "criterion": "none", "value": None, "metrics": {}})


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(len(path.name)).integers(0, 256, (20, 50)).astype(np.uint8)).save(path)


@pytest.fixture
def folder(here):
    for name in ("Latn/1.png", "news/words/Latn/1.png", "news/words/Cyrl/1.png", "news/lines/Cyrl/22.png"):
        picture(here / "real" / name)
    return here / "real"


def test_every_model_reads_the_pictures_and_the_chosen_one_is_shown_by_folder(models, chosen, folder):
    (folder / "news/words/Latn/bad.png").write_text("no picture")
    pictures = find_real(PARAMS, folder=folder, model=models["Latn"])
    found = measure_real(PARAMS, pictures, models=models, out=folder / "real.json")
    assert found == {"real.Latn.accuracy": 0.5, "real.Cyrl.accuracy": 0.5}
    result = read_json(folder / "real.json")
    assert (result["n"], result["models"]["Latn"]["accuracy"], result["chosen"]["name"]) == (4, 0.5, "Latn")
    assert result["chosen"]["by_folder"] == {
        ".": {"n": 1, "accuracy": 1},
        "news/lines": {"n": 1, "accuracy": 0},
        "news/words": {"n": 2, "accuracy": 0.5},
    }
    assert result["chosen"]["confusions"] == [{"true": "Cyrl", "predicted": "Latn", "n": 2}]
    assert list(result["rejected"].values()) == [1]


def test_without_a_folder_nothing_is_measured(models, chosen, here):
    pictures = find_real(PARAMS, folder=here / "none", model=models["Latn"])
    assert measure_real(PARAMS, pictures, models=models, out=here / "real.json") == {}
    assert read_json(here / "real.json") == {"n": 0, "models": {}, "chosen": None, "rejected": {}}


def test_pictures_of_which_none_can_be_read_are_counted(models, chosen, here, caplog):
    (here / "real/Latn").mkdir(parents=True)
    (here / "real/Latn/1.png").write_text("no picture")
    pictures = find_real(PARAMS, folder=here / "real", model=models["Latn"])
    assert measure_real(PARAMS, pictures, models=models, out=here / "real.json") == {}
    assert "none of 1 can be read" in caplog.text
    assert read_json(here / "real.json")["n"] == 0


def test_a_label_that_no_model_knows_is_told_before_anything_is_read(models, folder):
    picture(folder / "Klingon" / "1.png")
    with pytest.raises(UserError, match="unknown label 'Klingon'"):
        find_real(PARAMS, folder=folder, model=models["Latn"])
