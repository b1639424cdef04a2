"""`unfont predict` on one picture and on many, beside reading the many alone.

    python -m benchmarks.predict FOLDER [--n 60000] [--model shipped] [--workers 2]

The pictures of FOLDER, one after another, are listed on standard input until there are `--n`. Writes
benchmarks/results/predict.json: `one_file.processor_s`, the median of several runs; of the many, `pictures_per_s` of
the command from its start to its end, `reading_per_s` of as many processes that decode the same files and cut them into
windows (`unfont.reading.read`) without any network, and `ratio` of the two; `processor_ms` and `reading_processor_ms`
of a picture and `processor_ratio`, which another load on the machine changes less; `peak_mib`, resident memory of all
processes of the command, and `mib_by_quarter`, its means over each quarter of the run, which say whether it grows.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.machine import machine, timed
from tasks.common.parallel import spread
from tasks.predict.predict import chunks_of, usable_cpus
from tasks.predict.sources import Item, find_pictures
from unfont.errors import UserError
from unfont.picture import read_picture
from unfont.reading import read

OUT = Path(__file__).resolve().parent / "results" / "predict.json"
EVERY = 0.25  # seconds between two looks at the memory
SHAPE = 32, 128, 1  # of the shipped model's crops
RUNS = 5  # of the command on one picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="pictures, at any depth")
    parser.add_argument("--n", type=int, default=60_000)
    parser.add_argument("--model", default="shipped", help="as for unfont predict")
    parser.add_argument("--workers", type=int, default=usable_cpus())
    arguments = parser.parse_args()
    found = find_pictures([arguments.folder], listing=lambda: b"").paths
    files = list(islice(cycle(found), arguments.n))
    result = {
        "one_file": {"processor_s": one_file(found[0], arguments.model)},
        "many": many(files, arguments.model, arguments.workers),
        "model": arguments.model,
        "machine": machine(),
    }
    OUT.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(json.dumps({name: result[name] for name in ("one_file", "many")}, indent=2))


def one_file(file: str, model: str) -> float:
    """Processor time of the command on one picture, in seconds: of the user's side and of the system's."""
    seconds = []
    for _ in range(RUNS):
        before = _children()
        subprocess.run(command(model, file), check=True, capture_output=True)
        seconds.append(_children() - before)
    return round(statistics.median(seconds), 3)


def many(files: list[str], model: str, workers: int) -> dict[str, Any]:
    """What the module's docstring names, of these files."""
    used = [_children()]
    reading = timed(lambda: list(spread(read_all, list(_chunks(files)), runner="processes", workers=workers)))
    used.append(_children())
    with tempfile.TemporaryDirectory() as folder:
        listing = Path(folder) / "files"
        listing.write_text("\n".join(files), encoding="utf-8")
        words = command(model, "-", "--workers", str(workers), "--out", f"{folder}/answers.parquet")
        start = time.monotonic()
        with listing.open("rb") as names, subprocess.Popen(words, stdin=names, stderr=subprocess.DEVNULL) as running:
            sizes = list(memory_of(running))
        predicting = time.monotonic() - start
    used.append(_children())
    read_ms, predict_ms = (1000 * float(seconds) / len(files) for seconds in np.diff(used))
    if running.returncode not in (0, 2):  # 2: some of FOLDER's files are damaged
        raise RuntimeError(f"unfont predict ended with status {running.returncode}")
    return {
        "n": len(files),
        "workers": workers,
        "pictures_per_s": round(len(files) / predicting, 1),
        "reading_per_s": round(len(files) / reading, 1),
        "ratio": round(reading / predicting, 3),
        "processor_ms": round(predict_ms, 3),
        "reading_processor_ms": round(read_ms, 3),
        "processor_ratio": round(read_ms / predict_ms, 3),
        "peak_mib": round(max(sizes)),
        "mib_by_quarter": [round(float(part.mean())) for part in np.array_split(np.array(sizes), 4) if len(part)],
    }


def command(model: str, *words: str) -> list[str]:
    return [sys.executable, "-m", "apps.cli", "predict", "--model", model, *words]


def read_all(files: list[str]) -> int:
    """The windows of these files, counted."""
    height, width, channels = SHAPE
    count = 0
    for file in files:
        try:
            count += len(read(read_picture(Path(file), channels=channels), height=height, width=width).windows)
        except UserError:
            continue
    return count


def memory_of(running: subprocess.Popen[bytes]) -> Iterable[float]:
    """Resident MiB of a process and all that it started, until it ends; shared pages count in each."""
    while running.poll() is None:
        yield _resident(running.pid) / 2**20
        time.sleep(EVERY)


def _resident(pid: int) -> int:
    total = 0
    try:
        first = psutil.Process(pid)
        for process in [first, *first.children(recursive=True)]:
            total += process.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total


def _chunks(files: list[str]) -> Iterable[list[str]]:
    return ([item.name for item in chunk] for chunk in chunks_of(Item(file, file) for file in files))


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
