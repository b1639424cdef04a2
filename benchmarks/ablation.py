"""The architecture experiments on faces: how long they take, what of the series holds, and whether the gap closes.

    python -m benchmarks.ablation ARCHIVE [--seeds 3] [--rotations 5] [--keep FOLDER]

ARCHIVE holds the CMU Face Images (docs/how-to/own-crops.md). First the seven variants alone, by the clock, from the
command to the page of maps; then the cures as well. With --keep it works in that folder and leaves it: an interrupted
run resumes, but then nobody knows the minutes (null). Writes its part of benchmarks/results/ablation.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from tasks.ablation.recipes import variants_of
from tasks.common.params import read_params

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks" / "results" / "ablation.json"
WORKERS = 2  # trainings side by side, a torch thread each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rotations", type=int, default=5, help="of the people that are held out")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--keep", type=Path, help="work here and leave it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        project = (arguments.keep or Path(scratch)).resolve() / "unfont"
        resumed = project.exists()
        if not resumed:
            subprocess.run(["git", "clone", "--quiet", str(ROOT), str(project)], check=True)
        options = ["--seeds", str(arguments.seeds), "--rotations", str(arguments.rotations)]
        options += ["--workers", str(arguments.workers)]
        found = measured(arguments.archive.resolve(), project, options, clocked=not resumed)
    merge_result({"load": round(os.getloadavg()[2], 1), "workers": arguments.workers, "machine": machine(), **found})


def measured(archive: Path, project: Path, options: list[str], *, clocked: bool) -> dict[str, Any]:
    """Both calls' results and, where it is clocked, the seconds that the first took."""
    variants = ",".join(variants_of(read_params(ROOT / "params.yaml").ablation))
    began = time.monotonic()
    called(archive, project, [*options, "--only", variants])
    seconds = time.monotonic() - began if clocked else None
    return result_of(called(archive, project, options), seconds)


def called(archive: Path, project: Path, options: list[str]) -> dict[str, Any]:
    """The numbers of one `unfont ablation`."""
    unfont = Path(sys.executable).parent / "unfont"
    command = [str(unfont), "ablation", str(archive), "--format", "json", *options]
    environment = {**os.environ, "PYTHONPATH": str(project)}
    done = subprocess.run(command, cwd=project, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    numbers: dict[str, Any] = json.loads(done.stdout)
    return numbers


def result_of(numbers: dict[str, Any], seconds: float | None) -> dict[str, Any]:
    """What ablation.json holds of `unfont ablation --format json`."""
    cures = numbers["cures"]
    return {
        "variants": len(numbers["variants"]),
        "seeds": numbers["seeds"],
        "rotations": numbers["rotations"],
        "minutes": None if seconds is None else round(seconds / 60, 1),
        "training_minutes": round(training_minutes(numbers), 1),
        "verdicts": {f"{claim['variant']}: {claim['claim']}": claim["verdict"] for claim in numbers["claims"]},
        "faces": {"gain_points": cures["gain_points"], "chosen": cures["chosen"], "over": cures["over"]},
        "numbers": numbers,
    }


def training_minutes(numbers: dict[str, Any]) -> float:
    """The seven variants' trainings one after the other, by their own seconds."""
    seconds = sum(row["seconds"] for row in numbers["variants"])
    return float(seconds * numbers["rotations"] * numbers["seeds"] / 60)


def merge_result(found: dict[str, Any]) -> None:
    """Write these keys into the file; the others are those of `benchmarks.influence`, or the other way round."""
    kept = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.is_file() else {}
    RESULT.write_text(json.dumps({**kept, **found}, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
