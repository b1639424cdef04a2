"""One shard of the crop table: rendered by one worker and left in a folder as one file.

Every crop is a function of (seed, split, script, index) alone, so a shard has the same bytes on any worker.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.common.files import written_whole
from tasks.common.params import UNWRITTEN
from tasks.crop_table.kinds import kinds_of
from tasks.crop_table.png import encode_png, key_of
from tasks.crop_table.text_side import digest_of
from tasks.crops.backgrounds.glyph_ink import Glyphs
from tasks.crops.backgrounds.kinds import draw_background
from tasks.crops.draw_word import draw_word
from tasks.crops.lines import as_written
from tasks.crops.sampling_plan import Sample
from tasks.crops.sources import ScriptSource, Source, script_source
from tasks.words.confusables import is_ambiguous

ATTEMPTS = 8  # tries of one crop before it is given up: no ink, or the pixels of another crop

Row = dict[str, Any]


@dataclass(frozen=True)
class Shard:
    """The unit of work: some crops of one script, as (split, start, stop); `start` is even."""

    number: int
    script: str
    pieces: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class RenderedShard:
    """Path of a rendered shard, and how many crops were rendered, retried and given up."""

    path: Path
    counts: dict[str, int]


def draw_shard(shard: Shard, source: Source, schema: pa.Schema, folder: Path) -> RenderedShard:
    """Render one shard into `folder`, as an Arrow file that is complete or absent."""
    table, counts = shard_table(shard, source, schema)
    path = folder / f"shard-{shard.number:06d}.arrow"
    with written_whole(path) as beside, pa.ipc.new_file(beside, table.schema) as file:
        file.write_table(table)
    return RenderedShard(path, counts)


def shard_table(shard: Shard, source: Source, schema: pa.Schema) -> tuple[pa.Table, dict[str, int]]:
    """The shard's rows, and the counts of them: `crops.<split>`, `redrawn`, `unshaped`, `missing`, and which."""
    kind = _BackgroundRenderer if shard.script == UNWRITTEN else _TextRenderer
    renderer = kind(shard, source)
    for split, start, stop in shard.pieces:
        renderer.draw(split, start, stop)
    same = {"script": shard.script, "origin": "rendered"}
    columns = [
        pa.array([same.get(field.name, row.get(field.name)) for row in renderer.rows.values()], type=field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema), dict(renderer.counts)


class _Renderer:
    """Renders a shard's crops into `rows`, by their keys: no two have the same pixels."""

    def __init__(self, shard: Shard, source: Source) -> None:
        self.source, self.script = source, shard.script
        self.rows: dict[str, Row] = {}
        self.counts = Counter[str]()

    def draw(self, split: str, start: int, stop: int) -> None:
        """Crops `start` to `stop` of a split."""
        for index in range(start, stop):
            self.render_one(split, index)

    def render_one(self, split: str, index: int) -> None:
        tries = (self.attempt(split, index, attempt) for attempt in range(ATTEMPTS))
        self.keep(split, (None if row is None else [row] for row in tries), given_up=1)

    def attempt(self, split: str, index: int, attempt: int) -> Row | None:
        raise NotImplementedError

    def keep(self, split: str, tries: Iterator[list[Row] | None], *, given_up: int) -> bool:
        """Keep the rows of the first try whose rows are all new; else count `given_up` crops as missing."""
        for number, rows in enumerate(tries):
            if rows and self.rows.keys().isdisjoint(keys := {row["key"] for row in rows}) and len(keys) == len(rows):
                self.rows |= {row["key"]: row | {"planned": split} for row in rows}
                self.counts[f"crops.{split}"] += len(rows)
                self.counts["redrawn"] += number
                return True
        if given_up:
            self.counts["redrawn"] += ATTEMPTS
            self.counts.update({"missing": given_up, f"missing.{self.script}.{split}": given_up})
        return False


class _TextRenderer(_Renderer):
    def __init__(self, shard: Shard, source: Source) -> None:
        super().__init__(shard, source)
        self.script_source: ScriptSource = script_source(source, shard.script)

    def draw(self, split: str, start: int, stop: int) -> None:
        several = len(self.script_source.plans[split].styles) > 1
        for index in range(start, stop, 2):
            together = several and index + 1 < stop and self._render_pair(split, index // 2)
            for single in range(index, index if together else min(index + 2, stop)):
                self.render_one(split, single)

    def _render_pair(self, split: str, number: int) -> bool:
        """Whether crops 2 `number` and 2 `number` + 1 were sampled as a pair and rendered as one."""
        source = self.source
        digest = digest_of(source.seed, "pair", split, self.script, number)
        if int.from_bytes(digest[8:14]) / 2**48 >= source.pairs:
            return False
        plan = self.script_source.plans[split]
        samples = (plan.sample_pair(number, attempt, source.seed) for attempt in range(ATTEMPTS))
        return self.keep(split, (self._both(pair, digest[:8].hex()) for pair in samples), given_up=0)

    def _both(self, pair: tuple[Sample, Sample] | None, name: str) -> list[Row] | None:
        if pair is None or (one := self._draw(pair[0])) is None or (other := self._draw(pair[1])) is None:
            return None
        return [one | {"pair": name}, other | {"pair": name}]

    def attempt(self, split: str, index: int, attempt: int) -> Row | None:
        return self._draw(self.script_source.plans[split].sample(index, attempt, self.source.seed))

    def _draw(self, sample: Sample) -> Row | None:
        font, text, vertical, cut = sample
        written = as_written(text, self.script) if cut.window else text
        opened, shaper = self.script_source.open(font)
        if not shaper.can_draw(written, vertical=vertical):
            self.counts["unshaped"] += 1
            return None
        height, width = self.source.height, self.source.width
        pixels = draw_word(opened, written, cut, height=height, width=width, vertical=vertical)
        if pixels is None:
            return None
        kind = "window" if cut.window else "word"
        ambiguous = is_ambiguous(text, self.script, among=self.script_source.scripts)
        names = {"font_style": font.style, "design": font.design, "font_family": font.family}
        return _row(pixels) | names | {"kind": kind, "text": text, "ambiguous": ambiguous}


class _BackgroundRenderer(_Renderer):
    def attempt(self, split: str, index: int, attempt: int) -> Row:
        source = self.source
        glyphs = Glyphs.of_table(source.fonts, split, seed=source.seed)
        kinds = kinds_of(split, letters=bool(glyphs.letters), icons=bool(glyphs.icons))
        kind = kinds[index % len(kinds)]
        random = np.random.default_rng(int.from_bytes(digest_of(source.seed, split, kind, index, attempt)[:16]))
        pixels = draw_background(kind, random, height=source.height, width=source.width, glyphs=glyphs)
        return _row(pixels) | {"design": f"{UNWRITTEN}:{kind}", "kind": kind}


def _row(pixels: NDArray[np.uint8]) -> Row:
    return {"image": {"bytes": encode_png(pixels), "path": None}, "key": key_of(pixels)}
