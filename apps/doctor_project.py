"""Doctor, of the project in the working folder: its databases, cache, fonts, ports, what is stale, threads."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apps.doctor import Finding
from apps.doctor_fonts import font_packages
from flows.plan import open_repo
from flows.stage import watched
from tasks.common.front_address import DEFAULT_PORT
from tasks.common.mlflow_store import check_store, store_uri
from tasks.common.params import Params, read_params
from unfont.errors import UserError

PORTS = {"unfont ui": (DEFAULT_PORT, "--port"), "MLflow": (5000, "--mlflow-port"), "Prefect": (4200, "--prefect-port")}


def project_findings() -> Iterator[Finding]:
    params = read_params()
    yield _store()
    yield _prefect()
    yield _fonts(params)
    if params.labels.draws and (Path(params.fonts.source) / "package-lock.json").is_file():
        yield font_packages(Path(params.fonts.source), optional=params.fonts.optional)
    yield from (_port(name, *port) for name, port in PORTS.items())
    yield _device(params.device)
    yield from _threads(params.threads)
    yield from _pipeline()


def _store() -> Finding:
    try:
        check_store()
    except UserError as error:
        return Finding("MLflow store", f"{error.what} ({error.where})", error.fix)
    return Finding("MLflow store", store_uri())


def _prefect() -> Finding:
    try:
        state = "a server watches" if watched() else "no server watches: each run has one of its own"
    except UserError as error:
        return Finding("Prefect", f"{error.what} ({error.where})", error.fix)
    return Finding("Prefect", state)


def _fonts(params: Params) -> Finding:
    source = Path(params.fonts.source)
    if not params.labels.draws:
        return Finding("fonts", "this problem renders no crops")
    if not source.is_dir():
        return Finding("fonts", f"there is no folder {source}", "fix fonts.source, or `unfont fonts --from FOLDER`")
    table = Path("data/fonts.parquet")
    return Finding("fonts", f"{source}, {'in a table' if table.exists() else 'fetched by the first run'}")


def _port(name: str, port: int, option: str) -> Finding:
    with socket.socket() as probe:
        probe.settimeout(1)
        taken = probe.connect_ex(("127.0.0.1", port)) == 0
    fix = f"where it is not `unfont ui`, give that another by {option}" if taken else ""
    return Finding(f"port {port} of {name}", "taken" if taken else "free", fix, needed=False)


def _device(setting: str) -> Finding:
    from tasks.common.device import device_of  # torch takes a second to import

    try:
        found = device_of(setting)
    except UserError as error:
        return Finding("device", f"{error.what} ({error.where})", error.fix)
    return Finding("device", f"{'a GPU' if found.type == 'cuda' else 'the processor'} ({setting})")


def _threads(threads: int) -> Iterator[Finding]:
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    fix = f"set threads to {cores} at most, which changes the weights" if threads > cores else ""
    yield Finding("threads", f"{threads} of {cores} CPUs", fix, needed=False)
    passive = os.environ.get("OMP_WAIT_POLICY", "").lower() == "passive"
    spins = load > cores / 2 and not passive
    fix = "OMP_WAIT_POLICY=PASSIVE unfont run: waiting threads then leave the CPUs to others" if spins else ""
    yield Finding("load", f"{load:.1f} on {cores} CPUs", fix, needed=False)


def _pipeline() -> Iterator[Finding]:
    from dvc.exceptions import DvcException

    try:
        repo = open_repo()
        cache = Path(repo.cache.local.path)
        yield Finding("DVC cache", f"{cache}, {_size(cache) / 1e9:.1f} GB")
        changed = repo.status()
    except UserError as error:
        yield Finding("DVC", f"{error.what} ({error.where})", error.fix)
        return
    except DvcException as error:
        yield Finding("DVC", str(error), "fix dvc.yaml, or restore dvc.lock from git")
        return
    if not changed:
        yield Finding("stages", "all up to date")
    for stage, reasons in changed.items():
        yield Finding(f"stale: {stage}", why_stale(reasons), "unfont run", needed=False)


def why_stale(reasons: list[Any]) -> str:
    """DVC's reasons for one stage in a line, such as `params.yaml: report.top modified; data/x deleted`."""
    found = []
    for reason in reasons:
        if not isinstance(reason, dict):
            found.append(str(reason))
            continue
        for changes in reason.values():
            for path, change in changes.items():
                keys = f"{', '.join(f'{key} {how}' for key, how in change.items())}" if isinstance(change, dict) else ""
                found.append(f"{path}: {keys}" if keys else f"{path} {change}")
    more = f", and {len(found) - 4} more" if len(found) > 4 else ""
    return "; ".join(found[:4]) + more


def _size(folder: Path) -> int:
    """Bytes of all files below `folder`."""
    return sum((Path(root) / name).lstat().st_size for root, _, names in os.walk(folder) for name in names)
