"""Which model answers: the project's own where it is better on validation, else the one that is shipped."""

import numpy as np
import pytest
import torch

from models.degrade import SEVERITIES, degrade, seeds_of
from tasks.common.files import read_json, write_json
from tasks.crop_table.shards import read_images
from tasks.predict.export import export_model
from tasks.predict.open_model import COMPARED, SHIPPED, SHIPPED_FILE, named_source, serving_model
from tasks.predict.shipped import compare_with_shipped
from tasks.predict.torch_model import TorchModel
from tasks.train.batches import as_images
from tests.toyhome import make_toy_home, toy_params
from unfont.errors import UserError

PARAMS, FACES = toy_params(), toy_params(problem="faces")


@pytest.fixture
def params(here, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    make_toy_home(here / "made", params=PARAMS)
    (here / PARAMS.home).parent.mkdir(parents=True)
    (here / "made/home").rename(here / PARAMS.home)
    return PARAMS


def chosen(params):
    return params.home / str(read_json(params.home / "chosen.json")["path"])


def test_the_two_are_compared_on_the_same_degraded_validation_crops(params, here):
    other = TorchModel.of_folder(params.home / "rounds/0")
    export_model(other, here / "shipped.onnx", name="shipped")
    found = compare_with_shipped(params, chosen(params), table=params.home / "table", file=here / "shipped.onnx")
    pixels, rows = read_images(params.home / "table", ["validation"])
    images = degrade(as_images(torch.from_numpy(pixels)), seeds_of(rows["key"].tolist(), 0), SEVERITIES["light"])
    text = (rows["script"] != "Zxxx").to_numpy() & ~(rows["ambiguous"] == True).to_numpy()  # noqa: E712
    for name, model in {"own": TorchModel.of_folder(chosen(params)), "shipped": other}.items():
        with torch.inference_mode():
            predicted = np.array(model.labels)[model.network(images).argmax(1)]
        assert found[name] == pytest.approx((predicted == rows["script"].astype(str))[text].mean(), abs=1e-4)
    assert found["better"] == (found["own"] > found["shipped"])
    assert read_json(params.home / COMPARED) == found


def test_a_model_of_other_labels_is_not_compared_and_serves(params):
    found = compare_with_shipped(params, chosen(params), table=params.home / "table")
    assert (found["own"], found["shipped"], found["better"]) == (None, None, True)
    assert serving_model(params).path == chosen(params)


def test_the_better_one_serves_and_says_so(params):
    weights = read_json(params.home / "chosen.json")["weights"]
    worse = {"weights": weights, "own": 0.8, "shipped": 0.9, "better": False}
    write_json(params.home / COMPARED, worse)
    source = serving_model(params)
    assert source.path == SHIPPED_FILE and "no better on validation: 0.8 to 0.9" in source.name
    # What was measured of other weights says nothing.
    write_json(params.home / COMPARED, worse | {"weights": "0" * 64})
    assert serving_model(params).path == chosen(params)
    (params.home / COMPARED).write_text("{ cut", encoding="utf-8")
    assert serving_model(params).path == chosen(params)
    assert str(chosen(params)) in serving_model(params).name


def test_before_any_training_and_outside_of_a_project_the_shipped_one_serves(here, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for params in (None, PARAMS):
        source = serving_model(params)
        assert source.path == SHIPPED_FILE and source.open().target == "script"
    with pytest.raises(UserError, match="no model yet"):
        serving_model(FACES)


def test_models_are_named(params):
    models = {"round-0": params.home / "rounds/0"}
    assert named_source(params, SHIPPED, models).path == SHIPPED_FILE
    assert named_source(None, str(SHIPPED_FILE), {}).open().labels
    source = named_source(params, "round-0", models)
    assert source.path == models["round-0"] and source.open().target == "script"
    for name, said in (("none.onnx", "there is no model"), ("round-9", "choose one of")):
        with pytest.raises(UserError, match=said):
            named_source(params, name, models)
    with pytest.raises(UserError, match="or shipped"):
        named_source(None, "round-0", {})
