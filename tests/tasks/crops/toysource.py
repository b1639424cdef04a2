"""Small tables of fonts and words to draw crops from, and the settings to do it with."""

import random
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.common.drawing_settings import CropsSettings, FontsSettings, MixSettings, SplitCounts
from tasks.common.params import ProblemSettings, TagSettings
from tasks.crop_table.shards import crop_schema
from tasks.crops.plan_shards import rendered_tables
from tasks.crops.sources import Source
from tasks.fonts.build import make_fonts
from tasks.words.build import SCHEMA
from tests.toyfonts import make_toy_fonts

PROBLEM = ProblemSettings(target="script", nuisances=["font_style"], group="design")
ROWS = crop_schema(PROBLEM, split=False)
TAG = TagSettings(
    validation_words=0.2,
    test_words=0.2,
    validation_groups=0.2,
    test_groups=0.2,
    pool=0.2,
    near=3,
    rejected=0.0,
)
MIX = MixSettings(
    letter=0.1, two=0.1, digits=0.2, punctuation=0.2, title=0.3, capitals=0.3, vertical=0.0,
    window=0.0, tight=0.0, loose=0.0, neighbours=0.0, rules=0.0, sloped=0.0,
)  # fmt: skip
PLAIN = MixSettings(**dict.fromkeys(MixSettings.model_fields, 0.0))
TEXT = SplitCounts(train=24, pool=12, validation=9, test_seen=9, test_unseen=9)
ZXXX = SplitCounts(train=22, pool=33, validation=8, test_seen=11, test_unseen=10)
CROPS = CropsSettings(
    height=16,
    width=48,
    channels=1,
    text=TEXT,
    others=1.0,
    background=ZXXX,
    mix=MIX,
    pairs=0.5,
    runner="threads",
    workers=1,
    scheduler=None,
)
LETTERS = {"Grek": "αβγδεζηθικλμνξοπρστυφχψω", "Latn": "abcdefghijklmnopqrstuvwxyz"}
WORDS = {
    script: sorted({"".join(random.Random(f"{script}{n}").choices(letters, k=3 + n % 6)) for n in range(40)})
    for script, letters in LETTERS.items()
}


def make_font_table(folder: Path) -> Path:
    """Four designs of each of three styles in two scripts, on all three sides."""
    out = folder / "fonts.parquet"
    out.write_bytes(_font_table())
    return out


@cache
def _font_table() -> bytes:
    with TemporaryDirectory() as name:
        folder = Path(name)
        make_toy_fonts(folder / "toyfonts", scripts=("Grek", "Latn"), designs_per_style=4)
        settings = FontsSettings(
            source=str(folder / "toyfonts"), optional=False, weights=[400], widths=[100], italics=[], font_style=None
        )
        out = folder / "fonts.parquet"
        make_fonts(settings, scripts=["Grek", "Latn"], out=out, designs=folder / "designs.json")
        return out.read_bytes()


def write_words(path: Path, words: dict[str, list[str]] = WORDS, *, language: str = "en") -> Path:
    """The words, and the letters of `LETTERS`, as the words stage writes them."""
    rows = [
        {"script": script, "text": text, "language": language, "kind": kind, "ambiguous": False}
        for script in sorted(words)
        for kind, texts in (("word", words[script]), ("letter", LETTERS.get(script, "")))
        for text in sorted(texts)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), path)
    return path


def source_of(fonts: Path, words: Path, **changes: Any) -> Source:
    settings = {"height": 16, "width": 48, "mix": MIX, "pairs": 0.5, "tag": TAG, "seed": 0} | changes
    return Source(fonts=fonts, words=words, **settings)


def draw(
    fonts: Path, words: Path, work: Path, *, settings: CropsSettings = CROPS, problem: ProblemSettings = PROBLEM,
    seed: int = 0, fan_out: Any = map,
) -> tuple[pa.Table, Counter[str]]:  # fmt: skip
    """All drawn rows as one table, and the counts."""
    counts = Counter[str]()
    tables: Iterator[pa.Table] = rendered_tables(
        settings,
        problem=problem,
        tag=TAG,
        seed=seed,
        fonts=fonts,
        words=words,
        work=work,
        fan_out=fan_out,
        counts=counts,
    )
    return pa.concat_tables(list(tables)).unify_dictionaries(), counts
