"""Where MLflow keeps what is measured: SQLite and a folder of artifacts in the project, or the user's own server."""

import contextlib
import logging
import os
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from unfont.errors import UnreachableError, UserError

STORE = Path("mlflow")
SQLITE = "sqlite:///"
ARTIFACTS = "artifacts"  # the folder beside the SQLite file
PATIENCE_S = 5.0  # for a tracking server to take a connection; MLflow itself would try for four minutes

log = logging.getLogger("unfont")


def store_folder() -> Path:
    """The project's store, in the copies as well that `dvc exp run --temp` and `--queue` run in and delete."""
    here = Path.cwd()
    for folder in here.parents:
        if folder.parts[-3:] == (".dvc", "tmp", "exps"):
            return folder.parents[2] / STORE
    return here / STORE


def store_uri() -> str:
    """The tracking store: the user's `MLFLOW_TRACKING_URI`, or SQLite in the project's folder."""
    if named := os.environ.get("MLFLOW_TRACKING_URI"):
        return named
    path = str(store_folder() / "mlflow.db")
    # In an address these would begin a query or stand for another character. A relative one does without the folder.
    return f"{SQLITE}{os.path.relpath(path) if set('%?#') & set(path) else path}"


def sqlite_file() -> Path | None:
    """The store's file; None where the store is a server or another database."""
    uri = store_uri()
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def use_store() -> None:
    """Point MLflow at the project's store.

    Raises:
        UserError: the store cannot be made or read, is another version's, or its server does not answer; or the
            installation is older than the code.
    """
    import mlflow

    uri = store_uri()
    check_store()
    if sqlite_file() is not None:
        _check_plug_in()
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    with readable_store():
        client().search_experiments(max_results=1)


def check_store() -> None:
    """Look at the store without MLflow, which tries again for minutes where one cannot be reached.

    Raises:
        UserError: the folder cannot be written, or the file is damaged.
        UnreachableError: the server does not answer.
    """
    uri, file = store_uri(), sqlite_file()
    if file is None:
        _check_server(uri)
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot write the MLflow store: {error.strerror}",
            where=uri,
            fix="make the folder writable, or set MLFLOW_TRACKING_URI",
        ) from error
    if file.exists():
        _check_file(file)


def _check_plug_in() -> None:
    """Whether MLflow knows `apps.mlflow_artifacts`, as it does from an installation of this version on."""
    from mlflow.store.artifact.artifact_repository_registry import get_registered_artifact_repositories

    if get_registered_artifact_repositories()["mlflow-artifacts"].__module__ != "apps.mlflow_artifacts":
        raise UserError(
            "the installation is older than the code: MLflow would not find its artifacts",
            where="unfont-pipeline",
            fix="run `make run`, or `pip install -e .`",
        )


def _check_file(file: Path) -> None:
    try:
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as base:
            base.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        raise UserError(
            f"the MLflow store cannot be read: {error}",
            where=file,
            fix="put a copy of it there, or move it away: a new one is made",
        ) from error


def _check_server(uri: str) -> None:
    address = urlsplit(uri)
    if address.scheme not in ("http", "https") or address.hostname is None:
        return
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname, port), timeout=PATIENCE_S).close()
    except OSError as error:
        raise UnreachableError(
            f"the MLflow server does not answer: {error}",
            where=uri,
            fix="start it (`unfont ui` starts the project's own), or unset MLFLOW_TRACKING_URI",
        ) from error


class StoreGoneError(UnreachableError):
    """The tracking server went away while a run was recorded: nothing more can be said of that run."""


@contextlib.contextmanager
def reachable_store() -> Iterator[None]:
    """What MLflow says of a server that went away, in one line; other errors of MLflow stay as they are.

    Raises:
        StoreGoneError: the server does not answer any more.
    """
    from mlflow import MlflowException

    try:
        yield
    except MlflowException as error:
        try:
            check_store()
        except UnreachableError as gone:
            raise StoreGoneError(f"{gone.what}, in the middle of a run", where=gone.where, fix=gone.fix) from error
        raise


@contextlib.contextmanager
def readable_store() -> Iterator[None]:
    """What MLflow says of a store that it cannot use, in one line.

    Raises:
        UserError: the store is another version's or damaged, or its server stopped answering.
    """
    from alembic.util import CommandError
    from mlflow import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, CommandError) as error:
        said = str(error).strip().splitlines()[0]
        outdated = "schema" in said or "revision" in said
        raise UserError(
            f"MLflow cannot use this store: {said}",
            where=store_uri(),
            fix="keep a copy and run `mlflow db upgrade` with its address, or move it away: a new one is made"
            if outdated
            else "put a copy of it there, or set MLFLOW_TRACKING_URI",
        ) from error


def client() -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient()


def experiment_of(problem: str) -> str:
    """The id of the problem's experiment, which is made where it is missing.

    Its artifacts have an address without the project's folder (`apps.mlflow_artifacts`), so that the project
    can be moved. An experiment of an earlier version that names a folder elsewhere is kept under another name.
    """
    found = client().get_experiment_by_name(problem)
    local = sqlite_file() is not None
    if found is not None and local and is_elsewhere(found.artifact_location):
        log.warning("the project was moved: the runs before are in MLflow's experiment '%s (moved)'", problem)
        client().rename_experiment(found.experiment_id, _free_name(f"{problem} (moved)"))
        found = None
    if found is not None:
        return str(found.experiment_id)
    # A tracking server has its own place for artifacts.
    location = f"mlflow-artifacts:/{problem}" if local else None
    return str(client().create_experiment(problem, artifact_location=location))


def is_elsewhere(location: str) -> bool:
    """Whether artifacts are addressed by a folder, and it is not this project's."""
    here = (store_folder() / ARTIFACTS).as_uri()
    return urlsplit(location).scheme == "file" and not location.startswith(here)


def _free_name(name: str) -> str:
    number, free = 1, name
    while client().get_experiment_by_name(free) is not None:
        number += 1
        free = f"{name} {number}"
    return free


def make_store(problem: str) -> None:
    """Make the store and the problem's experiment once, at set-up: parallel first use races on its migrations."""
    use_store()
    experiment_of(problem)
