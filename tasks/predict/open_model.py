"""Which model predicts, where it is, and how to open it: in this process, or in a worker's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import unfont
from tasks.common.files import read_json
from tasks.common.params import Params
from tasks.predict.champion import NoModelYetError, find_model, temperature_of
from tasks.predict.named_model import CHAMPION, named_model
from tasks.train.card import weights_of
from unfont.answers import Model
from unfont.errors import UserError

ONNX = ".onnx"
SHIPPED = "shipped"  # the name of the model that comes with the library
SHIPPED_FILE = Path(unfont.__path__[0]) / "champion" / "model.onnx"
COMPARED = "shipped.json"  # in a problem's folder: the project's champion beside the shipped one, on validation


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """A model's file or folder; small enough to be sent to a process that opens it.

    Attributes:
        path: an ONNX file that `unfont export` wrote, or a model folder.
        temperature: of a folder's probabilities; an ONNX file has its own.
        name: as it is called where its answers are printed.
    """

    path: Path
    temperature: float = 1.0
    name: str

    def open(self) -> Model:
        """The model.

        Raises:
            UserError: a file is missing, truncated, or of something else.
        """
        if self.path.suffix == ONNX:
            from unfont.model import OnnxModel

            return OnnxModel(self.path)
        from tasks.predict.torch_model import TorchModel  # torch takes a second to import

        return TorchModel.of_folder(self.path, temperature=self.temperature)


def serving_model(params: Params | None) -> ModelSource:
    """The model that answers: the project's champion where it is better than the shipped one, else that.

    `register` compares the two on the project's own `validation` (`tasks.predict.shipped`). A champion of other labels,
    or one that was not compared, is the project's own wish.

    Args:
        params: of the project; None outside of one.

    Raises:
        UserError: the champion's files are gone, MLflow's store cannot be read, or another problem than scripts has no
            model.
    """
    shipped = ModelSource(path=SHIPPED_FILE, name=f"{SHIPPED} with unfont")
    if params is None:
        return shipped
    try:
        folder = find_model(params)
    except NoModelYetError:
        if params.problem != "scripts":
            raise
        return shipped
    own = own_source(params, folder, CHAMPION)
    compared = _comparison(params.home / COMPARED)
    if compared.get("weights") == weights_of(folder) and not compared.get("better", True):
        name = (
            f"{shipped.name}; the project's own is no better on validation: {compared['own']} to {compared['shipped']}"
        )
        return ModelSource(path=SHIPPED_FILE, name=name)
    return own


def named_source(params: Params | None, name: str, models: Mapping[str, Path]) -> ModelSource:
    """The model called `name`: shipped, an ONNX file, or one that `named_model` knows.

    Raises:
        UserError: there is no such model.
    """
    if name == SHIPPED:
        return ModelSource(path=SHIPPED_FILE, name=SHIPPED)
    if name.endswith(ONNX):
        if not Path(name).is_file():
            raise UserError("there is no model", where=name, fix="write one with `unfont export`")
        return ModelSource(path=Path(name), name=name)
    if params is None:
        raise UserError(f"there is no model '{name}'", where="--model", fix=f"name an {ONNX} file, or {SHIPPED}")
    return own_source(params, named_model(params, name, models), name)


def own_source(params: Params, folder: Path, name: str) -> ModelSource:
    """A model folder of the project's, with its temperature."""
    return ModelSource(path=folder, temperature=temperature_of(params, folder), name=f"{name} ({folder})")


def _comparison(file: Path) -> dict[str, Any]:
    try:
        found = read_json(file)
    except (OSError, json.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
