"""Which model predicts: the registered champion if there is one, else the pipeline's choice."""

import contextlib
import sqlite3
from pathlib import Path

from tasks.common.files import sha256_of
from tasks.common.mlflow_runs import store_uri, use_store
from tasks.common.params import Params
from tasks.evaluate.model_selection import read_choice
from tasks.train.card import read_card, weights_of
from unfont.errors import UserError

MODEL_NAME = "unfont"
ALIAS = "champion"
WEIGHTS_TAG = "weights_sha256"
ARTIFACTS = "artifacts"  # where MLflow keeps the two files of a logged model: a model folder
SQLITE = "sqlite:///"


def registered_name(problem: str) -> str:
    """`unfont` for scripts, `unfont-<problem>` for any other: two problems' models never compete."""
    return MODEL_NAME if problem == "scripts" else f"{MODEL_NAME}-{problem}"


def find_model(params: Params) -> Path:
    """The folder of the model that serves: the registered champion's, or the one of `chosen.json`.

    MLflow takes seconds to import. So its store is read directly for a champion, and a
    champion whose weights are the chosen model's is read from the pipeline's own folder.

    Raises:
        UserError: there is no model yet, or the champion's files are gone.
    """
    name, chosen = registered_name(params.problem), _chosen_folder(params.home)
    champion = _champion_in_sqlite(name)
    if champion == "":
        return _or_none_yet(chosen, params.home)
    if champion is not None and chosen is not None and champion == sha256_of(chosen / "model.safetensors"):
        return chosen
    return _champion_folder(name) or _or_none_yet(chosen, params.home)


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


def champion_artifacts(uri: str) -> Path:
    """The model folder inside of a logged model, on this machine.

    Raises:
        UserError: the store does not give it.
    """
    import mlflow

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
        raise UserError("there is no model yet", where=home, fix="run `unfont run`")
    return chosen


def _champion_in_sqlite(name: str) -> str | None:
    """The weights' hash of the champion, '' if there is none, None if only MLflow knows."""
    uri = store_uri()
    if not uri.startswith(SQLITE):
        return None
    file = Path(uri.removeprefix(SQLITE))
    if not file.exists():
        return ""
    # The tables are MLflow's own: whatever is not as expected is left to its API.
    with contextlib.suppress(sqlite3.Error), contextlib.closing(_read_only(file)) as store:
        query = (
            "SELECT tag.value FROM registered_model_aliases AS alias LEFT JOIN model_version_tags AS tag"
            " ON tag.name = alias.name AND tag.version = alias.version AND tag.key = ?"
            " WHERE alias.name = ? AND alias.alias = ?"
        )
        row = store.execute(query, (WEIGHTS_TAG, name, ALIAS)).fetchone()
        return "" if row is None else row[0]
    return None


def _read_only(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=1)


def _champion_folder(name: str) -> Path | None:
    use_store()
    from mlflow import MlflowException
    from mlflow.tracking import MlflowClient

    try:
        MlflowClient().get_model_version_by_alias(name, ALIAS)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise UserError(
            f"the MLflow store does not answer: {error}", where=store_uri(), fix="check MLFLOW_TRACKING_URI"
        ) from error
    return champion_artifacts(f"models:/{name}@{ALIAS}")
