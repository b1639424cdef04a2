"""Rendering crops, beside TextRecognitionDataGenerator and SynthTIGER: same words, same fonts, one core each.

    python -m benchmarks.render [--million N] [--only-million] [--repeats 5] [--seconds 5] [--peers FOLDER]

Makes the peers' environment (benchmarks/peers/requirements.txt) in a temporary folder, or uses and keeps the one in
--peers; writes benchmarks/results/render.json. Nothing else should run. Needs the tables of fonts and words.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from benchmarks.million import watch_million
from benchmarks.render_jobs import SHARED, write_jobs
from benchmarks.turns import ROOT, Worker, one_core
from tasks.common.params import read_params

RESULT = ROOT / "benchmarks" / "results" / "render.json"
REQUIREMENTS = ROOT / "benchmarks" / "peers" / "requirements.txt"
WARM_UP = 0.5  # seconds of each tool before the first measurement

Repeats = list[dict[str, float]]  # of one tool: crops, seconds, and the processor's share of them
# What a ratio compares, and with what.
RATIOS = {
    "trdg": ("ours", "trdg"),
    "trdg_plain": ("ours", "trdg_plain"),
    "synthtiger": ("ours", "synthtiger"),
    "synthtiger_degraded": ("ours", "synthtiger_degraded"),
    "synthtiger_photos": ("ours", "synthtiger_photos"),
    "ceiling": ("drawn", "ceiling"),
    "ceiling_all": ("drawn_all", "ceiling_all"),
    "ceiling_rows": ("rows", "ceiling"),
    "ceiling_rows_all": ("rows_all", "ceiling_all"),
}
WHAT = {
    "ours": "Latin words: shaping check, rendering, the training settings' degradations in batches of 256",
    "drawn": "Latin words: shaping check and rendering, no degradation",
    "rows": "rows of the crop table, Latin: choosing by the mix, shaping check, rendering, PNG, hash, scratch file",
    "ceiling": "Latin words: font.getmask on the same open fonts and a resize to the crop",
    "…_all": "the same over all scripts of params.yaml",
    "trdg": "trdg, GeneratorFromStrings: its noise background, slant, waves, blur, coloured text",
    "trdg_plain": "trdg, GeneratorFromStrings: black on white, nothing else",
    "synthtiger": "SynthTIGER, a template of font, colour, texture and blur; textures from pictures 960 pixels wide",
    "synthtiger_photos": "the same, with textures from pictures 4,000 pixels wide",
    "synthtiger_degraded": "the same, with elastic distortion, perspective, skew, rotation, noise, loss of resolution",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--million", type=int, default=1_000_000, help="crops of the table that is watched; 0 for none")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each tool, in turns")
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement")
    parser.add_argument("--peers", type=Path, help="folder of the peers' environment, made where it is missing")
    parser.add_argument("--fonts", type=Path, default=ROOT / "data" / "fonts.parquet")
    parser.add_argument("--words", type=Path, default=ROOT / "data" / "words.parquet")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--only-million", action="store_true", help="measure that again, and keep the other values")
    arguments = parser.parse_args()
    for table in (arguments.fonts, arguments.words):
        if not table.is_file():
            sys.exit(f"there is no table of {table.stem} ({table}): unfont {table.stem}")
    if arguments.only_million:
        result = json.loads(arguments.out.read_text(encoding="utf-8"))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            python = peers_python(arguments.peers or Path(scratch) / "peers")
            result = {"machine": machine(), "what": WHAT, **side_by_side(Path(scratch), python, arguments)}
    if arguments.million:
        result["million"] = watch_million(arguments.million, fonts=arguments.fonts, words=arguments.words)
    text = json.dumps(result, indent=2, sort_keys=True, ensure_ascii=False)
    arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)


def peers_python(folder: Path) -> Path:
    """The interpreter of the peers' environment, which is made here unless its last step was reached before."""
    python, ready = folder / "bin" / "python", folder / ".ready"
    listed = REQUIREMENTS.read_text(encoding="utf-8")
    if not ready.is_file() or ready.read_text(encoding="utf-8") != listed:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([str(python), *install, "-r", str(REQUIREMENTS)], check=True)
        ready.write_text(listed, encoding="utf-8")
    return python


def side_by_side(scratch: Path, python: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Crops a second of every tool, and their ratios: each tool once a repeat, all on one core, one at a time."""
    params = read_params(ROOT / "params.yaml")
    tables = {"fonts": arguments.fonts, "words": arguments.words}
    shared = write_jobs(scratch / "shared", params, **tables, scripts=[SHARED])
    every = write_jobs(scratch / "all", params, **tables, scripts=params.words.scripts)
    core = one_core()
    ours = [str(ROOT / "params.yaml"), f"{SHARED}={shared}", f"all={every}"]
    with (
        Worker(Path(sys.executable), "benchmarks.ours", *ours, core=core) as own,
        Worker(python, "benchmarks.peers.worker", str(shared), core=core) as peers,
    ):
        workers = {tool: worker for worker in (own, peers) for tool in worker.tools}
        for tool, worker in workers.items():
            worker.measure(tool, WARM_UP)
        measured: dict[str, Repeats] = {tool: [] for tool in workers}
        for _ in range(arguments.repeats):
            for tool, worker in workers.items():
                measured[tool].append(worker.measure(tool, arguments.seconds))
    return {tool: rates_of(repeats) for tool, repeats in measured.items()} | ratios(measured)


def rates_of(repeats: Repeats) -> dict[str, float]:
    """Median, smallest and largest rate, the median by the processor's seconds, and its least share of the core."""
    rates = [each["crops"] / each["seconds"] for each in repeats]
    return {
        "crops_per_s": round(statistics.median(rates), 1),
        "min": round(min(rates), 1),
        "max": round(max(rates), 1),
        "n": len(rates),
        "crops_per_cpu_s": round(statistics.median(map(by_cpu, repeats)), 1),
        "cpu_share": round(min(each["cpu_share"] for each in repeats), 3),
    }


def ratios(measured: dict[str, Repeats]) -> dict[str, Any]:
    """Medians over the repeats of the rates' ratios, with the smallest and the largest in `ratio_spread`.

    `ratio_cpu` is by the processor's seconds: the same on a quiet machine, and steadier on a busy one.
    """
    found: dict[str, Any] = {"ratio": {}, "ratio_spread": {}, "ratio_cpu": {}}
    for name, (ours, theirs) in RATIOS.items():
        pairs = list(zip(measured[ours], measured[theirs], strict=True))
        by_clock = [a["crops"] / a["seconds"] / (b["crops"] / b["seconds"]) for a, b in pairs]
        found["ratio"][name] = round(statistics.median(by_clock), 3)
        found["ratio_spread"][name] = [round(min(by_clock), 3), round(max(by_clock), 3)]
        found["ratio_cpu"][name] = round(statistics.median(by_cpu(a) / by_cpu(b) for a, b in pairs), 3)
    return found


def by_cpu(measured: dict[str, float]) -> float:
    return measured["crops"] / (measured["seconds"] * measured["cpu_share"])


if __name__ == "__main__":
    main()
