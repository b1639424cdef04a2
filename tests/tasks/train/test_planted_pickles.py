"""Nothing that a user can hand over is ever unpickled: a planted pickle does not run."""

import os
import pickle

import pytest
import torch

from models.network import CropNet
from tasks.train.weights import load_model, load_tensors, save_model
from tests.toyhome import toy_params
from unfont.errors import UserError
from unfont.model import OnnxModel


class Planted:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def plain(planted, file):
    file.write_bytes(pickle.dumps(planted))


def zipped(planted, file):
    torch.save({"state_dict": planted}, file)


@pytest.fixture(params=[plain, zipped], ids=["a pickle", "torch.save"])
def plant(request, tmp_path):
    ran = tmp_path / "ran"
    yield lambda file: request.param(Planted(ran), file)
    assert not ran.exists()


def test_the_planted_one_would_run(tmp_path):
    plain(Planted(tmp_path / "ran"), tmp_path / "file")
    pickle.loads((tmp_path / "file").read_bytes())
    assert (tmp_path / "ran").is_dir()


@pytest.mark.parametrize("name", ["model.safetensors", "model.json"])
def test_in_a_model_folder(tmp_path, plant, name):
    settings = toy_params().network
    card = {"target": "script", "labels": ["Cyrl", "Latn"], "nuisances": {}, "height": 16, "width": 64}
    save_model(
        tmp_path / "model",
        CropNet(settings, labels=2, height=16, width=64),
        {**card, "network": settings.model_dump()},
    )
    load_model(tmp_path / "model")
    plant(tmp_path / "model" / name)
    with pytest.raises(UserError):
        load_model(tmp_path / "model")


def test_in_a_checkpoint(tmp_path, plant):
    plant(tmp_path / "state.safetensors")
    with pytest.raises(UserError):
        load_tensors(tmp_path / "state.safetensors")


def test_in_an_onnx_file(tmp_path, plant):
    plant(tmp_path / "model.onnx")
    with pytest.raises(UserError):
        OnnxModel(tmp_path / "model.onnx")
