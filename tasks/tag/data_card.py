"""The data card of a crop table and its sample sheet: what the table contains, and how to load it."""

import io
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image

from tasks.common.files import written_whole
from tasks.common.params import ProblemSettings
from tasks.crop_table.shards import label_columns
from tasks.tag import data_card_text as text
from tasks.tag.data_card_counts import Contents, Place, read_contents
from tasks.tag.sample_sheet import draw_sheet

CARD, SHEET = "README.md", "samples.png"


def write_card(
    table: Path,
    *,
    folder: Path,
    problem: ProblemSettings,
    name: str,
    counts: Mapping[str, float],
    seed: int | None = None,
    fonts: Path | None = None,
) -> None:
    """Write README.md, a Hugging Face data card, and samples.png into `folder`, for the crop table `table` below it.

    Not into `table` itself: pandas and pyarrow take every file of a folder for Parquet. `name` is the problem's;
    `counts` holds what `tag` counted (`given`, `accepted`, `rejected`, `near_duplicates`, …); with `fonts`, the
    table of fonts, the card tells the fonts' licences. The same table gives the same bytes. Rows are read in
    batches, and of the images only those on the sheet.
    """
    shards = sorted(table.glob("part-*.parquet"))
    nuisances = [column for column in dict.fromkeys(problem.nuisances) if column in label_columns(problem)]
    contents = read_contents(shards, target=problem.target, nuisances=nuisances)
    first = nuisances[0] if nuisances else None
    pictures = _pictures(shards, contents.samples)
    with written_whole(folder / SHEET) as beside:
        draw_sheet(beside, pictures, target=problem.target, nuisance=first)
    place = table.relative_to(folder).as_posix()
    parts = [
        text.front_matter(pq.read_schema(shards[0]), name, contents.rows, place),
        text.opening(problem, name, SHEET),
        text.rows_by_split(contents),
        text.what_was_left_out(counts, seed),
        *[text.cells(contents, problem.target, nuisance) for nuisance in nuisances],
        "" if nuisances else text.cells(contents, problem.target, None),
        text.columns(pq.read_schema(shards[0]), problem, contents),
        text.licences(_families(contents), fonts) if fonts is not None else "",
        text.how_to_load(place),
    ]
    with written_whole(folder / CARD) as beside:
        beside.write_text("\n".join(part for part in parts if part), encoding="utf-8")


def _families(contents: Contents) -> set[str]:
    return {family for family in contents.families if family is not None}


def _pictures(
    shards: list[Path], samples: Mapping[tuple[str, str], list[Place]]
) -> dict[tuple[str, str], list[Image.Image]]:
    """The samples' images; only the row groups that hold one are read, a group at a time."""
    wanted: dict[tuple[int, int], list[tuple[tuple[str, str], int]]] = {}
    for cell, places in samples.items():
        for shard, group, row in places:
            wanted.setdefault((shard, group), []).append((cell, row))
    pictures: dict[tuple[str, str], list[Image.Image]] = {cell: [] for cell in samples}
    for (shard, group), cells in sorted(wanted.items()):
        with pq.ParquetFile(shards[shard]) as file:
            images = file.read_row_group(group, columns=["image"]).column("image")
        for cell, row in cells:
            with Image.open(io.BytesIO(images[row].as_py()["bytes"])) as image:
                pictures[cell].append(image.convert("RGB"))
    return pictures
