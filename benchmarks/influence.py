"""Influence of a large table's variables, training included, and the agreement of its ranking on the example.

    python -m benchmarks.influence [--rows 1000000] [--columns 50]

Makes a table of numbers, categories and dates of which a fifth drive the target, runs `explain_table` on it in a
process of its own, and on the example of `unfont influence --example`. With all rows it writes `influence` of
benchmarks/results/ablation.json: `seconds` and `peak_gib` of the process (aim: 300, 4), `rows`, `columns`, `score`,
`found` (of the variables that drive the target, the fraction among the first so many of the ranking), and
`kendall_tau` between integrated gradients and permutation importance on the example (aim: 0.8). With fewer rows it only
prints them.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.ablation import merge_result
from benchmarks.machine import machine
from tasks.common.params import read_params
from tasks.influence.example import TARGET, write_example
from tasks.influence.explain import explain_table

ROOT = Path(__file__).resolve().parent.parent
ROWS = 1_000_000
EVERY = 5  # of so many columns one drives the target
LABELS = 200  # of a category
NOISE = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--columns", type=int, default=50, help="without the target")
    arguments = parser.parse_args()
    found = measure_influence(arguments.rows, arguments.columns)
    if arguments.rows >= ROWS:
        merge_result({"influence": {**found, "machine": machine()}})
    print(json.dumps(found, indent=2, sort_keys=True))


def measure_influence(rows: int, columns: int) -> dict[str, Any]:
    """Seconds and memory on a large table, and the agreement of two methods on the example."""
    with tempfile.TemporaryDirectory() as scratch:
        large, example = Path(scratch) / "large.parquet", Path(scratch) / "retail.csv"
        with _process() as pool:
            drives = pool.submit(write_large, large, rows, columns).result()
        with _process() as pool:
            seconds, peak, numbers = pool.submit(timed_influence, large, "target").result()
        write_example(example)
        with _process() as pool:
            _, _, of_example = pool.submit(timed_influence, example, TARGET).result()
    names = [variable["name"] for variable in numbers["variables"]]
    return {
        "rows": rows,
        "columns": columns,
        "seconds": round(seconds, 1),
        "peak_gib": round(peak, 2),
        "score": numbers["score"]["mean"],
        "found": round(len(set(names[: len(drives)]) & set(drives)) / len(drives), 3),
        "kendall_tau": of_example["agreement"]["integrated_gradients_and_permutation"],
    }


def timed_influence(path: Path, target: str) -> tuple[float, float, dict[str, Any]]:
    """Seconds, the largest memory of this process in GiB, and what was found."""
    began = time.monotonic()
    numbers = explain_table(read_params(ROOT / "params.yaml"), path, target=target)
    scale = 2**30 if sys.platform == "darwin" else 2**20  # bytes there, KiB elsewhere
    return time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale, numbers


def write_large(path: Path, rows: int, columns: int) -> list[str]:
    """Write a table as Parquet: half of the columns are numbers, two are dates, the others categories.

    Returns:
        The columns that drive the target, each with the same variance.
    """
    random = np.random.default_rng(0)
    target = NOISE * random.normal(size=rows)
    table: dict[str, pa.Array] = {}
    drives = []
    for number in range(columns):
        kind = "date" if number in (0, 1) else "number" if number % 2 else "category"
        name = f"{kind}_{number}"
        if kind == "number":
            values = random.normal(size=rows)
            effect, table[name] = values, pa.array(values)
        elif kind == "date":
            days = random.integers(0, 1000, rows)
            effect = np.sin(days / 365.25 * 2 * np.pi) * 2**0.5
            table[name] = pa.array((np.datetime64("2022-01-01") + days).astype("datetime64[D]"))
        else:
            codes = random.integers(0, LABELS, rows)
            effect = random.normal(size=LABELS)[codes]
            labels = pa.array([f"label {label}" for label in range(LABELS)])
            table[name] = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), labels)
        if number % EVERY == 0:
            target += effect
            drives.append(name)
    pq.write_table(pa.table({**table, "target": target}), path)
    return drives


def _process() -> ProcessPoolExecutor:
    """A process of its own, so that its peak memory is that of the one task."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


if __name__ == "__main__":
    main()
