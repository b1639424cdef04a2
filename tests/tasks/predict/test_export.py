"""An exported model says what the network says."""

import numpy as np
import onnx
import pytest
import torch

from models.network import CropNet
from models.settings import NetworkSettings
from tasks.predict.export import export_model
from tasks.predict.torch_model import TorchModel
from tasks.train.batches import as_images
from unfont import OnnxModel, UserError
from unfont.answers import answers

LABELS = ["Cyrl", "Grek", "Latn", "Zxxx"]


def model_of(channels: int, *, erases: bool = False, limit: float | None = None) -> TorchModel:
    torch.manual_seed(channels)
    settings = NetworkSettings(channels=[8, 16], embedding=16, downsampling=2, dropout=0.1)
    network = CropNet(settings, labels=4, height=32, width=128, channels=channels, erases=erases, limit=limit)
    with torch.no_grad():
        if network.eraser is not None:
            network.eraser.weight.normal_(0, 0.3)
            network.eraser.bias.normal_()
        for module in network.modules():  # as after a training: batch statistics that are not 0 and 1
            if isinstance(module, torch.nn.BatchNorm2d | torch.nn.BatchNorm1d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 2)
    card = {"target": "script", "labels": LABELS, "height": 32, "width": 128, "channels": channels}
    return TorchModel(network.eval(), card, temperature=0.7)


@pytest.fixture(scope="module", params=[(1, False, None), (3, False, None), (1, True, None), (1, False, 1.0)])
def exported(request, tmp_path_factory):
    channels, erases, limit = request.param
    model = model_of(channels, erases=erases, limit=limit)
    file = tmp_path_factory.mktemp("exported") / "model.onnx"
    export_model(model, file, name="a model")
    return model, file


def test_torch_and_onnxruntime_agree_on_a_thousand_crops(exported):
    model, file = exported
    written = OnnxModel(file)
    rng = np.random.default_rng(1)
    crops = rng.integers(0, 256, (1000, 32, 128, *([3] if model.shape[2] == 3 else [])), np.uint8)
    crops[:500, 8:24, 20:90] //= 4  # ink
    crops[500:600] = 200  # blank
    crops[600:700, :, ::2], crops[600:700, :, 1::2] = 0, 255  # stripes: as much ink as ground
    with torch.inference_mode():
        expected = model.network(as_images(torch.from_numpy(crops), model.shape[2])).numpy()
    # A half has eleven binary digits: each weight is off by up to 1/2048 of itself.
    np.testing.assert_allclose(written.logits(crops), expected, atol=np.ptp(expected) / 500)
    np.testing.assert_allclose(written.probabilities(crops), model.probabilities(crops), atol=0.005)


def test_large_weights_take_two_bytes_each_and_what_no_half_holds_four(tmp_path):
    model = model_of(1)
    export_model(model, tmp_path / "model.onnx", name="a model")
    halves = [one for one in onnx.load(tmp_path / "model.onnx").graph.initializer if one.data_type == 10]
    assert sorted(onnx.numpy_helper.to_array(one).size for one in halves) == [8 * 16 * 9]
    with torch.no_grad():
        model.network.backbone[1].conv.weight[0, 0, 0, 0] = 1e6  # beyond the largest half, in a map that is not read
        model.network.embedding.linear.weight[:, ::16] = 0
    export_model(model, tmp_path / "large.onnx", name="a model")
    assert not [one for one in onnx.load(tmp_path / "large.onnx").graph.initializer if one.data_type == 10]


def test_the_file_has_the_card_and_nothing_of_this_machine(exported):
    model, file = exported
    written = OnnxModel(file)
    assert (list(written.labels), written.target, written.shape) == (LABELS, "script", model.shape)
    assert (written.card["temperature"], written.card["name"]) == (0.7, "a model")
    proto = onnx.load(file)
    assert [entry.key for entry in proto.metadata_props] == ["unfont"]
    assert not any(node.metadata_props or node.doc_string for node in proto.graph.node)
    assert b".py" not in file.read_bytes()


def test_the_same_model_is_the_same_bytes_and_answers_the_same(exported, tmp_path):
    model, file = exported
    export_model(model, tmp_path / "again.onnx", name="a model")
    assert (tmp_path / "again.onnx").read_bytes() == file.read_bytes()
    if model.shape[2] == 1:
        picture = np.random.default_rng(0).integers(0, 256, (60, 200), np.uint8)
        theirs, ours = answers(OnnxModel(file), [picture])[0], answers(model, [picture])[0]
        assert theirs["script"] == ours["script"] and theirs["p"] == pytest.approx(ours["p"], abs=1e-3)


def test_what_differs_from_the_network_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(OnnxModel, "logits", lambda self, crops: np.zeros((len(crops), 4)))
    with pytest.raises(UserError, match="from the network's"):
        export_model(model_of(1), tmp_path / "model.onnx", name="a model")
    assert list(tmp_path.iterdir()) == []
