"""Scoring and mining a pool: its rate beside the bare forward pass, its memory, and how its cost grows.

    python -m benchmarks.mine [--rows 1000000] [--project FOLDER] [--study STUDY.JSON]

Repeats the pool of data/scripts/table until it is as large as asked, and scores it with the model of round 0, both made
by `unfont run` in FOLDER; then reruns one round alone there. STUDY.JSON is the `metrics/study.json` that the profile
`study` left: its verdict is included. Writes benchmarks/results/mine.json. Nothing else should run.
"""

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from benchmarks.chain import run, stage_seconds
from benchmarks.machine import machine, spread
from benchmarks.million import SAMPLES, memory_of
from benchmarks.turns import ROOT
from models.degrade import SEVERITIES, degrade, seeds_of
from models.inference import fused
from models.settings import CLEAN
from tasks.common.determinism import deterministic
from tasks.common.parallel import spread as spread_work
from tasks.common.params import read_params
from tasks.crop_table.shards import read_images, read_table, write_shards
from tasks.crop_table.splits import POOL, SEVERITY
from tasks.mine.score import score_pool
from tasks.mine.score_table import read_scores
from tasks.mine.select import plan_mining
from tasks.train.batches import FORWARD_BATCH, as_images
from tasks.train.card import weights_of
from tasks.train.weights import load_model

RESULT = ROOT / "benchmarks" / "results" / "mine.json"
WORKERS = 2
MINED = ["key", "predicted", "true", "nuisance", "p", "embedding"]
WHAT = {
    "score": "score_pool, two threads with one torch thread each: reading, decoding, degrading, forward, score table",
    "bare_forward": "the trained network in evaluation mode, two torch threads, batches of 256 tensors in memory",
    "fused_forward": "the same with batch normalisation folded into the layers before it",
    "light_forward": "degrading lightly and the trained network, two torch threads, tensors in memory",
    "pool": "score_pool, reading what was wrong, planning: seconds without Python's imports; resident sets added up",
}
# What a ratio compares, and with what.
RATIOS = {
    "bare_forward": ("score", "bare_forward"),
    "fused_forward": ("score", "fused_forward"),
    "light": ("score_light", "light_forward"),
}
Seconds = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="crops of the largest pool")
    parser.add_argument("--turns", type=int, default=20_000, help="crops of each measurement in turns")
    parser.add_argument("--repeats", type=int, default=5, help="measurements in turns")
    parser.add_argument(
        "--quick", action="store_true", help="few crops, to check that it works; written to --out alone"
    )
    parser.add_argument("--project", type=Path, default=ROOT, help="where `unfont run` has made everything")
    parser.add_argument("--study", type=Path, help="the study's values, to be included")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--job", nargs=2, type=Path, metavar=("POOL", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        print(json.dumps(score_and_mine(arguments.project / "data/scripts/rounds/0", *arguments.job)))
        return
    if arguments.quick:
        arguments.rows, arguments.turns, arguments.repeats = 2_000, 500, 2
    out = arguments.out or (None if arguments.quick else RESULT)
    result = measure(arguments) | (studied(arguments.study) if arguments.study else {})
    if not arguments.quick:
        result["rerun"] = rerun(arguments.project, arguments.repeats)
    text = json.dumps(result, indent=2, sort_keys=True) + "\n"
    if out:
        out.write_text(text, encoding="utf-8")
    print(text, end="")


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """All values."""
    home = arguments.project / "data/scripts"
    source = read_table(home / "table", where=pc.field("split").cast(pa.string()) == POOL)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        pool = make_pool(source, folder / "turns", arguments.turns)
        seconds = in_turns(home / "rounds" / "0", pool, arguments.repeats)
        pools = []
        for rows in (arguments.rows // 4, arguments.rows // 2, arguments.rows):
            pool = make_pool(source, folder / "pool", rows)
            pools.append({"rows": rows, **watched(arguments.project, pool, folder / "scores")})
            shutil.rmtree(pool)
            shutil.rmtree(folder / "scores")
    return {
        "machine": machine(),
        "what": WHAT,
        **ratios(seconds),
        "crops_per_s": {name: round(arguments.turns / statistics.median(each)) for name, each in seconds.items()},
        "seconds_of_turns": {name: spread(each) for name, each in seconds.items()} | {"crops": arguments.turns},
        "pools": pools,
        "linear": {"exponent": exponent([(each["rows"], each["seconds"]) for each in pools])},
        "peak_rss_gib": pools[-1]["peak_rss_gib"],
    }


def make_pool(source: pa.Table, folder: Path, rows: int) -> Path:
    """A crop table of `rows` pool crops: those of `source`, again and again, each with a key of its own."""

    def tables() -> Iterator[pa.Table]:
        column = source.schema.get_field_index("key")
        for turn in range(-(-rows // len(source))):
            part = source.slice(0, min(len(source), rows - turn * len(source)))
            keys = [sha256(f"{turn}/{key}".encode()).hexdigest() for key in part["key"].to_pylist()]
            yield part.set_column(column, "key", pa.array(keys))

    write_shards(folder, tables())
    return folder


def in_turns(model: Path, pool: Path, repeats: int) -> Seconds:
    """Seconds of each way over the same crops, one after the other, `repeats` times after a first one to warm up."""
    network, _ = load_model(model)
    pixels, rows = read_images(pool)
    images, seeds = (
        as_images(torch.from_numpy(pixels), network.channels).contiguous(),
        seeds_of(rows["key"].tolist(), 0),
    )
    light = SEVERITIES[SEVERITY]

    def forward(through: Callable[[torch.Tensor], Any]) -> None:
        for part in torch.split(images, FORWARD_BATCH):
            through(part)

    def light_forward() -> None:
        for part, own in zip(torch.split(images, FORWARD_BATCH), torch.split(seeds, FORWARD_BATCH), strict=True):
            network(degrade(part, own, light))

    def score(severity: str) -> None:
        with tempfile.TemporaryDirectory(dir=pool.parent) as folder:
            score_into(Path(folder), model, pool, severity=severity)

    ways: dict[str, Callable[[], None]] = {
        "bare_forward": partial(forward, network),
        "score": partial(score, CLEAN),
        "fused_forward": partial(forward, fused(network)),
        "light_forward": light_forward,
        "score_light": partial(score, SEVERITY),
    }
    seconds: Seconds = {name: [] for name in ways}
    with deterministic(WORKERS), torch.inference_mode():
        for _ in range(repeats + 1):
            for name, way in ways.items():
                start = time.perf_counter()
                way()
                seconds[name].append(time.perf_counter() - start)
    return {name: each[1:] for name, each in seconds.items()}


def ratios(seconds: Seconds) -> dict[str, Any]:
    """Medians over the repeats of the rates' ratios, with the smallest and the largest in `ratio_spread`."""
    found: dict[str, Any] = {"ratio": {}, "ratio_spread": {}}
    for name, (ours, bare) in RATIOS.items():
        pairs = [theirs / own for own, theirs in zip(seconds[ours], seconds[bare], strict=True)]
        found["ratio"][name] = round(statistics.median(pairs), 3)
        found["ratio_spread"][name] = [round(min(pairs), 3), round(max(pairs), 3)]
    return found


def exponent(points: list[tuple[int, float]]) -> float:
    """The slope of log seconds over log rows: 1 where the cost is linear."""
    logs = [(math.log(rows), math.log(seconds)) for rows, seconds in points]
    return round(float(np.polyfit(*zip(*logs, strict=True), 1)[0]), 3)


def watched(project: Path, pool: Path, folder: Path) -> dict[str, Any]:
    """Score and mine in a process of its own: its values, with the peak memory of it and its children."""
    job = ["--project", str(project.resolve()), "--job", str(pool), str(folder)]
    command = [sys.executable, "-m", "benchmarks.mine", *job]
    peaks = [0, 0]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peaks = [max(pair) for pair in zip(peaks, memory_of(process.pid), strict=True)]
            time.sleep(1 / SAMPLES)
        assert process.stdout is not None
        output = process.stdout.read()
    if process.returncode:
        sys.exit(f"scoring ended with status {process.returncode}")
    resident, proportional = (round(peak / 2**30, 3) for peak in peaks)
    return json.loads(output) | {"peak_rss_gib": resident, "peak_pss_gib": proportional}


def score_and_mine(model: Path, pool: Path, folder: Path) -> dict[str, Any]:
    """What a round does before it trains."""
    settings = read_params(ROOT / "params.yaml").mine
    start = time.perf_counter()
    rows = score_into(folder, model, pool, severity=CLEAN)
    scored = time.perf_counter() - start
    wrong = read_scores(folder / "scores.parquet", weights=weights_of(model), columns=MINED, wrong=True)
    plan = plan_mining(wrong, settings, pool=rows)
    seconds = time.perf_counter() - start
    return {
        "seconds": round(seconds, 3),
        "score_s": round(scored, 3),
        "mine_s": round(seconds - scored, 3),
        "crops_per_s": round(rows / seconds),
        "wrong": len(wrong),
        "false_positives": len(plan),
        "added": int((plan["outcome"] == "added").sum()),
    }


def rerun(project: Path, repeats: int) -> dict[str, Any]:
    """One round alone, stale or not: seconds by the clock, of its own steps, and their ratio."""
    ways = {"dvc": ("dvc", "repro", "--force", "--single-item", "round@2"), "unfont": ("unfont", "round", "2")}
    found: dict[str, Any] = {}
    for name, command in ways.items():
        pairs = [(run(project, *command), stage_seconds(project)["round@2"]) for _ in range(repeats)]
        found[name] = {
            "seconds": spread([wall for wall, _ in pairs]),
            "work_s": spread([work for _, work in pairs]),
            "ratio": spread([wall / work for wall, work in pairs]),
        }
    return found


def studied(path: Path) -> dict[str, Any]:
    """The verdict of a study: is the false-positive rate lower than that of as many random crops?"""
    study = json.loads(path.read_text(encoding="utf-8"))
    cut = study["verdict"]["false_positive_cut"] if study["verdict"] else None
    return {"false_positive_cut": cut, "study": study}


def score_into(folder: Path, model: Path, pool: Path, *, severity: str) -> int:
    return score_pool(
        model,
        table=pool,
        out=folder / "scores.parquet",
        work=folder / "work",
        severity=severity,
        nuisance="font_style",
        fan_out=partial(spread_work, runner="threads", workers=WORKERS),
        progress=lambda line: print(line, file=sys.stderr),
    )


if __name__ == "__main__":
    main()
