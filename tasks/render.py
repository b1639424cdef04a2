"""Words drawn in fonts, and crops with no text: the crop table before it is checked and split.

Every crop follows from (seed, split, script, index) and nothing else, so the table has the same bytes
whatever drew it: one process, several, or several machines.
"""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import ImageFont

from tasks.background import draw_background, kinds_of
from tasks.cast import Cast, Font, cast_script
from tasks.draw import draw_word, open_font
from tasks.errors import UserError
from tasks.files import written_whole
from tasks.params import UNWRITTEN, CropsSettings, ProblemSettings, TagSettings
from tasks.split import LISTED, digest_of
from tasks.table import crop_schema, encode_png, key_of, write_shards

RENDERED = ProblemSettings(target="script", nuisances=["font_style"], group="design")
SCHEMA = crop_schema(RENDERED, split=False)
SHARD = 2_000  # crops that one worker draws at a time
ATTEMPTS = 8  # draws of one crop before it is given up: no ink, or pixels that are there already

Row = dict[str, Any]
Draw = Callable[[str, int, int], Row | None]  # (split, index, attempt)


@dataclass(frozen=True)
class Shard:
    """What one worker draws at a time: some crops of one script, as (split, start, stop)."""

    script: str
    pieces: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Source:
    """What every shard is drawn from; small, so that it travels to any worker that sees the same files."""

    fonts: Path
    words: Path
    height: int
    width: int
    tag: TagSettings
    seed: int


def make_crops(
    settings: CropsSettings, *, tag: TagSettings, seed: int, fonts: Path, words: Path, out: Path
) -> dict[str, float]:
    """Draw the crops of every script of `words`, and the `Zxxx` crops, into shards in the folder `out`.

    The summary counts what could not be drawn: `words_uncovered` (no font on the word's side has all its
    characters) and `missing` crops, with `missing.<script>.<split>` where a script has no design on a side.

    Raises:
        UserError: a table is missing or is none, or no font covers any word of a script, or a word that the user
            listed.
    """
    source = Source(fonts, words, settings.height, settings.width, tag, seed)
    shards, counts = plan_shards(settings, source)

    def tables() -> Iterator[pa.Table]:
        for table, counted in _render(shards, source, settings.workers):
            counts.update(counted)
            yield table

    with written_whole(out) as beside:
        written = write_shards(beside, tables())
    zeros = dict.fromkeys(("missing", "redrawn", "words_uncovered"), 0)
    return {name: float(count) for name, count in sorted((zeros | counts | {"crops": written}).items())}


def plan_shards(settings: CropsSettings, source: Source) -> tuple[list[Shard], Counter[str]]:
    """The shards, in the table's order, and counts of what no font can show."""
    fonts = read_fonts(source.fonts)
    _check_listed(source, fonts)
    shards, counts = [], Counter[str]()
    for script, words in sorted(read_words(source.words).items()):
        casts = cast_script(script, words, fonts.get(script, []), tag=source.tag, seed=source.seed)
        shown = set().union(*(cast.words for cast in casts.values()))
        if not shown:
            mend = "install fonts of this script, or take it out of words.scripts"
            raise UserError(f"no font covers any word of {script}", where=source.fonts, mend=mend)
        counts["words_uncovered"] += len(words) - len(shown)
        asked = settings.text.model_dump()
        for split in asked.keys() - casts.keys():
            counts.update({"missing": asked[split], f"missing.{script}.{split}": asked[split]})
        shards += _cut(script, {split: count for split, count in asked.items() if split in casts})
    return shards + _cut(UNWRITTEN, settings.background.model_dump()), counts


def _check_listed(source: Source, fonts: dict[str, list[Font]]) -> None:
    """A word of CLDR's that no font has is counted; one that the user asked for is told."""
    table = _read(source.words, ["script", "text", "language"])
    listed = table.filter(pc.equal(table.column("language"), LISTED)).to_pylist()
    for script in sorted({word["script"] for word in listed}):
        letters = [set(font.coverage.tolist()) for font in fonts.get(script, [])]
        for word in (word["text"] for word in listed if word["script"] == script):
            if not any(set(map(ord, word)) <= has for has in letters):
                mend = f"take it out of the list {script}.txt, or add a font that has all of its characters"
                raise UserError(f"no font covers the word '{word:.40}'", where=source.words, mend=mend)


def _cut(script: str, asked: dict[str, int]) -> list[Shard]:
    """A script's crops in shards of `SHARD` at most."""
    pieces = [
        (split, start, min(start + SHARD, count)) for split, count in asked.items() for start in range(0, count, SHARD)
    ]
    shards: list[list[tuple[str, int, int]]] = []
    room = 0
    for split, start, stop in pieces:
        if stop - start > room:
            shards.append([])
            room = SHARD
        shards[-1].append((split, start, stop))
        room -= stop - start
    return [Shard(script, tuple(shard)) for shard in shards]


def _render(shards: list[Shard], source: Source, workers: int) -> Iterator[tuple[pa.Table, dict[str, int]]]:
    work = partial(render_shard, source=source)
    if workers == 1 or len(shards) == 1:
        yield from map(work, shards)
        return
    # Spawned: a fork would copy the locks of torch's and Arrow's threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(shards)), mp_context=context) as pool:
        yield from pool.map(work, shards)


def render_shard(shard: Shard, source: Source) -> tuple[pa.Table, dict[str, int]]:
    """Draw one shard: its rows, and how many of each split were drawn, drawn again, and given up."""
    draw = _background(source) if shard.script == UNWRITTEN else _text(shard, source)
    same = {"script": shard.script, "origin": "rendered", "pair": None}
    rows: dict[str, Row] = {}
    counts: Counter[str] = Counter()
    for split, start, stop in shard.pieces:
        for index in range(start, stop):
            tries = (draw(split, index, attempt) for attempt in range(ATTEMPTS))
            number, row = next(
                ((n, row) for n, row in enumerate(tries) if row and row["key"] not in rows), (ATTEMPTS, None)
            )
            counts["redrawn"] += number
            if row is None:
                counts.update(("missing", f"missing.{shard.script}.{split}"))
            else:
                rows[row["key"]] = row | same | {"planned": split}
                counts[f"crops.{split}"] += 1
    columns = [pa.array([row[field.name] for row in rows.values()], type=field.type) for field in SCHEMA]
    return pa.Table.from_arrays(columns, schema=SCHEMA), dict(counts)


def _text(shard: Shard, source: Source) -> Draw:
    fonts = read_fonts(source.fonts, shard.script)[shard.script]
    words = read_words(source.words, shard.script)[shard.script]
    casts: dict[str, Cast] = cast_script(shard.script, words, fonts, tag=source.tag, seed=source.seed)
    data = _read_font_bytes(source.fonts, [font.place for font in fonts])
    opened: dict[int, ImageFont.FreeTypeFont] = {}

    def draw(split: str, index: int, attempt: int) -> Row | None:
        font, text, chances = casts[split].choose(index, attempt, source.seed)
        if font.place not in opened:
            opened[font.place] = open_font(data[font.place], source.height)
        pixels = draw_word(opened[font.place], text, chances, height=source.height, width=source.width)
        if pixels is None:
            return None
        names = {"font_style": font.style, "design": font.design, "font_family": font.family}
        return _row(pixels, kind="word", text=text, **names)

    return draw


def _background(source: Source) -> Draw:
    def draw(split: str, index: int, attempt: int) -> Row:
        kinds = kinds_of(split)
        kind = kinds[index % len(kinds)]
        random = np.random.default_rng(int.from_bytes(digest_of(source.seed, split, kind, index, attempt)[:16]))
        pixels = draw_background(kind, random, height=source.height, width=source.width)
        design = f"{UNWRITTEN}:{kind}"
        return _row(pixels, kind=kind, text=None, font_style=None, design=design, font_family=None)

    return draw


def _row(pixels: NDArray[np.uint8], **columns: str | None) -> Row:
    return columns | {"image": {"bytes": encode_png(pixels), "path": None}, "key": key_of(pixels)}


def read_words(path: Path, script: str | None = None) -> dict[str, list[str]]:
    """Words of each script, or of one, in the table's order."""
    table = _read(path, ["script", "text"])
    words: dict[str, list[str]] = {}
    for name, text in zip(*(table.column(column).to_pylist() for column in ("script", "text")), strict=True):
        if script in (None, name):
            words.setdefault(name, []).append(text)
    return words


def read_fonts(path: Path, script: str | None = None) -> dict[str, list[Font]]:
    """Fonts of each script, or of one, in the table's order, without their bytes."""
    names = ["family", "font_style", "design", "side", "weight", "coverage"]
    table = _read(path, ["script", *names])
    places = pa.array(range(table.num_rows))
    table = table.append_column("place", places)
    if script is not None:
        table = table.filter(pc.equal(table.column("script").cast(pa.string()), script))
    fonts: dict[str, list[Font]] = {}
    coverage = [scalar.values.to_numpy() for scalar in table.column("coverage")]
    rows = table.drop_columns("coverage").to_pylist()
    for row, points in zip(rows, coverage, strict=True):
        fonts.setdefault(row.pop("script"), []).append(Font(style=row.pop("font_style"), coverage=points, **row))
    return fonts


def _read_font_bytes(path: Path, places: list[int]) -> dict[int, bytes]:
    """The fonts at `places` of the table; only their row groups are read."""
    found: dict[int, bytes] = {}
    with pq.ParquetFile(path) as file:
        start = 0
        for group in range(file.num_row_groups):
            stop = start + file.metadata.row_group(group).num_rows
            inside = [place for place in places if start <= place < stop]
            if inside:
                column = file.read_row_group(group, columns=["font"]).column("font")
                found |= {place: column[place - start].as_py() for place in inside}
            start = stop
    return found


def _read(path: Path, columns: list[str]) -> pa.Table:
    stage = path.stem
    try:
        return pq.read_table(path, columns=columns)
    except FileNotFoundError:
        raise UserError(f"there is no table of {stage}", where=path, mend=f"make it: unfont {stage}") from None
    except pa.ArrowInvalid as error:
        raise UserError(
            f"the table of {stage} cannot be read", where=path, mend=f"make it again: unfont {stage}"
        ) from error
