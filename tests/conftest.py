"""What the whole session shares: quiet tools, one thread a process, no time limits, one real Prefect server."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import tasks  # noqa: F401  (switches telemetry off before Prefect, MLflow or DVC is imported)

# Two test processes on two cores, and the stages that they start: more threads would wait for one another, spinning.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# A busy machine is slow: no example fails by the time that it takes.
settings.register_profile("unfont", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unfont")

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where processes share the files, the longest come first, so that no process waits for another at the end."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: item.get_closest_marker("e2e") is None)


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A real Prefect server with a database of its own, started once."""
    from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    results = tmp_path_factory.mktemp("prefect-results")
    with (
        temporary_settings({PREFECT_LOCAL_STORAGE_PATH: results}),
        prefect_test_harness(server_startup_timeout=300),
    ):
        yield


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory, prefect_server: None) -> Path:
    """The debug project's folder after its first `unfont run`, under this process's Prefect server."""
    from tests.first_run import make_first_run, shared_folder

    folder = tmp_path_factory.mktemp("e2e") / "project"
    make_first_run(folder, shared_folder(tmp_path_factory))
    return folder


@pytest.fixture(scope="session")
def reported_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the home of `tests.toyreport.REPORTED` and its report: to be read, for a report takes seconds."""
    from tests.toyreport import make_reported_project

    folder = tmp_path_factory.mktemp("reported")
    make_reported_project(folder)
    return folder


@pytest.fixture(scope="session")
def reported(reported_project: Path) -> Path:
    """The home of the reported project; its report is the folder `report` in it."""
    from tests.toyreport import REPORTED

    return reported_project / REPORTED.home


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated store, made once: its migrations take seconds."""
    from tasks.common.mlflow_store import make_store

    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        make_store("debug")
    return folder / "mlflow"


@pytest.fixture
def store(empty_store: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with an empty MLflow store for the experiment `debug`."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(empty_store, here / "mlflow")
    return here
