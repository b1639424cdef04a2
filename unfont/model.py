"""Models as ONNX files, run by onnxruntime; the file carries its card."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from unfont.answers import Model
from unfont.errors import UserError

FORMAT = 1
CARD = "unfont"  # the key of the card, JSON, in the file's metadata
CROPS, LOGITS = "crops", "logits"  # the graph's input uint8 [n, height, width] or [..., 3], and its output [n, labels]
PART = 256  # crops at a time
CHAMPION = Path(__file__).parent / "champion" / "model.onnx"
FIX = "write it again with `unfont export`, or name another file"


class OnnxModel(Model):
    """A model that `unfont export` wrote.

    Attributes:
        card: as of any model, with its `temperature` and `name`.
    """

    def __init__(self, file: str | Path = CHAMPION, *, threads: int = 1) -> None:
        """Read a model.

        Args:
            threads: of a prediction; they do not spin while they wait.

        Raises:
            UserError: there is no such file, or it is none that `unfont export` wrote.
        """
        path = Path(file)
        if not path.is_file():
            raise UserError("there is no model", where=path, fix=FIX)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                path.read_bytes(), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors have no common base
            raise UserError("this is no ONNX model", where=path, fix=FIX) from error
        card = _card_of(self._session, path)
        super().__init__(card, temperature=card["temperature"])

    def logits(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """[n, labels] of crops uint8 [n, height, width], of three channels [..., 3]."""
        parts = [crops[start : start + PART] for start in range(0, len(crops), PART)]
        return np.concatenate([self._session.run([LOGITS], {CROPS: part})[0] for part in parts])


@cache
def champion() -> OnnxModel:
    """The model that is shipped with this package, read once."""
    return OnnxModel()


def _card_of(session: Any, path: Path) -> dict[str, Any]:
    try:
        card: dict[str, Any] = json.loads(session.get_modelmeta().custom_metadata_map[CARD])
        shape = [card["height"], card["width"], *([3] if card["channels"] == 3 else [])]
        fits = (
            card["format"] == FORMAT
            and session.get_inputs()[0].shape[1:] == shape
            and session.get_outputs()[0].shape[1:] == [len(card["labels"])]
            and all(isinstance(label, str) for label in [*card["labels"], card["target"], card["name"]])
            and 0 < float(card["temperature"]) < float("inf")
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise UserError("this model has no card of ours", where=path, fix=FIX) from None
    if not fits:
        raise UserError("this model's card does not fit it, or is of another version", where=path, fix=FIX)
    return card
