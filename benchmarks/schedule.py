"""Twelve hours of a schedule in minutes: `unfont serve` as it runs for weeks, a pipeline run each tick.

    python -m benchmarks.schedule [--ticks 48]

A tick is a quarter of an hour of the schedule. In the debug problem's project, with Prefect's and MLflow's databases in
SQLite, one parameter of the report changes before each tick, so that each run has a stage to run and to record. Writes
benchmarks/results/schedule.json: `ticks`, `completed`, `recorded` (MLflow runs of the stage), `seconds`, `stale` stages
at the end, `database_is_locked` (times that a log says so); `mib` and `open_files` of `serve` and of Prefect's server:
means over each quarter of the ticks, which say whether they are flat.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from benchmarks.faults import BINARIES, ROOT, runs_of, start
from benchmarks.machine import machine
from tests.project import DEBUG, make_project, write_params

RESULT = ROOT / "benchmarks" / "results" / "schedule.json"
API = "http://127.0.0.1:4200/api"
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
PATIENCE_S = 300
SERVE, SERVER = "serve", "prefect"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=48)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["PREFECT_HOME"] = str(Path(scratch) / "prefect")
        result = {"machine": machine(), **measure(Path(scratch) / "toy", ticks=arguments.ticks)}
    RESULT.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2, sort_keys=True))


def measure(folder: Path, *, ticks: int) -> dict[str, Any]:
    """What the module's docstring names, in a new project at `folder`."""
    make_project(folder)
    for command in (("unfont", "setup"), ("unfont", "run")):
        if start(folder, *command).wait():
            raise RuntimeError((folder / "log.txt").read_text(encoding="utf-8")[-3000:])
    seen, states = [], []
    begun = time.monotonic()
    with served(folder) as processes:
        for tick in range(ticks):
            write_params(folder, {"report": {"search": DEBUG["report"]["search"] + 1 + tick}})
            states.append(run_once())
            seen.append({name: (one.memory_info().rss / 2**20, one.num_fds()) for name, one in processes.items()})
            print(
                tick,
                states[-1],
                {name: [round(value) for value in pair] for name, pair in seen[-1].items()},
                flush=True,
            )
    status = subprocess.run(
        [str(BINARIES / "dvc"), "status", "--json"], cwd=folder, capture_output=True, text=True, check=True
    )
    return {
        "ticks": ticks,
        "completed": states.count("COMPLETED"),
        "recorded": sum(run.data.tags.get("unfont.stage") == "report" for run in runs_of(folder, "FINISHED")) - 1,
        "seconds": round(time.monotonic() - begun),
        "stale": len(json.loads(status.stdout)),
        "database_is_locked": sum(
            log.read_text(encoding="utf-8", errors="replace").count("is locked")
            for log in (folder / "log.txt", *folder.rglob("servers/*.log"))
        ),
        "mib": by_quarter(seen, 0),
        "open_files": by_quarter(seen, 1),
    }


def by_quarter(seen: list[dict[str, tuple[float, int]]], column: int) -> dict[str, list[float]]:
    """Means of one measure of each process over the quarters of the ticks."""
    return {
        name: [round(float(part.mean()), 1) for part in np.array_split([one[name][column] for one in seen], 4)]
        for name in (SERVE, SERVER)
    }


@contextmanager
def served(folder: Path) -> Iterator[dict[str, psutil.Process]]:
    """`unfont serve` with a Prefect server of its own, and the processes of both."""
    process = start(folder, "unfont", "serve")
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not deployed():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log.txt").read_text(encoding="utf-8")[-3000:])
            time.sleep(1)
        serve = psutil.Process(process.pid)
        yield {SERVE: serve, SERVER: next(one for one in serve.children() if "server" in one.cmdline())}
    finally:
        process.terminate()
        process.wait(30)


def deployed() -> str | None:
    """The id of the deployed pipeline, once it is there."""
    try:
        answer = httpx.get(f"{API}/deployments/name/pipeline/pipeline")
    except httpx.TransportError:
        return None
    return str(answer.json()["id"]) if answer.is_success else None


def run_once() -> str:
    """Run the pipeline as its schedule does; its last state."""
    wanted = {"state": {"type": "SCHEDULED"}}
    made = httpx.post(f"{API}/deployments/{deployed()}/create_flow_run", json=wanted).raise_for_status().json()
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        state = httpx.get(f"{API}/flow_runs/{made['id']}").raise_for_status().json()["state_type"]
        if state in ENDED:
            return str(state)
        time.sleep(0.5)
    return "RUNNING"


if __name__ == "__main__":
    main()
