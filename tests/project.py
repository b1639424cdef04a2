"""A small project of one's own: the debug problem (three scripts, three styles, small crops) in a temporary folder."""

import contextlib
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.toyfonts import make_toy_fonts

SOURCES = (
    "apps",
    "flows",
    "tasks",
    "models",
    "unfont",
    "profiles",
    "dvc.yaml",
    ".dvc/plots",
    ".dvcignore",
    "params.yaml",
    "data/.gitignore",
    "data/pictures/README.md",
    "data/real/README.md",
    "data/reviews/README.md",
    "data/words/README.md",
)

DEBUG: dict[str, Any] = {
    "problem": "debug",
    "problems": {"debug": {"target": "script", "nuisances": ["font_style"], "group": "design", "source": "drawn"}},
    "threads": 1,
    "fonts": {"source": "toyfonts", "weights": [400], "reinked": {"designs": 0, "pens": 0, "workers": 1}},
    "words": {"scripts": ["Grek", "Hebr", "Latn"], "drawn": 100, "common": 0, "others": 0},
    "crops": {
        "height": 16,
        "width": 48,
        "text": {"train": 240, "pool": 60, "validation": 30, "test_seen": 30, "test_unseen": 30},
        "background": {"train": 60, "pool": 300, "validation": 40, "test_seen": 40, "test_unseen": 40},
        "workers": 1,
    },
    "degrade": {"rotation": 2.0, "blur": 0.2, "contrast": 0.2, "invert": 0.0, "texture": 0.05, "noise": 0.02},
    "network": {"channels": [16, 24, 32], "embedding": 16},
    "train": {"epochs": 15, "batch": 32, "learning_rate": 0.01, "processes": 1},
    "mine": {"threshold": 0.3, "share": 0.2, "epochs": 1},
    "evaluate": {"batch": 64, "resamples": 200},
    "probe": {"train": 200, "test": 60, "decays": [0.1, 0.01], "epochs": 3},
    "compare": {"crops": 60, "batch": 16},
    "attribution": {"parts": 4, "randomised": 1, "report_steps": 4},
    "report": {"top": 4, "mistakes": 6, "steps": 8, "search": 6},
}


def make_project(folder: Path, **overrides: Any) -> Path:
    """A Git and DVC repository in `folder` with the project's own code and the debug problem's params."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, folder / name)
    shutil.copy(ROOT / ".dvc" / "config", folder / ".dvc" / "config")
    make_toy_fonts(folder / "toyfonts")
    write_params(folder, {**DEBUG, **overrides})
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def write_params(folder: Path, changes: dict[str, Any]) -> None:
    """Merge `changes` into the folder's params.yaml, section by section."""
    path = folder / "params.yaml"
    values = merged(yaml.safe_load(path.read_text(encoding="utf-8")), changes)
    path.write_text(yaml.safe_dump(values), encoding="utf-8")


def merged(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: merged(values[key], changes[key])
        for key in values.keys() & changes.keys()
        if isinstance(values[key], dict) and isinstance(changes[key], dict)
    }
    return {**values, **changes, **both}


def dvc(folder: Path, *arguments: str, path: str | None = None) -> str:
    """The output of a `dvc` command, which must succeed; `path` in place of the PATH of an activated environment."""
    binaries = Path(sys.executable).parent
    done = subprocess.run(
        [binaries / "dvc", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path or f"{binaries}:{os.environ['PATH']}"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def is_clean(folder: Path) -> bool:
    """Whether `dvc status` has nothing to say; asked in this process, for the program takes seconds to start."""
    from dvc.repo import Repo

    with Repo(folder) as repo:
        return not repo.status()


def unfont(*arguments: str) -> tuple[int, str]:
    """Run the command line in this process, under the session's Prefect server."""
    from apps.cli import main

    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        patch.setattr(sys, "argv", ["unfont", *arguments])
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0), said.getvalue()
    return 0, said.getvalue()
