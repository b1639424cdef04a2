"""The served model without MLflow's store: as MLflow calls it."""

import base64
import io
from types import SimpleNamespace

import mlflow
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from apps.served_model import ServedModel
from models.network import CropNet
from tasks.train.weights import save_model
from tests.toyhome import toy_params


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    settings = toy_params().network
    torch.manual_seed(0)
    network = CropNet(settings, labels=3, height=16, width=64)
    card = {
        "target": "script",
        "labels": ["Cyrl", "Latn", "Zxxx"],
        "nuisances": {},
        "height": 16,
        "width": 64,
    }
    save_model(folder, network, {**card, "network": settings.model_dump()})
    model = ServedModel()
    model.load_context(SimpleNamespace(artifacts={"weights": str(folder / "model.safetensors")}))
    return model


def png():
    file = io.BytesIO()
    Image.fromarray(np.full((20, 50), 128, np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_bytes_and_base64_get_the_same_prediction(served):
    images = pd.DataFrame({"image": [png(), base64.b64encode(png()).decode()]})
    first, second = served.predict(None, images, {"top": 2}).to_dict("records")
    assert first == second
    assert first["script"] == first["top"][0]["script"] and len(first["top"]) == 2


def many_png():
    """Bytes whose base64 has letters in which the two alphabets differ."""
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 90), np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    "written",
    [
        lambda data: base64.encodebytes(data).decode(),  # a line end after 76 letters, as `base64 FILE` has
        lambda data: "data:image/png;base64," + base64.b64encode(data).decode(),
        lambda data: " data:image/png;name=a.png;base64," + base64.encodebytes(data).decode().replace("\n", "\r\n"),
        lambda data: base64.urlsafe_b64encode(data).decode(),
        lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
    ],
    ids=["wrapped", "data", "named and wrapped", "url-safe", "without padding"],
)
def test_base64_as_programs_write_it_is_read(served, written):
    data = many_png()
    assert {"+", "/"} <= set(base64.b64encode(data).decode())
    first, second = served.predict(None, pd.DataFrame({"image": [data, written(data)]})).to_dict("records")
    assert first == second and first["error"] is None


@pytest.mark.parametrize("wrong", ["%%", "data:image/png,abc", "aGVsbG8*", None, 1.5, float("nan"), ["a"]])
def test_what_is_no_base64_is_said_of_its_row_and_the_others_are_answered(served, wrong):
    rows = served.predict(None, pd.DataFrame({"image": [wrong, png()]}, dtype=object)).to_dict("records")
    assert "this is no base64 (row 0)" in rows[0]["error"]
    assert rows[1]["error"] is None and rows[1]["script"]


def test_a_batch_of_bad_pictures_alone_is_answered(served):
    (row,) = served.predict(None, pd.DataFrame({"image": ["no picture"]})).to_dict("records")
    assert row["script"] is None and row["error"]


def test_more_letters_than_a_picture_may_have_bytes_are_not_decoded(served, monkeypatch):
    monkeypatch.setattr("apps.served_model.MOST_BYTES", 100)
    (row,) = served.predict(None, pd.DataFrame({"image": ["A" * 201]})).to_dict("records")
    assert "is larger than" in row["error"]


def test_a_bad_picture_does_not_spoil_its_neighbours(served, tmp_path):
    (tmp_path / "secret.png").write_bytes(png())
    images = pd.DataFrame({"image": ["%%", png(), base64.b64encode(b"text").decode(), str(tmp_path / "secret.png")]})
    predictions = served.predict(None, images)
    assert predictions["error"].isna().tolist() == [False, True, False, False]
    assert "row 0" in predictions["error"][0] and "this is no picture (row 2)" in predictions["error"][2]
    assert predictions["script"].isna().tolist() == [True, False, True, True]


def test_options_are_those_of_predict(served):
    images = pd.DataFrame({"image": [png()]})
    one = served.predict(None, images, {"among": "Cyrl, Latn", "abstain_below": 1.0}).iloc[0]
    assert one["script"] is None
    assert sum(guess["p"] for guess in one["top"]) == pytest.approx(1, abs=1e-5)
    for wrong in ({"top": 0}, {"among": "Klin"}, {"abstain_below": 2}):
        with pytest.raises(mlflow.MlflowException):
            served.predict(None, images, wrong)


def test_no_pictures_get_no_predictions(served):
    predictions = served.predict(None, pd.DataFrame({"image": []}))
    assert (
        list(predictions.columns) == ["script", "p", "top", "windows", "agree", "shares", "turned", "error"]
        and len(predictions) == 0
    )
