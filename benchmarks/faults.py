"""What `kill -9` leaves: the debug problem's chain is killed at random moments, run again, and compared.

    python -m benchmarks.faults [--kills 50] [--seed 0]

Only the main process is killed, as the kernel does when memory is short; `unfont run` and `dvc repro` in turn. A killed
chain goes on from where it was, so the kills meet all of its stages. Writes benchmarks/results/faults.json.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import yaml

from benchmarks.machine import machine
from tests.project import make_project

ROOT = Path(__file__).resolve().parent.parent
BINARIES = Path(sys.executable).parent
RESULT = ROOT / "benchmarks" / "results" / "faults.json"
COMMANDS = (("unfont", "run"), ("dvc", "repro"))
PATIENCE_S = 30  # for what a killed process had started to end
SCRATCH = ("dvc.lock", ".dvc/cache", ".dvc/tmp", "data/.work")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        result = {"machine": machine(), **measure(Path(scratch) / "toy", kills=arguments.kills, seed=arguments.seed)}
    RESULT.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2, sort_keys=True))


def measure(folder: Path, *, kills: int, seed: int, commands: tuple[tuple[str, ...], ...] = COMMANDS) -> dict[str, Any]:
    """Kill the chain in a new project at `folder` until there are `kills`, and count what is wrong after the reruns.

    Returns:
        `kills`; `chains`: how often it was run to its end; `killed_in`: kills by stage. And what should be 0:
        `differing` outputs, `lost_rows` of the tables, `locks_left`, `parts_left` (half-written files),
        `processes_left`, `running_left` (MLflow runs that did not end) and `stale` stages.
    """
    make_project(folder)
    seconds, wanted = {}, {}
    for command in commands:
        start(folder, "unfont", "setup").wait()
        begun = time.monotonic()
        _finish(folder, command)
        seconds[command] = time.monotonic() - begun
        wanted = wanted or outputs(folder)
        forget(folder, wanted)
    rng = random.Random(seed)
    found: Counter[str] = Counter(kills=0, chains=0)
    while found["kills"] < kills:
        command = commands[found["chains"] % len(commands)]
        while found["kills"] < kills and killed(folder, command, rng.uniform(0, seconds[command] / 2)):
            found["kills"] += 1
            found["processes_left"] += len(left_over(folder))
        _finish(folder, command)
        found["chains"] += 1
        found.update(faults(folder, wanted))
        print(dict(found), flush=True)
        forget(folder, wanted)
    return {**found, "killed_in": killed_in(folder)}


def start(folder: Path, *command: str) -> "subprocess.Popen[bytes]":
    log = (folder / "log.txt").open("ab")
    environment = {**os.environ, "PATH": f"{BINARIES}:{os.environ['PATH']}"}
    environment.pop("MLFLOW_TRACKING_URI", None)
    program = [str(BINARIES / command[0]), *command[1:]]
    return subprocess.Popen(program, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)


def _finish(folder: Path, command: tuple[str, ...]) -> None:
    if start(folder, *command).wait():
        sys.exit(f"{' '.join(command)} failed: {(folder / 'log.txt').read_text(encoding='utf-8')[-3000:]}")


def killed(folder: Path, command: tuple[str, ...], after: float) -> bool:
    """Whether the command was still running after `after` seconds; its main process is killed then."""
    process = start(folder, *command)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def left_over(folder: Path) -> list[psutil.Process]:
    """Processes that work in the folder and do not end, less this one and its own."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        own = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
        left = [one for one in psutil.process_iter() if one.pid not in own and _works_in(one, folder)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.2)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == folder.resolve()
    except psutil.Error:
        return False


def outputs(folder: Path) -> dict[str, str]:
    """The hash of every output, from `dvc.lock`."""
    lock = yaml.safe_load((folder / "dvc.lock").read_text(encoding="utf-8"))
    return {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage["outs"]} | {
        "rows": str(rows(folder))
    }


def rows(folder: Path) -> int:
    """Rows of all tables that the chain makes."""
    return sum(pq.ParquetFile(file).metadata.num_rows for file in sorted((folder / "data").rglob("*.parquet")))


def faults(folder: Path, wanted: dict[str, str]) -> dict[str, int]:
    """What is wrong after a rerun; all 0 where nothing is."""
    made = outputs(folder)
    status = subprocess.run(
        [str(BINARIES / "dvc"), "status", "--json"], cwd=folder, capture_output=True, text=True, check=True
    )
    parts = [file for end in ("part", "old") for file in (folder / "data").rglob(f".*.{end}")]
    return {
        "differing": sum(made.get(path) != md5 for path, md5 in wanted.items() if path != "rows"),
        "lost_rows": max(0, int(wanted["rows"]) - int(made["rows"])),
        "locks_left": len(held_locks(folder)),
        "parts_left": len(parts),
        "running_left": len(runs_of(folder, "RUNNING")),
        "stale": len(json.loads(status.stdout)),
    }


def held_locks(folder: Path) -> list[int]:
    """Processes for which DVC holds paths, and that live; it lets go of a dead one's by itself."""
    file = folder / ".dvc" / "tmp" / "rwlock"
    found = json.loads(file.read_text(encoding="utf-8") or "{}") if file.exists() else {}
    readers = [reader for entry in found.values() for reader in entry.get("read", [])]
    writers = [entry["write"] for entry in found.values() if entry.get("write")]
    return sorted({int(lock["pid"]) for lock in (*readers, *writers) if psutil.pid_exists(int(lock["pid"]))})


def killed_in(folder: Path) -> dict[str, int]:
    """Kills by the stage that they met, as MLflow has them; the others met none."""
    tags = [run.data.tags for run in runs_of(folder, "KILLED")]
    return dict(Counter(tag["unfont.stage"] for tag in tags if "unfont.stage" in tag))


def runs_of(folder: Path, status: str) -> list[Any]:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("debug")
    return list(client.search_runs([experiment.experiment_id], f"attributes.status = '{status}'")) if experiment else []


def forget(folder: Path, wanted: dict[str, str]) -> None:
    """Back to a project that never ran; MLflow keeps its runs."""
    for path in (*wanted, *SCRATCH):
        target = folder / path
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
