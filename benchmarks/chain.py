"""The pipeline: how long it takes, how much memory, and what runs with nothing to do and orchestration cost.

    python -m benchmarks.chain [--keep FOLDER] [--repeats 5]

Works on a fresh copy of this checkout's committed files; writes benchmarks/results/chain.json. Nothing else should run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from benchmarks.machine import machine, spread
from tasks.crop_table.splits import REPORT_SPLIT

ROOT = Path(__file__).resolve().parent.parent
BINARIES = Path(sys.executable).parent
RESULT = ROOT / "benchmarks" / "results" / "chain.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="work here and leave it")
    parser.add_argument("--repeats", type=int, default=5, help="of each short measurement")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch) / "unfont"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        result = {"machine": machine(), **measure(folder, arguments.repeats)}
    RESULT.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2, sort_keys=True))


def measure(folder: Path, repeats: int) -> dict[str, Any]:
    """The values of one new project: first run, no-ops, and orchestration under a bare `dvc repro`."""
    run(folder, "unfont", "setup")
    first = watched(folder, "unfont", "run")
    evaluated = json.loads((folder / "data/scripts/metrics/evaluate.json").read_text(encoding="utf-8"))
    return {
        "run": {**first, "stages": stage_seconds(folder)},
        "noop": {
            "dvc_repro_s": spread(repeat(repeats, lambda: run(folder, "dvc", "repro"))),
            "unfont_run_s": spread(repeat(repeats, lambda: run(folder, "unfont", "run"))),
        },
        "accuracy": {
            severity: evaluated["chosen"][REPORT_SPLIT][severity]["accuracy"]
            for severity in evaluated["chosen"][REPORT_SPLIT]
        },
        "orchestration": orchestration(folder, repeats),
    }


def orchestration(folder: Path, repeats: int) -> dict[str, Any]:
    """Seconds that one stage costs under a bare `dvc repro`, beyond the seconds of its own steps.

    Measured on `words`, which does not import torch, and on `report`, which does.
    """
    torch_s = spread(repeat(repeats, lambda: run(folder, "python", "-c", "import torch")))
    numpy_s = spread(repeat(repeats, lambda: run(folder, "python", "-c", "import pandas, pyarrow.parquet")))
    costs = [bare_cost(folder, "words") for _ in range(repeats)]
    whole = [bare_cost(folder, "report") for _ in range(repeats)]
    return {
        "stage_without_torch_s": spread(costs),
        "stage_with_torch_s": spread(whole),
        "of_which_import_torch_s": torch_s,
        "of_which_import_pandas_s": numpy_s,
    }


def bare_cost(folder: Path, stage: str) -> float:
    seconds = run(folder, "dvc", "repro", "--force", "--single-item", stage)
    return seconds - stage_seconds(folder)[stage]


def stage_seconds(folder: Path, problem: str = "scripts") -> dict[str, float]:
    """The latest `work_seconds` of every stage, from MLflow."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(problem)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])
    return {
        run.data.tags["unfont.stage"]: round(run.data.metrics["work_seconds"], 3)
        for run in runs
        if "work_seconds" in run.data.metrics
    }


def run(folder: Path, *command: str) -> float:
    """Seconds that a command takes; its output is shown when it fails."""
    start = time.monotonic()
    done = subprocess.run(
        [str(BINARIES / command[0]), *command[1:]], cwd=folder, env=environment(), capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with status {done.returncode}\n{done.stdout}{done.stderr}")
    return time.monotonic() - start


def watched(folder: Path, *command: str) -> dict[str, float]:
    """Seconds and peak memory of a command with all its processes, sampled five times a second.

    Proportional set sizes are added up, so that pages which processes share count once.
    """
    peak = 0
    start = time.monotonic()
    process = subprocess.Popen([str(BINARIES / command[0]), *command[1:]], cwd=folder, env=environment())
    while process.poll() is None:
        peak = max(peak, memory_of(process.pid))
        time.sleep(0.2)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with status {process.returncode}")
    return {"seconds": round(time.monotonic() - start, 1), "peak_gib": round(peak / 2**30, 2)}


def memory_of(pid: int) -> int:
    total = 0
    try:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            try:
                total += process.memory_full_info().pss
            except (psutil.Error, AttributeError):
                continue
    except psutil.Error:
        pass
    return total


def repeat(times: int, measured: Callable[[], float]) -> list[float]:
    return [measured() for _ in range(times)]


def environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL")}
    return {**kept, "PATH": f"{BINARIES}:{os.environ['PATH']}"}


if __name__ == "__main__":
    main()
