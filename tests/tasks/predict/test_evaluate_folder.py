import csv
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from models.network import CropNet
from tasks.predict.evaluate_folder import evaluate_folder, format_evaluation
from tasks.train.weights import save_model
from tests.toyhome import toy_params
from unfont.errors import UserError

PARAMS = toy_params()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return says("Latn", tmp_path_factory.mktemp("model"), ["Cyrl", "Latn", "Zxxx"])


def says(label, folder, labels):
    """A model that answers `label`, whatever it sees."""
    torch.manual_seed(0)
    network = CropNet(PARAMS.network, labels=len(labels), height=16, width=64)
    with torch.no_grad():
        network.target_head.bias[labels.index(label)] += 1000
    card = {"target": "script", "labels": labels, "nuisances": {"font_style": ["serif"]}, "height": 16}
    save_model(folder, network, {**card, "width": 64, "network": PARAMS.network.model_dump()})
    return folder


@pytest.fixture
def crops(here):
    rng = np.random.default_rng(0)
    for number in range(6):
        for script, style in (("Latn", "serif"), ("Cyrl", "serif"), ("Latn", "display"), ("Zxxx", "none")):
            if script == "Cyrl" and number > 1:
                continue
            path = here / "crops" / script / style / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (20, 50)).astype(np.uint8)).save(path)
    return here / "crops"


def test_figures_are_those_of_counting(crops, model):
    result = evaluate_folder(PARAMS, folder=crops, pattern="{script}/{font_style}/*.png", model_folder=model)
    # 12 Latn right, 2 Cyrl and 6 Zxxx wrong; no Zzzz and no Zyyy.
    assert [result[name] for name in ("unlearned_caught", "unlearned_sure", "common_sure")] == [None] * 3
    assert (result["n"], result["accuracy"], result["false_alarm_rate"]) == (20, round(12 / 14, 6), 1)
    assert result["by_label"] == {
        "Cyrl": {"n": 2, "accuracy": 0},
        "Latn": {"n": 12, "accuracy": 1},
        "Zxxx": {"n": 6, "accuracy": 0},
    }
    assert result["by_nuisance"]["font_style"]["serif"] == {"n": 8, "accuracy": 0.75}
    assert result["confusions"] == [
        {"true": "Zxxx", "predicted": "Latn", "n": 6},
        {"true": "Cyrl", "predicted": "Latn", "n": 2},
    ]
    assert result["rejected"] == []


def test_pictures_of_unlearned_scripts_and_of_signs_have_figures_of_their_own(crops, tmp_path):
    model = says("Latn", tmp_path, ["Latn", "Zyyy", "Zzzz"])
    (crops / "Cyrl").rename(crops / "Zzzz")
    (crops / "Zxxx").rename(crops / "Zyyy")
    result = evaluate_folder(PARAMS, folder=crops, pattern="{script}/{font_style}/*.png", model_folder=model)
    # 12 Latn right, 6 Zyyy wrong; 2 Zzzz count apart.
    assert (result["n"], result["accuracy"], result["by_label"]["Zzzz"]["n"]) == (20, round(12 / 18, 6), 2)
    assert [result[name] for name in ("unlearned_caught", "unlearned_sure", "common_sure")] == [0, 1, 1]
    assert result["by_nuisance"]["font_style"]["serif"] == {"n": 6, "accuracy": 1}
    assert "unlearned sure: 1.0000" in format_evaluation(result, "table").splitlines()


def test_files_that_cannot_be_used_are_counted_with_their_reasons(crops, model, here):
    (crops / "Latn/serif/text.png").write_text("no picture")
    (crops / "Latn/serif/notes.txt").write_text("notes")
    Image.new("L", (50, 20)).save(here / "outside.png")
    (crops / "Latn/serif/link.png").symlink_to(here / "outside.png")
    result = evaluate_folder(PARAMS, folder=crops, pattern="{script}/*/*.png", model_folder=model)
    assert result["n"] == 20
    assert {entry["file"]: entry["reason"] for entry in result["rejected"]} == {
        "Latn/serif/link.png": "leads out of the folder",
        "Latn/serif/notes.txt": "is no picture by its suffix",
        "Latn/serif/text.png": "this is no picture",
    }
    assert "3 files left out" in format_evaluation(result, "table")


def test_pictures_outside_the_pattern_are_told_with_the_pattern_that_takes_them(crops, model):
    (crops / "Latn/serif/0.png").rename(crops / "Latn/serif/0.JPG")
    result = evaluate_folder(PARAMS, folder=crops, pattern="{script}/*/*.png", model_folder=model)
    said = (
        "1 picture outside '{script}/*/*.png', such as Latn/serif/0.JPG; --pattern '{script}/*/*' would take 1 of them"
    )
    assert result["n"] == 19 and result["notes"] == [said]
    assert evaluate_folder(PARAMS, folder=crops, pattern="{script}/*/*", model_folder=model)["n"] == 20


def test_without_a_pattern_a_folder_is_a_label(crops, model):
    folder = crops / "Latn"
    (folder / "serif").rename(folder / "Latn")
    (folder / "display").rename(folder / "Cyrl")
    (folder / "docs").mkdir()
    (folder / "docs/notes.txt").write_text("notes")
    (folder / "Latn/.DS_Store").write_bytes(b"Bud1")
    result = evaluate_folder(PARAMS, folder=folder, model_folder=model)
    assert result["by_label"] == {"Cyrl": {"n": 6, "accuracy": 0}, "Latn": {"n": 6, "accuracy": 1}}
    assert result["rejected"] == [{"file": "docs/notes.txt", "reason": "is no picture by its suffix"}]
    assert result["notes"] == ["left out: 1 file of the operating system (such as .DS_Store, Thumbs.db)"]


def test_names_are_mapped_to_the_models_labels(crops, model):
    (crops / "Latn").rename(crops / "English")
    (crops / "Cyrl").rename(crops / "Klingon")
    options = {"folder": crops, "pattern": "{script}/**/*", "model_folder": model}
    with pytest.raises(UserError, match=r"unknown labels 'English', 'Klingon' .*--labels English=Latn,Klingon=CODE;"):
        evaluate_folder(PARAMS, **options)
    result = evaluate_folder(PARAMS, labels={"English": "Latn", "Klingon": "Cyrl", "x": "Latn"}, **options)
    assert result["by_label"]["Latn"] == {"n": 12, "accuracy": 1}
    assert "labelled x" in result["notes"][0]


def test_a_pattern_may_name_what_partners_share(crops, model):
    named = evaluate_folder(PARAMS, folder=crops, pattern="{script}/{font_style}/{pair}.png", model_folder=model)
    plain = evaluate_folder(PARAMS, folder=crops, pattern="{script}/{font_style}/*.png", model_folder=model)
    assert named == plain


def test_what_cannot_be_evaluated_is_told(crops, model, here):
    def evaluated(pattern="{script}/*/*.png", folder=crops):
        return evaluate_folder(PARAMS, folder=folder, pattern=pattern, model_folder=model)

    with pytest.raises(UserError, match="none of 20 files matches"):
        evaluated("{script}/*.jpg")
    with pytest.raises(UserError, match="no folder"):
        evaluated(folder=here / "nowhere")
    (here / "empty").mkdir()
    with pytest.raises(UserError, match="none of 0 files"):
        evaluated(folder=here / "empty")
    with pytest.raises(UserError, match=r"there is no placeholder \{design\}"):
        evaluated("{script}/{design}/*.png")
    (here / "bad/Latn").mkdir(parents=True)
    (here / "bad/Latn/1.png").touch()
    with pytest.raises(UserError, match=r"none of 1 picture can be read.*the file is empty"):
        evaluated("{script}/*.png", folder=here / "bad")
    (crops / "Klin/serif").mkdir(parents=True)
    (crops / "Klin/serif/1.png").touch()
    with pytest.raises(UserError, match=r"unknown label 'Klin' .*Klin/serif/1.png.*knows Cyrl, Latn, Zxxx"):
        evaluated()


def test_the_formats_say_the_same(crops, model):
    result = evaluate_folder(PARAMS, folder=crops, pattern="{script}/*/*.png", model_folder=model)
    assert json.loads(format_evaluation(result, "json")) == result
    rows = list(csv.DictReader(io.StringIO(format_evaluation(result, "csv"))))
    assert {row["label"]: float(row["accuracy"]) for row in rows} == {"Cyrl": 0, "Latn": 1, "Zxxx": 0}
    lines = [line.split() for line in format_evaluation(result, "table").splitlines()]
    assert ["Latn", "12", "1.0000"] in lines and ["accuracy:", "0.8571"] in lines
