"""Our own crops, measured as the peers' are: `python -m benchmarks.ours PARAMS.yaml NAME=JOBS.json …`.

Each set of jobs gives tools of these names, with `_NAME` behind them but for the first set:

    ours     shaping check, rendering, and the training settings' degradations, in batches
    drawn    shaping check and rendering
    rows     rows of the crop table as `unfont crops` makes them: chosen by the mix, checked, rendered, PNG, hash
    ceiling  bare `font.getmask` on the same open fonts, and a resize to the crop
"""

import itertools
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFont

from benchmarks.turns import serve
from models.degrade import degrade, seeds_at
from tasks.common.params import Params, read_params
from tasks.crop_table.splits import TRAIN
from tasks.crop_table.text_side import digest_of
from tasks.crops.cut import UNIFORMS, plan_cut
from tasks.crops.draw_word import draw_word, open_font
from tasks.crops.plan_shards import rendered_tables
from tasks.crops.shaping import Shaper
from tasks.train.batches import as_images

BATCH = 256
ROWS = 200_000  # rendered before the table begins again with another seed

T = TypeVar("T")
R = TypeVar("R")
Job = tuple[str, ImageFont.FreeTypeFont, Shaper]


def make_tools() -> dict[str, Callable[[], int]]:
    """Every tool with one call behind it, so that what it loads once is loaded."""
    torch.set_num_threads(1)
    params = read_params(Path(sys.argv[1]))
    tools: dict[str, Callable[[], int]] = {}
    for given in sys.argv[2:]:
        name, _, path = given.partition("=")
        suffix = f"_{name}" if tools else ""
        tools |= {f"{tool}{suffix}": work for tool, work in tools_of(Path(path), params).items()}
    for work in tools.values():
        work()
    return tools


def tools_of(path: Path, params: Params) -> dict[str, Callable[[], int]]:
    """The four tools for one file of jobs, and the tables beside it."""
    crops = crops_of(read_jobs(path, params.crops.height), params)
    jobs = itertools.cycle(read_jobs(path, params.crops.height))
    tables = tables_of(path.parent, params)
    batches = itertools.count()

    def drawn() -> NDArray[np.uint8]:
        return np.stack(list(itertools.islice(crops, BATCH)))

    def ours() -> int:
        images = as_images(torch.from_numpy(drawn()), params.crops.channels)
        seeds = seeds_at(torch.arange(BATCH), next(batches), seed=params.seed)
        return len(degrade(images, seeds, params.degrade))

    def ceiling() -> int:
        return sum(bare(text, font, params) for text, font, _ in itertools.islice(jobs, BATCH))

    return {"ours": ours, "drawn": lambda: len(drawn()), "rows": lambda: next(tables).num_rows, "ceiling": ceiling}


def read_jobs(path: Path, height: int) -> list[Job]:
    """The jobs with their fonts open, each file once."""
    jobs = json.loads(path.read_text(encoding="utf-8"))["jobs"]
    data = {font: Path(font).read_bytes() for _, font in jobs}
    opened = {font: (open_font(content, height), Shaper(content)) for font, content in data.items()}
    return [(text, *opened[font]) for text, font in jobs]


def crops_of(jobs: Sequence[Job], params: Params) -> Iterator[NDArray[np.uint8]]:
    """Clean crops without end: each a whole word, rendered at its own position and size, as the peers do."""
    for index, (text, font, shaper) in enumerate(itertools.cycle(jobs)):
        if not shaper.can_draw(text):
            continue
        digest = digest_of(params.seed, "benchmark", index)
        uniforms = [int.from_bytes(digest[at : at + 2]) / 2**16 for at in range(0, 2 * UNIFORMS, 2)]
        crop = draw_word(
            font, text, plan_cut(params.crops.mix, uniforms), height=params.crops.height, width=params.crops.width
        )
        if crop is not None:
            yield crop


def bare(text: str, font: ImageFont.FreeTypeFont, params: Params) -> bool:
    mask = font.getmask(text)
    width = min(params.crops.width, max(1, round(mask.size[0] * params.crops.height / mask.size[1])))
    # `_new` is how Pillow itself makes an image of a mask: nothing is copied.
    return Image.Image()._new(mask).resize((width, params.crops.height), Image.Resampling.HAMMING) is not None


def tables_of(folder: Path, params: Params) -> Iterator[pa.Table]:
    """Tables of `unfont crops` without end, rendered one shard after the other in this process."""
    no_crops = dict.fromkeys(params.crops.text.model_dump(), 0)
    for seed in itertools.count():
        values: dict[str, Any] = params.crops.model_dump() | {"workers": 1, "background": no_crops}
        settings = type(params.crops)(**values | {"text": no_crops | {TRAIN: ROWS}})
        with tempfile.TemporaryDirectory() as work:
            yield from rendered_tables(
                settings,
                problem=params.labels,
                tag=params.tag,
                seed=seed,
                fonts=folder / "fonts.parquet",
                words=folder / "words.parquet",
                work=Path(work),
                fan_out=in_turn,
                counts=Counter(),
            )


def in_turn(work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    return map(work, items)


if __name__ == "__main__":
    serve(make_tools)
