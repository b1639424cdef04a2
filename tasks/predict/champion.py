"""Which model predicts: the registered champion if there is one, else the pipeline's choice."""

import contextlib
import json
from pathlib import Path
from typing import Any

from tasks.common.dvc_stage import WORK
from tasks.common.files import read_json, sha256_of, write_json
from tasks.common.mlflow_store import check_store, client, is_elsewhere, readable_store, sqlite_file, use_store
from tasks.common.params import Params
from tasks.evaluate.model_selection import read_choice
from tasks.train.card import read_card, weights_of
from unfont.errors import UserError

MODEL_NAME = "unfont"
ALIAS = "champion"
WEIGHTS_TAG = "weights_sha256"
ARTIFACTS = "artifacts"  # where MLflow keeps the two files of a logged model: a model folder
ASKED = WORK / "champion.json"  # what MLflow said last, and of which store


class NoModelYetError(UserError):
    """Nothing was trained or registered so far."""


def registered_name(problem: str) -> str:
    """`unfont` for scripts, `unfont-<problem>` for any other: two problems' models never compete."""
    return MODEL_NAME if problem == "scripts" else f"{MODEL_NAME}-{problem}"


def find_model(params: Params) -> Path:
    """The folder of the model that serves: the registered champion's, or the one of `chosen.json`.

    MLflow takes seconds to import. So its answer is kept for as long as its SQLite file is the same, and a champion
    whose weights are the chosen model's is read from the pipeline's own folder.

    Raises:
        NoModelYetError: there is none.
        UserError: the champion's files are gone, or the store cannot be read.
    """
    name, chosen = registered_name(params.problem), _chosen_folder(params.home)
    champion = _champion_weights(name)
    if champion is None:
        return _or_none_yet(chosen, params.home)
    if chosen is not None and champion == sha256_of(chosen / "model.safetensors"):
        return chosen
    use_store()
    return artifacts_of_version(name, client().get_model_version_by_alias(name, ALIAS).version)


def temperature_of(params: Params, folder: Path) -> float:
    """By what the logits of the model in `folder` are divided, before they become probabilities.

    A registered model carries its own in its card; those of the models that `evaluate` measured are in
    `chosen.json`; of any other nothing is known, and it is 1.

    Raises:
        UserError: the folder holds no model.
    """
    own = read_card(folder).get("temperature")
    if own is not None:
        return float(own)
    choice = read_choice(params.home)
    if choice is None:
        return 1.0
    weights = weights_of(folder)
    known = {choice["weights"]: choice["temperature"]} | choice["temperatures"]
    return float(known.get(weights, 1.0))


def artifacts_of_version(name: str, version: object) -> Path:
    """The model folder inside of a registered version, on this machine.

    Raises:
        UserError: the store does not give it, or names a folder outside of a project that was moved.
    """
    import mlflow

    uri = f"models:/{name}/{version}"
    place = client().get_model_version_download_uri(name, str(version))
    if sqlite_file() is not None and is_elsewhere(place):
        raise UserError(
            "the registered model's files are in the folder that the project was moved from",
            where=place,
            fix="run `unfont register`",
        )
    try:
        return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri)) / ARTIFACTS
    except (mlflow.MlflowException, OSError) as error:
        raise UserError(
            f"the registered model's files cannot be downloaded: {error}",
            where=uri,
            fix="move the alias to another version in `unfont ui`, or delete it",
        ) from error


def _chosen_folder(home: Path) -> Path | None:
    choice = read_choice(home)
    if choice is None:
        return None
    folder = home / str(choice["path"])
    return folder if (folder / "model.safetensors").is_file() else None


def _or_none_yet(chosen: Path | None, home: Path) -> Path:
    if chosen is None:
        raise NoModelYetError("there is no model yet", where=home, fix="run `unfont run`")
    return chosen


def _champion_weights(name: str) -> str | None:
    """SHA-256 of the champion's weights, '' where MLflow does not say; None where there is no champion."""
    file = sqlite_file()
    if file is not None and not file.exists():
        return None
    check_store()
    state = _state_of(file) if file is not None else None
    known = _asked()
    if state is not None and known.get("store") == state and name in known.get("champions", {}):
        return known["champions"][name]
    weights = _ask(name)
    # What another process wrote meanwhile may be another champion: it is asked for next time.
    if file is not None and _state_of(file) == state:
        # Where nothing can be written, MLflow is asked each time.
        with contextlib.suppress(UserError, OSError):
            write_json(ASKED, {"store": state, "champions": {name: weights}})
    return weights


def _ask(name: str) -> str | None:
    use_store()
    from mlflow import MlflowException

    with readable_store():
        try:
            return str(client().get_model_version_by_alias(name, ALIAS).tags.get(WEIGHTS_TAG, ""))
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise


def _state_of(file: Path) -> list[Any]:
    """What changes when SQLite writes."""
    found = file.stat()
    return [str(file.absolute()), found.st_size, found.st_mtime_ns]


def _asked() -> dict[str, Any]:
    try:
        found = read_json(ASKED)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
