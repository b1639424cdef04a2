"""What `dvc.yaml` and `dvc.lock` say of one stage: its parameters, what it reads, its outputs, its fingerprint."""

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tasks.common.files import sha256_of
from tasks.common.params import Params
from unfont.errors import UserError

DVC_FILE = Path("dvc.yaml")
LOCK_FILE = Path("dvc.lock")
WORK = Path("data/.work")


@dataclass(frozen=True, kw_only=True)
class StageFacts:
    """One stage of `dvc.yaml` with its templates filled in.

    `item` is what follows the @: a round's number, a mode. `data` are the dependencies made by other stages, with
    their DVC hash; `code` are the files of this project.
    """

    address: str
    item: str
    params: dict[str, Any]
    data: dict[str, str]
    code: list[str]
    outs: list[str]

    def fingerprint(self) -> str:
        """SHA-256 over parameters, data and code: what this stage's result follows from.

        Of a folder that is the user's own (decisions, word lists) the files in it count.
        """
        facts = json.dumps([self.address, self.params, self.data, self.code_hashes()], sort_keys=True)
        return hashlib.sha256(facts.encode()).hexdigest()

    def code_hashes(self) -> dict[str, str]:
        """SHA-256 of every file of this project that the stage reads."""
        files = [file for path in self.code for file in _files_of(Path(path))]
        return {file.as_posix(): sha256_of(file) for file in files}

    def work(self) -> Path:
        """Where checkpoints are kept: outside of the outputs, which `dvc repro` deletes before it runs a stage."""
        return WORK / self.address.replace("@", "-") / self.fingerprint()[:16]


def _files_of(path: Path) -> list[Path]:
    """`path`, or all files below it, but for what Python makes of them."""
    below = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [file for file in below if file.is_file() and "__pycache__" not in file.parts]


def stage_facts(address: str, params: Params) -> StageFacts:
    """Facts of the stage at `address`, such as `tag` or `round@2`.

    Raises:
        UserError: `dvc.yaml` and the params have no such stage.
    """
    name, _, key = address.partition("@")
    entry = yaml.safe_load(DVC_FILE.read_text(encoding="utf-8"))["stages"][name]
    values = params.model_dump()
    if "foreach" in entry:
        entry, values = _item_of(entry, key, values)
    entry = _filled(entry, values)
    made = _made()
    deps = [dep if isinstance(dep, str) else next(iter(dep)) for dep in entry.get("deps", [])]
    return StageFacts(
        address=address,
        item=key,
        params={key: _look_up(values, key) for key in entry.get("params", [])},
        data={dep: _hash_of(dep, made) for dep in deps if _hash_of(dep, made)},
        code=[dep for dep in deps if not _hash_of(dep, made)],
        outs=[out if isinstance(out, str) else next(iter(out)) for out in entry.get("outs", [])],
    )


def dvc_process() -> Any:
    """The `dvc` process that runs this stage, as psutil knows it; None outside of one."""
    if "DVC_STAGE" not in os.environ:
        return None
    import psutil

    outermost = None
    for process in psutil.Process().parents():
        with contextlib.suppress(psutil.Error):
            if any(Path(word).name == "dvc" for word in process.cmdline()[:3]):
                outermost = process
    return outermost


def _item_of(entry: dict[str, Any], key: str, values: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    items = _look_up(values, entry["foreach"].strip("${} "))
    if key not in items:
        raise UserError("there is no such stage", where=key or "no item", fix=f"choose one of {', '.join(items)}")
    item = items[key] if isinstance(items, Mapping) else key
    return entry["do"], {**values, "item": item, "key": key}


def _filled(entry: Any, values: dict[str, Any]) -> Any:
    if isinstance(entry, str):
        return re.sub(r"(?<!\\)\$\{([^}]+)\}", lambda match: str(_look_up(values, match[1])), entry)
    if isinstance(entry, list):
        return [_filled(part, values) for part in entry]
    if isinstance(entry, dict):
        return {_filled(key, values): _filled(part, values) for key, part in entry.items()}
    return entry


def _look_up(values: Any, dotted: str) -> Any:
    for part in dotted.split("."):
        values = values[part]
    return values


def _made() -> dict[str, str]:
    """Every output that DVC has committed, with its hash."""
    if not LOCK_FILE.exists():
        return {}
    stages = yaml.safe_load(LOCK_FILE.read_text(encoding="utf-8")).get("stages", {})
    return {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", []) if "md5" in out}


def _hash_of(path: str, made: dict[str, str]) -> str:
    """The hash of `path`, or of all outputs below it where a stage reads a folder of several."""
    if path in made:
        return made[path]
    below = sorted(f"{out} {md5}" for out, md5 in made.items() if out.startswith(f"{path}/"))
    return hashlib.md5("\n".join(below).encode(), usedforsecurity=False).hexdigest() if below else ""
