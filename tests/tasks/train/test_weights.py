import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tasks.common.files import read_json, sha256_of, write_json
from tasks.train.card import weights_of
from tasks.train.weights import check_size, load_model, new_network, save_model
from unfont.errors import UserError

CARD = {
    "problem": "toy",
    "target": "script",
    "labels": ["Grek", "Latn", "Zxxx"],
    "nuisances": {"font_style": ["serif"]},
    "height": 16,
    "width": 48,
    "network": {"channels": [4, 8], "downsampling": 2, "embedding": 8, "dropout": 0.1},
    "mode": "erm",
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_model(tmp_path / "model", new_network(CARD), CARD)
    return tmp_path / "model"


def test_a_model_comes_back_as_it_was_ready_to_predict(model: Path):
    torch.manual_seed(0)
    saved = new_network(CARD).eval()
    loaded, card = load_model(model)
    images = torch.rand(2, 1, 16, 48)
    assert torch.equal(loaded(images), saved(images))
    assert not loaded.training
    assert card == {**CARD, "channels": 1, "format": 1}


def test_a_card_without_channels_is_of_a_grey_model(model: Path):
    path = model / "model.json"
    card = read_json(path)
    del card["channels"]
    write_json(path, card)
    network, read = load_model(model)
    assert read["channels"] == network.channels == 1
    write_json(path, {**card, "channels": 2})
    with pytest.raises(UserError, match="no model card"):
        load_model(model)


def test_a_model_in_colour_comes_back_as_one(tmp_path: Path):
    card = {**CARD, "channels": 3}
    save_model(tmp_path / "model", new_network(card), card)
    network, read = load_model(tmp_path / "model")
    assert read["channels"] == network.channels == 3
    assert network(torch.rand(2, 3, 16, 48)).shape == (2, len(CARD["labels"]))


def test_a_model_that_erases_comes_back_with_its_layer(tmp_path: Path):
    card = {**CARD, "erased": 3}
    network = new_network(card).eval()
    network.eraser.weight.normal_()
    save_model(tmp_path / "model", network, card)
    loaded, read = load_model(tmp_path / "model")
    images = torch.rand(2, 1, 16, 48)
    assert read["erased"] == 3
    assert torch.equal(loaded(images), network(images))


def test_a_model_with_a_bottleneck_comes_back_with_it(tmp_path: Path):
    card = {**CARD, "margin": 0.25}
    network = new_network(card).eval()
    save_model(tmp_path / "model", network, card)
    loaded, read = load_model(tmp_path / "model")
    images = torch.rand(2, 1, 16, 48)
    assert (read["margin"], loaded.bottleneck.limit) == (0.25, 0.25)
    assert torch.equal(loaded(images), network(images))


def test_the_same_model_is_the_same_bytes_and_identity(model: Path, tmp_path: Path):
    loaded, card = load_model(model)
    save_model(tmp_path / "copy", loaded, card)
    for name in ("model.safetensors", "model.json"):
        assert sha256_of(model / name) == sha256_of(tmp_path / "copy" / name)
    assert weights_of(model) == sha256_of(model / "model.safetensors")


def truncate(model: Path) -> None:
    path = model / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def empty(model: Path) -> None:
    (model / "model.safetensors").write_bytes(b"")


def not_tensors(model: Path) -> None:
    (model / "model.safetensors").write_bytes(b"\x80\x04\x95pickle me" * 40)


def no_weights(model: Path) -> None:
    (model / "model.safetensors").unlink()


def another_shape(model: Path) -> None:
    card = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps({**card, "labels": ["Grek", "Latn"]}))


def not_numbers(model: Path) -> None:
    tensors = load_file(model / "model.safetensors")
    tensors["target_head.bias"][0] = float("nan")
    save_file(tensors, model / "model.safetensors")


def no_card(model: Path) -> None:
    (model / "model.json").unlink()


def no_folder(model: Path) -> None:
    shutil.rmtree(model)


def card_is_no_json(model: Path) -> None:
    (model / "model.json").write_text("{")


def card_is_a_list(model: Path) -> None:
    (model / "model.json").write_text("[1, 2]")


def labels_twice(model: Path) -> None:
    (model / "model.json").write_text(json.dumps({**CARD, "format": 1, "labels": ["Grek", "Grek", "Latn"]}))


def another_format(model: Path) -> None:
    (model / "model.json").write_text(json.dumps({**CARD, "format": 2}))


def all_erased(model: Path) -> None:
    (model / "model.json").write_text(json.dumps({**CARD, "format": 1, "erased": 8}))


def erased_without_the_layer(model: Path) -> None:
    (model / "model.json").write_text(json.dumps({**CARD, "format": 1, "erased": 3}))


def no_margin(model: Path) -> None:
    (model / "model.json").write_text(json.dumps({**CARD, "format": 1, "margin": 0}))


def a_margin_without_the_layer(model: Path) -> None:
    (model / "model.json").write_text(json.dumps({**CARD, "format": 1, "margin": 4.0}))


def senseless_network(model: Path) -> None:
    (model / "model.json").write_text(json.dumps({**CARD, "format": 1, "network": {"channels": "many"}}))


@pytest.mark.parametrize(
    "harm",
    [
        *(truncate, empty, not_tensors, no_weights, another_shape, not_numbers, no_card, no_folder),
        *(card_is_no_json, card_is_a_list, labels_twice, another_format, senseless_network),
        *(all_erased, erased_without_the_layer, no_margin, a_margin_without_the_layer),
    ],
)
def test_a_broken_model_is_one_line(model: Path, harm):
    harm(model)
    with pytest.raises(UserError) as caught:
        load_model(model)
    assert "\n" not in str(caught.value)
    assert str(model) in str(caught.value)


@pytest.mark.parametrize("shape", [(2, 16, 48), (2, 16, 48, 3)])
def test_crops_of_the_size_that_every_network_reads_pass(shape):
    assert check_size(np.zeros(shape, dtype=np.uint8), {"a": new_network(CARD)}, Path("table")) is None


def test_the_network_that_reads_crops_of_another_size_is_named():
    networks = {"a": new_network(CARD), "wide": new_network(CARD | {"width": 64})}
    with pytest.raises(UserError, match=r"crops are 16×48 pixels, but wide reads 16×64"):
        check_size(np.zeros((2, 16, 48), dtype=np.uint8), networks, Path("table"))
