"""Training beside other work, and beside the same network elsewhere.

    python -m benchmarks.train TABLE [--only company]

TABLE is the crop table that the stage `tag` wrote. Writes benchmarks/results/train.json. Nothing else should run.

`company.<way>.<busy>`: crops/s of a training (benchmarks.train_stage) beside so many busy processes, 0, 1, 2 and 4, for
each way to use the cores (`WAYS`): median, smallest and largest over epochs and repeats. `beside_busy` is the share of
its rate alone that the package's own way, `processes`, keeps beside one busy process.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from benchmarks.turns import ROOT

RESULT = ROOT / "benchmarks" / "results" / "train.json"
BUSY = (0, 1, 2, 4)  # other processes
# Each way: the settings of `train`, and the environment. Torch's threads spin at every barrier unless told to wait.
ONE = {"processes": 1, "threads": 2}
WAYS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "processes": ({"processes": 2, "threads": 2}, {}),
    "processes_float32": ({"processes": 2, "threads": 2, "precision": "float32"}, {}),
    "threads_spinning": (ONE, {}),
    "threads_spinning_float32": (ONE | {"precision": "float32"}, {}),
    "threads_waiting": (ONE, {"OMP_WAIT_POLICY": "passive"}),
    "threads_bounded_spin": (ONE, {"GOMP_SPINCOUNT": "20000"}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--crops", type=int, default=6_400)
    arguments = parser.parse_args()
    if not arguments.table.is_dir():
        parser.error(f"there is no table at {arguments.table}: unfont run tag")
    found: dict[str, dict[str, list[float]]] = {way: {str(busy): [] for busy in BUSY} for way in WAYS}
    for _ in range(arguments.repeats):
        for busy in BUSY:
            for way in WAYS:
                found[way][str(busy)] += measured(way, busy, arguments.table, arguments.crops)
                print(busy, way, found[way][str(busy)], file=sys.stderr, flush=True)
    company = {way: {busy: rate_of(rates) for busy, rates in own.items()} for way, own in found.items()}
    own = company["processes"]
    result = {
        "machine": machine(),
        "company": company,
        "beside_busy": round(own["1"]["crops_per_s"] / own["0"]["crops_per_s"], 3),
    }
    RESULT.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def measured(way: str, busy: int, table: Path, crops: int) -> list[float]:
    """Crops a second of each epoch but the first, in a process of its own beside so many busy ones."""
    settings, environment = WAYS[way]
    command = [sys.executable, "-m", "benchmarks.train_stage", str(table), json.dumps(settings), "--crops", str(crops)]
    cleared = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    with company(busy):
        done = subprocess.run(command, cwd=ROOT, env=cleared | environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


@contextmanager
def company(count: int) -> Iterator[None]:
    """So many processes that are busy all the time."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def rate_of(rates: list[float]) -> dict[str, float]:
    return {
        "crops_per_s": round(statistics.median(rates), 1),
        "min": min(rates),
        "max": max(rates),
        "n": len(rates),
    }


if __name__ == "__main__":
    main()
