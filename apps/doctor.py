"""Doctor: what the pipeline needs of a machine, looked at one by one."""

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import UserError

MIN_FREE_GB = 3


@dataclass(frozen=True)
class Finding:
    good: bool
    what: str
    said: str


def examine() -> list[Finding]:
    return list(_findings())


def check_machine() -> None:
    """Refuse to start where the pipeline cannot end.

    Raises:
        UserError: the first finding that is not good.
    """
    for finding in _findings():
        if not finding.good:
            raise UserError(finding.said.split(": ")[0], where=finding.what, mend=finding.said.split(": ")[-1])


def _findings() -> Iterator[Finding]:
    yield Finding(sys.version_info >= (3, 11), "Python", sys.version.split()[0])
    for package in ("torch", "prefect", "mlflow", "dvc", "pillow"):
        yield Finding(True, package, importlib.metadata.version(package))
    yield _raqm()
    yield _node()
    yield _writable(Path("data"))
    yield _space()


def _raqm() -> Finding:
    from PIL import features

    has = bool(features.check("raqm"))
    said = (
        "HarfBuzz shapes the words"
        if has
        else "no Raqm: install Pillow's own wheel, pip install --force-reinstall pillow"
    )
    return Finding(has, "text shaping", said)


def _node() -> Finding:
    from tasks.fetch import find_npm

    try:
        return Finding(True, "npm", " ".join(find_npm()))
    except UserError as error:
        return Finding(False, "npm", f"{error.what}: {error.mend}")


def _writable(folder: Path) -> Finding:
    good = folder.is_dir() and os.access(folder, os.W_OK)
    return Finding(good, str(folder), "writable" if good else "cannot be written: make the folder writable")


def _space() -> Finding:
    free = shutil.disk_usage(".").free / 1e9
    good = free > MIN_FREE_GB
    return Finding(good, "disk", f"{free:.0f} GB free" if good else f"only {free:.1f} GB free: free {MIN_FREE_GB} GB")
