"""A file that is no model of ours is told in one line."""

import json

import onnx
import pytest

from unfont import OnnxModel, UserError
from unfont.model import CARD, CHAMPION


def with_card(path, change):
    model = onnx.load(CHAMPION)
    for entry in model.metadata_props:
        if entry.key == CARD:
            card = json.loads(entry.value)
            change(card)
            entry.value = json.dumps(card)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda card: card.pop("labels"), "no card of ours"),
        (lambda card: card.update(labels=card["labels"][1:]), "does not fit"),
        (lambda card: card.update(height=31), "does not fit"),
        (lambda card: card.update(format=99), "another version"),
        (lambda card: card.update(temperature=0), "does not fit"),
    ],
)
def test_a_card_that_does_not_fit_is_told(tmp_path, change, said):
    with pytest.raises(UserError, match=said):
        OnnxModel(with_card(tmp_path / "model.onnx", change))


def test_what_is_no_model_is_told(tmp_path):
    whole = CHAMPION.read_bytes()
    for name, data in {"cut": whole[: len(whole) // 2], "empty": b"", "text": b"no model"}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match="no ONNX model"):
            OnnxModel(tmp_path / name)
    with pytest.raises(UserError, match="there is no model"):
        OnnxModel(tmp_path / "none.onnx")
    bare = onnx.load(CHAMPION)
    del bare.metadata_props[:]
    onnx.save(bare, tmp_path / "bare.onnx")
    with pytest.raises(UserError, match="no card of ours"):
        OnnxModel(tmp_path / "bare.onnx")
