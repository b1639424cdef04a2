import csv
import io
import json
import os
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from models.network import CropNet
from tasks.common.files import read_json, sha256_of, write_json
from tasks.predict.champion import find_model, registered_name, temperature_of
from tasks.predict.predict import format_predictions, predict_files
from tasks.predict.torch_model import TorchModel
from tasks.train.weights import load_model, save_model
from tests.toyhome import toy_params
from unfont.errors import UserError
from unfont.picture import read_picture
from unfont.rank import answer
from unfont.reading import fit

PARAMS = toy_params()
LABELS = ["Cyrl", "Grek", "Latn", "Zxxx"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    card = {"target": "script", "labels": LABELS, "nuisances": {}, "height": 16, "width": 64}
    network = CropNet(PARAMS.network, labels=4, height=16, width=64)
    save_model(folder, network, {**card, "network": PARAMS.network.model_dump()})
    return folder


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"top": 0}, "0 labels"),
        ({"abstain_below": 1.5}, "1.5 is no probability"),
        ({"abstain_below": float("nan")}, "nan is no probability"),
        ({"among": []}, "no labels are named"),
        ({"among": ["Latn", "Klin"]}, "unknown label 'Klin'.*the model knows Cyrl, Grek, Latn, Zxxx"),
    ],
)
def test_wrong_options_are_told_before_any_file_is_read(model, options, said):
    with pytest.raises(UserError, match=said):
        predict_files([], model=TorchModel.of_folder(model), **options)


def test_good_files_are_predicted_and_bad_ones_reported(model, here):
    Image.new("L", (50, 20), 255).save(here / "good.png")
    Image.new("RGB", (64, 16), "red").save(here / "red.jpg")
    (here / "bad.png").write_text("no picture")
    files = [here / name for name in ("good.png", "bad.png", "none.png", "red.jpg")]
    records, problems = predict_files(files, model=TorchModel.of_folder(model), top=4)
    assert [record["file"] for record in records] == [str(here / "good.png"), str(here / "red.jpg")]
    for record in records:
        assert record["script"] == record["top"][0]["script"]
        assert sum(one["p"] for one in record["top"]) == pytest.approx(1, abs=1e-5)
    assert ["bad.png" in str(problems[0]), "none.png" in str(problems[1])] == [True, True]
    assert all("\n" not in str(problem) for problem in problems)


def test_files_are_predicted_in_order_whatever_the_chunks(model, here, monkeypatch):
    rng = np.random.default_rng(0)
    files = [here / f"{n}.png" for n in range(7)]
    for file in files:
        Image.fromarray(rng.integers(0, 256, (16, 64)).astype(np.uint8)).save(file)
    whole, _ = predict_files(files, model=TorchModel.of_folder(model))
    monkeypatch.setattr("tasks.predict.predict.BATCH", 3)
    parts, _ = predict_files(files, model=TorchModel.of_folder(model))
    assert [r["file"] for r in whole] == [r["file"] for r in parts] == [str(file) for file in files]
    np.testing.assert_allclose([r["p"] for r in whole], [r["p"] for r in parts], atol=1e-5)


RECORDS = [
    {"file": 'a, "b".png', "script": "Latn", "p": 0.9, "top": [{"script": "Latn", "p": 0.9}]},
    {
        "file": "ж\n.png",
        "script": None,
        "p": 0.5,
        "top": [{"script": "Cyrl", "p": 0.5}, {"script": "Grek", "p": 0.4}],
    },
]


def test_json_and_csv_give_back_what_went_in():
    assert json.loads(format_predictions(RECORDS, "json")) == RECORDS
    rows = list(csv.DictReader(io.StringIO(format_predictions(RECORDS, "csv"))))
    assert [row["file"] for row in rows] == ['a, "b".png', "ж\n.png"]
    assert [(row["script"], row["p"]) for row in rows] == [("Latn", "0.9"), ("", "0.5")]
    assert (rows[1]["script_2"], rows[1]["p_2"]) == ("Grek", "0.4")


def test_the_table_has_one_line_a_file():
    lines = format_predictions(RECORDS, "table").splitlines()
    assert len(lines) == 3
    assert lines[0].split() == ["file", "script", "p", "top"]
    assert lines[2].split() == ["ж\\n.png", "?", "0.500", "Cyrl", "0.500", "Grek", "0.400"]


@pytest.mark.parametrize("output_format", ["table", "json", "csv"])
def test_a_name_that_is_no_utf8_can_be_printed(output_format):
    name = os.fsdecode(b"\xff.png")
    text = format_predictions([{**RECORDS[0], "file": name}], output_format)
    text.encode("utf-8")
    assert "xff.png" in text


def test_another_target_gives_its_own_column():
    found = {"file": "x", **answer(np.array([[0.2, 0.8]]), ["left", "right"], target="pose")}
    assert format_predictions([found], "csv").splitlines()[0] == "file,pose,p,pose_1,p_1,pose_2,p_2"


def test_without_any_model_the_user_is_told_to_run(here, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(UserError, match=r"no model yet .*run `unfont run`"):
        find_model(PARAMS)


def test_without_a_champion_the_chosen_model_serves(here, monkeypatch, model):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = PARAMS.home / "rounds" / "1"
    folder.mkdir(parents=True)
    for name in ("model.safetensors", "model.json"):
        (folder / name).write_bytes((model / name).read_bytes())
    weights = sha256_of(folder / "model.safetensors")
    write_json(PARAMS.home / "chosen.json", {"name": "round-1", "path": "rounds/1", "weights": weights})
    assert find_model(PARAMS) == folder


def test_the_chosen_model_s_temperature_is_that_of_the_choice_and_a_registered_one_s_that_of_its_card(here, model):
    folder = PARAMS.home / "rounds" / "1"
    shutil.copytree(model, folder)
    assert temperature_of(PARAMS, folder) == 1
    choice = {"name": "round-1", "path": "rounds/1", "weights": sha256_of(folder / "model.safetensors")}
    write_json(PARAMS.home / "chosen.json", choice)
    assert temperature_of(PARAMS, folder) == 1  # an older choice
    write_json(PARAMS.home / "chosen.json", choice | {"temperature": 0.6})
    assert temperature_of(PARAMS, folder) == 0.6
    write_json(PARAMS.home / "chosen.json", choice | {"temperature": 0.6, "weights": "another model's"})
    assert temperature_of(PARAMS, folder) == 1
    write_json(folder / "model.json", read_json(folder / "model.json") | {"temperature": 0.7})
    assert temperature_of(PARAMS, folder) == 0.7


@pytest.mark.parametrize("wrong", [0, -1, "warm", float("inf")])
def test_a_card_with_a_temperature_that_is_none_is_refused(here, model, wrong):
    shutil.copytree(model, here / "registered")
    write_json(here / "registered/model.json", read_json(model / "model.json") | {"temperature": wrong})
    with pytest.raises(UserError, match="no model card"):
        temperature_of(PARAMS, here / "registered")


def test_probabilities_have_the_temperature_and_abstaining_goes_by_them(model, here):
    Image.new("L", (50, 20), 255).save(here / "good.png")
    network, _ = load_model(model)
    crop = fit(read_picture(here / "good.png"), height=16, width=64)
    with torch.inference_mode():
        logits = network(torch.from_numpy(crop)[None, None].float() / 255)[0].double()
    for temperature in (1.0, 0.25):
        weights = np.exp(logits.numpy() / temperature)
        best = float(weights.max() / weights.sum())
        warm = TorchModel.of_folder(model, temperature=temperature)
        for limit, kept in ((best - 0.001, True), (best + 0.001, False)):
            (record,), _ = predict_files([here / "good.png"], model=warm, abstain_below=limit)
            assert record["p"] == pytest.approx(best, abs=1e-5)
            assert (record["script"] is not None) == kept


def test_each_problem_has_a_registered_name():
    assert [registered_name(problem) for problem in ("scripts", "faces")] == ["unfont", "unfont-faces"]
