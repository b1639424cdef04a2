"""A seeded crop table that a tiny network learns in a second: the label is the stripes' direction."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.baseline.train import baseline_jobs, train_baseline
from tasks.common.params import Params, read_params
from tasks.common.progress import Progress
from tasks.crop_table.png import Pixels, encode_png, key_of
from tasks.crop_table.shards import crop_schema, write_shards
from tasks.train.job import gather
from tests.conftest import ROOT

HEIGHT, WIDTH = 16, 48
SLANTS = {"Grek": -1, "Hebr": 0, "Latn": 1}
STYLES = ["bold", "light"]
COUNTS = {"train": 40, "pool": 30, "validation": 12, "test_seen": 4, "test_unseen": 4}


def toy_params(**changes: Any) -> Params:
    """The committed params with small crops, a tiny network and short trainings; sections are merged."""
    values = read_params(ROOT / "params.yaml").model_dump()
    small = {
        "threads": 1,
        "network": {"channels": [8, 16], "attention": 0, "embedding": 16},
        "rounds": {"1": {"previous": "0"}, "2": {"previous": "1"}, "3": {"previous": "2"}},
        "train": {"epochs": 3, "batch": 16, "learning_rate": 0.02, "precision": "float32", "processes": 1},
        "mine": {"threshold": 0.3, "epochs": 2},
        "invariance": {"epochs": 2, "erased": 4},
    }
    for key, value in [*small.items(), *changes.items()]:
        values[key] = {**values[key], **value} if isinstance(value, dict) else value
    return Params(**values)


def make_toy_table(folder: Path, *, seed: int = 0, background: bool = True, nuisances: bool = True) -> Path:
    """A crop table with three scripts, two styles and, if asked for, a background of plain noise.

    The first sixteen crops of a script and a split are eight pairs, bold and light.
    """
    rng = np.random.default_rng(seed)
    labels = [*SLANTS, "Zxxx"] if background else [*SLANTS]
    rows = [
        _row(rng, split, label, number, nuisances)
        for split, count in COUNTS.items()
        for label in labels
        for number in range(count)
    ]
    rows.sort(key=lambda row: (list(COUNTS).index(row["split"]), row["key"]))
    schema = crop_schema(read_params(ROOT / "params.yaml").labels, split=True)
    arrays = [pa.array([row[field.name] for row in rows], type=field.type) for field in schema]
    write_shards(folder, [pa.Table.from_arrays(arrays, schema=schema)])
    return folder


def silent(_: str) -> None:
    """Progress that nobody reads."""


def make_round_0(params: Params, table: Path, out: Path, *, progress: Progress = silent) -> dict[str, float]:
    """Round 0 at `out`, with its scratch beside it, as the flow composes it; the metrics of the stage's own."""
    jobs = baseline_jobs(params, table=table, work=out.with_name("work"))
    summaries = [train_baseline(replace(job, progress=progress)) for job in jobs]
    gather(jobs, out=out)
    return summaries[0]


def stripes(rng: np.random.Generator, slant: int, bold: bool) -> Pixels:
    """Dark stripes of one direction on white."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    wave = np.sin((columns + slant * rows) * rng.uniform(0.7, 1.1) + rng.uniform(0, 6))
    return np.where(wave > (0.0 if bold else 0.6), rng.integers(0, 40), 255).astype(np.uint8)


def _row(rng: np.random.Generator, split: str, label: str, number: int, nuisances: bool) -> dict[str, Any]:
    text, bold = label != "Zxxx", number % 2 == 0
    noise = rng.integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)
    pixels = stripes(rng, SLANTS[label], bold) if text else noise
    return {
        "image": {"bytes": encode_png(pixels), "path": None},
        "script": label,
        "font_style": STYLES[number % 2] if text and nuisances else None,
        "design": f"{split}-{number % 3}" if text else "Zxxx:noise",
        "font_family": "toy" if text else None,
        "text": "stripes" if text else "",
        "kind": "word" if text else "noise",
        "origin": "rendered",
        "pair": f"{split}-{label}-{number // 2}" if text and nuisances and number < 16 else None,
        "ambiguous": None,
        "key": key_of(pixels),
        "split": split,
    }
