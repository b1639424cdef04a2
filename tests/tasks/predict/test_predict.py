import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.network import CropNet
from tasks.common.files import read_json, sha256_of, write_json
from tasks.predict.champion import find_model, registered_name, temperature_of
from tasks.predict.predict import chunks_of, predict_files, predict_in_processes, predict_items
from tasks.predict.sources import Item
from tasks.predict.torch_model import TorchModel
from tasks.train.weights import load_model, save_model
from tests.tasks.predict.greys import DEADLY, GreySource
from tests.toyhome import toy_params
from unfont.answers import BATCH
from unfont.errors import UserError
from unfont.picture import read_picture
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


def items_of(*names):
    return [Item(str(name), str(name)) for name in names]


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
def test_wrong_options_are_told(model, here, options, said):
    with pytest.raises(UserError, match=said):
        list(predict_items(items_of("none.png"), model=TorchModel.of_folder(model), **options))


def test_good_pictures_are_predicted_and_bad_ones_have_a_reason_in_their_place(model, here):
    Image.new("L", (50, 20), 255).save(here / "good.png")
    Image.new("RGB", (64, 16), "red").save(here / "red.jpg")
    (here / "bad.png").write_text("no picture")
    held = Item("t.parquet:0", data=(here / "good.png").read_bytes())
    items = [*items_of("good.png", "bad.png", "none.png", "red.jpg"), held, Item("t.parquet:1", problem="holds none")]
    records = list(predict_items(items, model=TorchModel.of_folder(model), top=4))
    assert [record["file"] for record in records] == [item.name for item in items]
    errors = [None, "this is no picture", "there is no such file", None, None, "holds none"]
    assert [record.get("error") for record in records] == errors
    for record in records:
        if "error" in record:
            nothing = {"script": None, "p": None, "top": [], "windows": 0, "agree": 0}
            assert {name: record[name] for name in nothing} == nothing
        else:
            assert record["script"] == record["top"][0]["script"]
            assert sum(one["p"] for one in record["top"]) == pytest.approx(1, abs=1e-5)
    assert records[4] == records[0] | {"file": "t.parquet:0"}


def test_pictures_are_predicted_in_order_whatever_the_batches(model, here, monkeypatch):
    rng = np.random.default_rng(0)
    files = [here / f"{n}.png" for n in range(7)]
    for file in files:
        Image.fromarray(rng.integers(0, 256, (16, 64)).astype(np.uint8)).save(file)
    whole, _ = predict_files(files, model=TorchModel.of_folder(model))
    for constant, value in (("BATCH", 3), ("PIXELS", 1)):
        monkeypatch.setattr(f"tasks.predict.predict.{constant}", value)
        parts, _ = predict_files(files, model=TorchModel.of_folder(model))
        assert [r["file"] for r in whole] == [r["file"] for r in parts] == [str(file) for file in files]
        np.testing.assert_allclose([r["p"] for r in whole], [r["p"] for r in parts], atol=1e-5)


def test_of_files_every_problem_is_told_whole(model, here):
    Image.new("L", (50, 20), 255).save(here / "good.png")
    (here / "bad.png").write_text("no picture")
    files = [Path(name) for name in ("bad.png", "good.png", "none.png")]
    records, problems = predict_files(files, model=TorchModel.of_folder(model))
    assert records == list(predict_items(items_of("good.png"), model=TorchModel.of_folder(model)))
    assert [problem.where for problem in problems] == ["bad.png", "none.png"]
    assert all(problem.fix for problem in problems)


def test_pictures_are_read_as_they_are_asked_for(model, here):
    Image.new("L", (50, 20), 255).save(here / "good.png")
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield Item("good.png", "good.png")

    records = predict_items(endless(), model=TorchModel.of_folder(model))
    assert next(records)["file"] == "good.png" and len(taken) == BATCH


def test_a_chunk_that_travels_holds_few_pictures_or_few_bytes():
    paths = items_of(*range(150))
    assert [len(chunk) for chunk in chunks_of(paths)] == [64, 64, 22]
    large = [Item(str(number), data=bytes(3 * 2**20)) for number in range(7)]
    assert [len(chunk) for chunk in chunks_of(large)] == [3, 3, 1]
    assert [item for chunk in chunks_of(paths) for item in chunk] == paths


def test_processes_answer_as_this_one_does_and_in_order(here):
    files = []
    for number in range(200):
        files.append(f"{number}.png")
        Image.new("L", (64, 16), number).save(here / files[-1])
    (here / "7.png").write_text("no picture")
    source = GreySource()
    here_alone = list(predict_items(items_of(*files), model=source.open(), top=2))
    many = predict_in_processes(items_of(*files), source, target="script", workers=2, top=2)
    assert list(many) == here_alone
    assert [record["file"] for record in here_alone] == files
    assert [record["file"] for record in here_alone if "error" in record] == ["7.png"]


def test_a_picture_that_ends_every_process_is_one_record(here):
    for name, grey in (("a.png", 10), ("b.png", DEADLY), ("c.png", 30)):
        Image.new("L", (64, 16), grey).save(here / name)
    items = items_of("a.png", "b.png", "c.png")
    records = list(predict_in_processes(items, GreySource(), target="script", workers=2))
    assert [record["file"] for record in records] == ["a.png", "b.png", "c.png"]
    assert ["process" in record.get("error", "") for record in records] == [False, True, False]


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
    others = {"another model's": 0.6, choice["weights"]: 0.8}
    write_json(PARAMS.home / "chosen.json", choice | {"weights": "another model's", "temperatures": others})
    assert temperature_of(PARAMS, folder) == 0.8  # measured, and not chosen
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
