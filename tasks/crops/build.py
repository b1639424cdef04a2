"""The crop table before it is checked and split: rendered crops, the user's own, or both."""

import shutil
from collections import Counter
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.common.drawing_settings import CropsSettings
from tasks.common.files import written_whole
from tasks.common.parallel import FanOut
from tasks.common.params import ProblemSettings, TagSettings
from tasks.crop_table.shards import REJECTED, REJECTED_FILE, write_shards
from tasks.crops.plan_shards import rendered_tables
from tasks.images.imported_rows import own_tables


def make_crops(
    settings: CropsSettings,
    *,
    problem: ProblemSettings,
    tag: TagSettings,
    seed: int,
    fonts: Path,
    words: Path,
    pictures: Path,
    out: Path,
    work: Path,
    fan_out: FanOut,
) -> dict[str, float]:
    """Write the crops of `problem` as shards into the folder `out`, by its source: rendered, own, or both.

    Rendered crops come first, by script; the user's follow in the order of `pictures`. `rejected.parquet` (path,
    reason) beside the shards lists the user's pictures that cannot be used, if any. `work` is scratch space for
    shards, removed at the end. The table has the same bytes with any `fan_out`.

    Returns counts: `crops`; of rendered ones those of `rendered_tables`; of the user's, `rejected`.

    Raises:
        UserError: fonts, words or pictures are missing or cannot be used.
        WorkerLostError: a shard's worker was lost as often as it was tried.
    """
    counts: Counter[str] = Counter()
    rejected: list[tuple[str, str]] = []

    def tables() -> Generator[pa.Table, None, None]:
        if problem.draws:
            # Absolute: workers of a cluster have another working directory.
            files = {"fonts": fonts.resolve(), "words": words.resolve(), "work": work.resolve()}
            yield from rendered_tables(
                settings, problem=problem, tag=tag, seed=seed, **files, fan_out=fan_out, counts=counts
            )
        if problem.brings:
            yield from own_tables(pictures, problem=problem, settings=settings, rejected=rejected)

    # Closed at once if writing fails: it may hold a flow run with workers.
    with written_whole(out) as beside, closing(tables()) as found:
        written = write_shards(beside, found)
        _write_rejected(beside / REJECTED_FILE, rejected)
    shutil.rmtree(work, ignore_errors=True)
    counts["crops"] = written
    if problem.brings:
        counts["rejected"] = len(rejected)
    return {name: float(count) for name, count in sorted(counts.items())}


def _write_rejected(path: Path, rejected: list[tuple[str, str]]) -> None:
    columns = [pa.array([row[column] for row in rejected], pa.string()) for column in (0, 1)]
    pq.write_table(pa.Table.from_arrays(columns, schema=REJECTED), path)
