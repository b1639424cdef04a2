"""Where the store is, what is said of one that cannot be used, and that it moves with the project."""

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import mlflow
import pytest

from tasks.common.mlflow_store import client, experiment_of, store_uri, use_store
from unfont.errors import UserError


def test_the_store_is_sqlite_in_the_project_unless_the_user_says_otherwise(here, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert store_uri() == f"sqlite:///{here}/mlflow/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert store_uri() == "http://127.0.0.1:5000"


@pytest.mark.parametrize("name", ["a%20b", "a?b", "a#b"])
def test_a_folder_s_name_is_no_part_of_an_address_that_it_would_change(here, monkeypatch, name):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (here / name).mkdir()
    monkeypatch.chdir(here / name)
    assert store_uri() == "sqlite:///mlflow/mlflow.db"


def test_an_experiment_of_dvc_s_in_a_copy_is_recorded_in_the_project(here, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    copy = here / ".dvc" / "tmp" / "exps" / "tmp12"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    assert store_uri() == f"sqlite:///{here}/mlflow/mlflow.db"


@pytest.mark.parametrize(("uri", "ours"), [("sqlite:///{}/runs.db", True), ("http://127.0.0.1:9", False)])
def test_artifacts_have_an_address_of_ours_only_beside_a_local_store(here, monkeypatch, uri, ours):
    made = {}

    class Client:
        def get_experiment_by_name(self, name):
            return None

        def create_experiment(self, name, artifact_location):
            made[name] = artifact_location
            return "1"

    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(here))
    monkeypatch.setattr("tasks.common.mlflow_store.client", Client)
    assert experiment_of("debug") == "1"
    assert made == {"debug": "mlflow-artifacts:/debug" if ours else None}


def test_a_server_that_is_away_is_one_line_within_seconds(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    start = time.monotonic()
    with pytest.raises(UserError, match=r"does not answer.*127\.0\.0\.1:9.*unset MLFLOW_TRACKING_URI"):
        use_store()
    assert time.monotonic() - start < 60  # MLflow alone tries for four minutes


def test_a_damaged_file_is_one_line(store):
    (store / "mlflow" / "mlflow.db").write_bytes(b"no database" * 1000)
    with pytest.raises(UserError, match=r"cannot be read: file is not a database.*mlflow\.db.*move it away"):
        use_store()


def test_a_store_of_another_version_is_one_line(store):
    with closing(sqlite3.connect(store / "mlflow" / "mlflow.db")) as base:
        base.execute("UPDATE alembic_version SET version_num = '0123456789ab'")
        base.commit()
    with pytest.raises(UserError, match="mlflow db upgrade"):
        use_store()


def test_a_moved_project_finds_its_artifacts_and_writes_where_it_is(store, tmp_path_factory, monkeypatch):
    before = noted("before")
    moved = tmp_path_factory.mktemp("moved") / "a%20b ?"
    shutil.move(store, moved)
    monkeypatch.chdir(moved)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow sets it
    use_store()
    # MLflow keeps a run's repository for as long as the process lives: it is asked by the address.
    address = f"{client().get_run(before).info.artifact_uri}/note.txt"
    assert Path(mlflow.artifacts.download_artifacts(address)).read_text() == "before"
    after = noted("after")
    assert (moved / "mlflow/artifacts/debug" / after / "artifacts/note.txt").read_text() == "after"
    assert not store.exists()


def noted(text: str) -> str:
    use_store()
    with mlflow.start_run(experiment_id=experiment_of("debug")) as run:
        mlflow.log_text(text, "note.txt")
    return str(run.info.run_id)


def test_an_experiment_that_names_the_folder_before_a_move_is_kept_by_another_name(store):
    use_store()
    old = client().create_experiment("old", artifact_location="file:///nowhere/mlflow/artifacts/old")
    new = experiment_of("old")
    assert new != old and experiment_of("old") == new
    assert client().get_experiment(old).name == "old (moved)"
    assert client().get_experiment(new).artifact_location == "mlflow-artifacts:/old"


def test_an_experiment_that_names_this_folder_goes_on(store):
    use_store()
    here = (store / "mlflow" / "artifacts" / "old").as_uri()
    assert client().create_experiment("old", artifact_location=here) == experiment_of("old")


def test_an_installation_without_the_plug_in_is_one_line(store, monkeypatch):
    from mlflow.store.artifact.artifact_repository_registry import get_registered_artifact_repositories
    from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository

    monkeypatch.setitem(get_registered_artifact_repositories(), "mlflow-artifacts", MlflowArtifactsRepository)
    with pytest.raises(UserError, match=r"older than the code.*pip install -e \."):
        use_store()
