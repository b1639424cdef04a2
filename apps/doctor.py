"""Doctor: what the pipeline needs of a machine, and the state of a project, checked one by one."""

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from unfont.errors import UserError

MIN_FREE_GB = 3


@dataclass(frozen=True)
class Finding:
    """What was checked, and its state; `fix` says how to fix it, and is empty where there is nothing to fix.

    `needed`: without the fix the pipeline cannot run, or not rightly; elsewhere it is a hint.
    """

    what: str
    state: str
    fix: str = ""
    needed: bool = True

    @property
    def good(self) -> bool:
        return not self.fix or not self.needed


def examine() -> list[Finding]:
    """Of this machine, and of the project in the working folder."""
    from apps.doctor_project import project_findings

    return [*_findings(), *project_findings()]


def check_machine() -> None:
    """Refuse to start where the pipeline cannot end.

    Raises:
        UserError: the first finding that is not good.
    """
    for finding in _findings():
        if not finding.good:
            raise UserError(finding.state, where=finding.what, fix=finding.fix)


def _findings() -> Iterator[Finding]:
    yield Finding("Python", sys.version.split()[0])
    for package in ("torch", "prefect", "mlflow", "dvc", "pillow"):
        yield Finding(package, importlib.metadata.version(package))
    yield _python()
    yield _raqm()
    yield _node()
    yield _writable(Path("data"))
    yield _space()


def _python() -> Finding:
    """`dvc repro` runs `python` of PATH."""
    found = shutil.which("python")
    if found is None:
        return Finding(
            "python of PATH", "there is none, and dvc repro runs it", "activate the environment", needed=False
        )
    other = Path(found).parent != Path(sys.executable).parent
    fix = "activate the environment of unfont, or dvc repro runs another Python" if other else ""
    return Finding("python of PATH", found, fix, needed=False)


def _raqm() -> Finding:
    from PIL import features

    if features.check("raqm"):
        return Finding("text shaping", "HarfBuzz shapes the words")
    return Finding("text shaping", "Pillow has no Raqm", "pip install --force-reinstall pillow, its own wheel")


def _node() -> Finding:
    from tasks.fonts.npm import find_npm

    try:
        return Finding("npm", " ".join(find_npm()))
    except UserError as error:
        return Finding("npm", error.what, error.fix)


def _writable(folder: Path) -> Finding:
    if folder.is_dir() and os.access(folder, os.W_OK):
        return Finding(str(folder), "writable")
    return Finding(str(folder), "the folder cannot be written", "make the folder writable")


def _space() -> Finding:
    free = shutil.disk_usage(".").free / 1e9
    return Finding("disk", f"{free:.1f} GB free", "" if free > MIN_FREE_GB else f"free {MIN_FREE_GB} GB")
