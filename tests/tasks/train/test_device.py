"""What is trained and scored on another device is what the processor trains and scores."""

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from models.inference import fused
from tasks.common.device import device_of
from tasks.crop_table.shards import read_images
from tasks.evaluate.predictions import _score_batch, open_models
from tasks.mine.score import score_pool
from tasks.train.weights import load_tensors
from tests.pretended_gpu import DEVICE, pretended_gpu
from tests.tasks.toycrops import make_round_0, make_toy_table, toy_params
from unfont.errors import UserError

PARAMS = toy_params(invariance={"modes": ["conditional"]})


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_table(tmp_path_factory.mktemp("device") / "table")


@pytest.fixture(params=["pretended", pytest.param("cuda", marks=pytest.mark.gpu)])
def gpu(request, monkeypatch):
    """A device that is not the processor, which `device: auto` finds."""
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("torch finds no GPU")
    if request.param == "pretended":
        for module in ("tasks.train.loop", "tasks.mine.score_part"):
            monkeypatch.setattr(
                f"{module}.device_of", lambda setting: DEVICE if setting == "auto" else device_of(setting)
            )
    with pretended_gpu(monkeypatch) if request.param == "pretended" else nullcontext(torch.device("cuda")) as found:
        yield found


class StopAfterOne:
    def __call__(self, line: str) -> None:
        if line.startswith("epoch"):
            raise KeyboardInterrupt


@pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter")  # it is not one
def test_a_training_is_the_same_and_goes_on_from_its_checkpoint(gpu, table, tmp_path):
    metrics = make_round_0(PARAMS.model_copy(update={"device": "cpu"}), table, tmp_path / "own")
    with pytest.raises(KeyboardInterrupt):
        make_round_0(PARAMS, table, tmp_path / "0", progress=StopAfterOne())
    there = make_round_0(PARAMS, table, tmp_path / "0")
    assert there["validation_accuracy"] == pytest.approx(metrics["validation_accuracy"], abs=0.03)
    own, other = (load_tensors(tmp_path / name / "model.safetensors") for name in ("own", "0"))
    for name, weight in own.items():
        assert torch.allclose(other[name], weight, atol=0.05), name


def test_scores_are_the_same(gpu, table, tmp_path):
    make_round_0(PARAMS.model_copy(update={"device": "cpu"}), table, tmp_path / "0")
    for device in ("cpu", "auto"):
        score_pool(
            tmp_path / "0", table=table, out=tmp_path / device, work=tmp_path / f"{device}-work", severity="light",
            nuisance="font_style", fan_out=map, device=device,
        )  # fmt: skip
    own, other = (pq.read_table(tmp_path / device, columns=["key", "p"]) for device in ("cpu", "auto"))
    assert own["key"] == other["key"]
    assert np.allclose(own["p"], other["p"], atol=1e-3)


def test_predictions_are_the_same(gpu, table, tmp_path):
    make_round_0(PARAMS.model_copy(update={"device": "cpu"}), table, tmp_path / "0")
    pixels, rows = read_images(table, ["validation"])
    found = []
    for device in (torch.device("cpu"), gpu):
        models = open_models({"0": tmp_path / "0"}, device)
        networks = {"0": fused(models["0"].network)}
        batch = _score_batch(
            pixels, rows["key"].tolist(), networks=networks, models=models, wanted=[("0", "heavy")], keep_logits=True
        )
        found.append(batch["0", "heavy"].logits)
    assert np.allclose(*found, atol=1e-3)


@pytest.mark.parametrize(
    ("has", "setting", "kind"), [(True, "auto", "cuda"), (False, "auto", "cpu"), (True, "cpu", "cpu")]
)
def test_auto_is_a_gpu_where_there_is_one(monkeypatch, has, setting, kind):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has)
    assert device_of(setting).type == kind


def test_a_gpu_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="finds no GPU that it can use"):
        device_of("cuda")
