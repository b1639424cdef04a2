"""Doctor: what the pipeline needs of a machine, checked one by one."""

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
    """What was checked, and its state; `fix` says how to fix it, and is empty where it is good."""

    what: str
    state: str
    fix: str = ""

    @property
    def good(self) -> bool:
        return not self.fix


def examine() -> list[Finding]:
    return list(_findings())


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
    yield _raqm()
    yield _node()
    yield _writable(Path("data"))
    yield _space()


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
