"""A million crops in one table, watched: `python -m benchmarks.million CROPS FONTS WORDS FOLDER` prints JSON.

Renders `CROPS` crops over all scripts and `Zxxx` into FOLDER/crops in this process and its workers.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa

from benchmarks.turns import ROOT
from tasks.common.drawing_settings import CropsSettings
from tasks.common.parallel import spread
from tasks.common.params import Params, read_params
from tasks.crop_table.shards import write_shards
from tasks.crops.plan_shards import rendered_tables

SAMPLES = 5  # of the memory, a second

Mark = tuple[int, float]  # crops, and seconds


def watch_million(crops: int, *, fonts: Path, words: Path) -> dict[str, Any]:
    """Render them in a process of their own; its values, with the peak memory of it and its children.

    `peak_rss_gib` adds up resident sets, so that pages which processes share count again for each of them;
    `peak_pss_gib` counts them once.
    """
    with tempfile.TemporaryDirectory() as folder:
        asked = [str(crops), str(fonts.resolve()), str(words.resolve()), folder]
        command = [sys.executable, "-m", "benchmarks.million", *asked]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=_environment()) as process:
            peaks = _peaks(process)
            assert process.stdout is not None
            output = process.stdout.read()
        if process.returncode:
            sys.exit(f"rendering {crops} crops ended with status {process.returncode}")
    return json.loads(output) | {name: round(peak / 2**30, 3) for name, peak in peaks.items()}


def _environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def _peaks(process: subprocess.Popen[str]) -> dict[str, int]:
    peaks = {"peak_rss_gib": 0, "peak_pss_gib": 0}
    while process.poll() is None:
        for name, used in zip(peaks, memory_of(process.pid), strict=True):
            peaks[name] = max(peaks[name], used)
        time.sleep(1 / SAMPLES)
    return peaks


def memory_of(pid: int) -> tuple[int, int]:
    """Resident and proportional set sizes of a process and its descendants, in bytes."""
    resident = proportional = 0
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.Error:
        return 0, 0
    for process in family:
        try:
            info = process.memory_full_info()
        except psutil.Error:
            continue
        resident += info.rss
        proportional += getattr(info, "pss", info.rss)
    return resident, proportional


def render(crops: int, *, fonts: Path, words: Path, folder: Path) -> dict[str, Any]:
    """Render the crops; the rates: `rate_first` and `rate_last` over the first and last third of every script.

    Scripts follow each other in the table and differ in speed: thirds of the whole would compare Arabic with
    backgrounds.
    """
    params = read_params(ROOT / "params.yaml")
    arrivals: dict[str, list[Mark]] = {}
    work = folder / "work"
    work.mkdir()
    settings = sized(params, crops)
    start = time.monotonic()
    tables = rendered_tables(
        settings,
        problem=params.labels,
        tag=params.tag,
        seed=params.seed,
        fonts=fonts,
        words=words,
        work=work,
        fan_out=partial(spread, runner=settings.runner, workers=settings.workers, scheduler=settings.scheduler),
        counts=Counter(),
    )
    written = write_shards(folder / "crops", timed(tables, arrivals))
    seconds = time.monotonic() - start
    thirds = [third(marks) for marks in arrivals.values()]
    return {
        "crops": written,
        "seconds": round(seconds, 1),
        "workers": settings.workers,
        "crops_per_s": round(written / seconds, 1),
        "rate_first": rate(first for first, _ in thirds),
        "rate_last": rate(last for _, last in thirds),
        "rate_by_script": {script: rate([span(marks)]) for script, marks in arrivals.items()},
        "bytes": sum(path.stat().st_size for path in (folder / "crops").iterdir()),
        "left_in_work": len(list(work.iterdir())),
    }


def sized(params: Params, crops: int) -> CropsSettings:
    """The params' crops, as many as asked: scripts, splits and backgrounds in proportion."""
    given = params.crops
    counts = {"text": given.text.model_dump(), "background": given.background.model_dump()}
    total = len(params.words.scripts) * sum(counts["text"].values()) + sum(counts["background"].values())
    scaled = {
        kind: {split: max(1, round(count * crops / total)) for split, count in splits.items()}
        for kind, splits in counts.items()
    }
    return type(given)(**given.model_dump() | scaled)


def timed(tables: Iterator[pa.Table], arrivals: dict[str, list[Mark]]) -> Iterator[pa.Table]:
    """The tables as they come, with a mark for each by script, and before the first one where the last script ended."""
    start = time.monotonic()
    latest: Mark = (0, 0.0)
    for table in tables:
        script = table.column("script")[0].as_py()
        marks = arrivals.setdefault(script, [latest])
        latest = (latest[0] + table.num_rows, time.monotonic() - start)
        marks.append(latest)
        yield table


def third(marks: list[Mark]) -> tuple[Mark, Mark]:
    """Crops and seconds of the first and of the last third of a script's tables, one at least."""
    size = max(1, (len(marks) - 1) // 3)
    return span(marks[: size + 1]), span(marks[-size - 1 :])


def span(marks: list[Mark]) -> Mark:
    return marks[-1][0] - marks[0][0], marks[-1][1] - marks[0][1]


def rate(spans: Iterable[Mark]) -> float:
    crops, seconds = map(sum, zip(*spans, strict=True))
    return round(crops / seconds, 1)


if __name__ == "__main__":
    count, font_table, word_table, scratch = sys.argv[1:]
    print(json.dumps(render(int(count), fonts=Path(font_table), words=Path(word_table), folder=Path(scratch))))
    shutil.rmtree(Path(scratch) / "crops")
