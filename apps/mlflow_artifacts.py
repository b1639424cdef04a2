"""Artifacts beside MLflow's SQLite file, at addresses that do not name the project's folder, so that it can be moved.

`mlflow-artifacts:/scripts/…` is MLflow's own address of files that a tracking server hands out. Without a server MLflow
refuses it; here it is the folder `artifacts` beside the SQLite file. `pyproject.toml` registers it as MLflow's plug-in,
so that `mlflow models serve` and MLflow's other commands follow it as well.

A logged model brings its own `tasks` and `unfont`, and this is loaded before them: it imports neither.
"""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

SQLITE = "sqlite:///"


def artifacts_of(artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> Any:
    """MLflow's repository of the artifacts at `artifact_uri`.

    Raises:
        MlflowException: the address leads out of the folder.
    """
    import mlflow
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
    from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository

    store = tracking_uri or mlflow.get_tracking_uri()
    if not store.startswith(SQLITE):
        return MlflowArtifactsRepository(artifact_uri, tracking_uri, registry_uri)
    folder = Path(store.removeprefix(SQLITE)).absolute().parent / "artifacts"
    path = folder / unquote(urlsplit(artifact_uri).path).lstrip("/")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise mlflow.MlflowException.invalid_parameter_value(f"the address leads out of {folder}: {artifact_uri}")
    return LocalArtifactRepository(path.as_uri(), tracking_uri, registry_uri)
