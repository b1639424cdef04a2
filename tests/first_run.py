"""The debug project after its first `unfont run`: made once, since that takes a minute, and a copy kept of it."""

import os
import shutil
import time
from pathlib import Path

import pytest

from tests.project import make_project, unfont

KEPT, MAKING = "first-run", "first-run.making"
PATIENCE_S = 900


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """What the processes of one test session have in common."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def make_first_run(folder: Path, shared: Path) -> None:
    """Set up and run the debug project in `folder`, and keep a copy in `shared`."""
    making = shared / MAKING
    try:
        making.mkdir()
    except FileExistsError:
        making = None  # another process keeps its own
    try:
        make_project(folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            patch.delenv("MLFLOW_TRACKING_URI", raising=False)
            for command in ("setup", "run"):
                status, said = unfont(command)
                assert status == 0, said
        if making:
            copy = shutil.copytree(folder, making / "project", symlinks=True)
            copy.rename(shared / KEPT)
    finally:
        if making:
            shutil.rmtree(making)


def kept_first_run(shared: Path) -> Path | None:
    """The copy, waited for where another process makes it; None where nobody does."""
    kept, end = shared / KEPT, time.monotonic() + PATIENCE_S
    while not kept.exists() and (shared / MAKING).exists() and time.monotonic() < end:
        time.sleep(0.5)
    return kept if kept.exists() else None
