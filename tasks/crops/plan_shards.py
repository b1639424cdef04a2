"""Rendered words and non-text crops: the crop table before it is checked and split.

`fan_out` sends shards to workers and returns them in the table's order, one at a time.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tasks.common.drawing_settings import CropsSettings
from tasks.common.parallel import FanOut
from tasks.common.params import UNWRITTEN, ProblemSettings, TagSettings
from tasks.crop_table.shards import COLOUR, crop_schema
from tasks.crop_table.splits import TRAIN, TRAINING_SPLITS
from tasks.crop_table.text_side import LISTED
from tasks.crops.sampling_plan import FontRow
from tasks.crops.shard import RenderedShard, Shard, draw_shard
from tasks.crops.sources import Source, plans_of, read_columns, read_fonts, read_texts
from unfont.errors import UserError
from unfont.labels import COMMON, UNKNOWN

SHARD = 2_000  # crops of a shard: even, since pairs stay together
COUNTS = ("missing", "redrawn", "unshaped", "words_uncovered")


def rendered_tables(
    settings: CropsSettings,
    *,
    problem: ProblemSettings,
    tag: TagSettings,
    seed: int,
    fonts: Path,
    words: Path,
    work: Path,
    fan_out: FanOut,
    counts: Counter[str],
) -> Iterator[pa.Table]:
    """Render the crops of every script of `words`, and the non-text (`Zxxx`) crops; yield them shard by shard.

    Shards wait in the folder `work` and are removed when they are read. `counts` is filled meanwhile: crops by split;
    `redrawn` crops; `unshaped` texts, whose characters the font has but cannot shape; `words_uncovered`, for which no
    font on the word's side has all characters; `missing` crops, with `missing.<script>.<split>` where a script has no
    design on a side.

    Raises:
        UserError: the problem's labels are not those of rendered crops; a table is missing or unreadable; no font
            covers any word of a script, or a word that the user listed.
    """
    check_problem(problem)
    source = Source(fonts, words, settings.height, settings.width, settings.mix, settings.pairs, tag, seed)
    counts.update(dict.fromkeys(COUNTS, 0))
    shards, uncounted = plan_shards(settings, source)
    counts.update(uncounted)
    return _fetch(shards, source, crop_schema(problem, split=False), work, fan_out, counts)


def _fetch(
    shards: list[Shard], source: Source, schema: pa.Schema, work: Path, fan_out: FanOut, counts: Counter[str]
) -> Iterator[pa.Table]:
    work.mkdir(parents=True, exist_ok=True)
    drawn: RenderedShard
    for drawn in fan_out(partial(draw_shard, source=source, schema=schema, folder=work), shards):
        with pa.OSFile(str(drawn.path)) as file:
            table = pa.ipc.open_file(file).read_all()
        drawn.path.unlink()
        counts.update(drawn.counts)
        yield table


def check_problem(problem: ProblemSettings) -> None:
    """Raise a UserError unless rendered crops have the problem's labels."""
    unknown = set(problem.nuisances) - {"font_style", "design", COLOUR}
    if (problem.target, problem.group) == ("script", "design") and not unknown:
        return
    raise UserError(
        "drawn crops have the target script, the group design, and the nuisances font_style, design and colour",
        where=f"a problem of target {problem.target}, with source: {problem.source}",
        fix="name those, or set source: own",
    )


def plan_shards(settings: CropsSettings, source: Source) -> tuple[list[Shard], Counter[str]]:
    """The shards, in the table's order, and counts of what no font can show."""
    fonts = read_fonts(source.fonts)
    _check_listed(source, fonts)
    counts = Counter[str]()
    asked = {UNWRITTEN: settings.background.model_dump()}
    for script, texts in sorted(read_texts(source.words).items()):
        plans = plans_of(source, script, texts, fonts.get(script, []))
        shown = set().union(*(plan.words for plan in plans.values()))
        if not shown and script != UNKNOWN:  # a folder of one's own fonts has none of those
            fix = "install fonts of this script, or take it out of words.scripts"
            raise UserError(f"no font covers any word of {script}", where=source.fonts, fix=fix)
        counts["words_uncovered"] += len(texts.words) - len(shown)
        designs = sum(len(style.designs) for style in plans[TRAIN].styles) if TRAIN in plans else 0
        wanted = text_crops(settings, script, designs)
        asked[script] = {split: count for split, count in wanted.items() if split in plans}
        for split in wanted.keys() - plans.keys():
            counts.update({"missing": wanted[split], f"missing.{script}.{split}": wanted[split]})
    # Text first, backgrounds last: an arbitrary but fixed order.
    pieces = [(script, shard) for script in sorted(asked, key=lambda name: (name == UNWRITTEN, name))
              for shard in _cut(asked[script])]  # fmt: skip
    return [Shard(number, script, shard) for number, (script, shard) in enumerate(pieces)], counts


def text_crops(settings: CropsSettings, script: str, designs: int) -> dict[str, int]:
    """Crops of a script with so many training designs, by split.

    Of `Zzzz` there are more to learn from and as many to test; `Zyyy` is a few signs, in the designs of all scripts.
    """
    counts: dict[str, int] = settings.text.model_dump()
    if script != COMMON:
        counts[TRAIN] = train_crops(settings, designs)
    if script == UNKNOWN:
        counts |= {split: round(settings.others * counts[split]) for split in TRAINING_SPLITS}
    return counts


def train_crops(settings: CropsSettings, designs: int) -> int:
    """Training crops of a script with so many training designs.

    √n times `settings.text.train` for n times `settings.designs`, and never fewer: a script's variety grows with its
    designs, but slower, since they are similar.
    """
    if settings.designs is None:
        return settings.text.train
    return round(settings.text.train * max(1.0, designs / settings.designs) ** 0.5)


def _check_listed(source: Source, fonts: dict[str, list[FontRow]]) -> None:
    """A CLDR word that no font covers is only counted; for a word of the user's list it is an error."""
    table = read_columns(source.words, ["script", "text", "language", "kind"])
    by_the_user = pc.and_(pc.equal(table.column("language"), LISTED), pc.equal(table.column("kind"), "word"))
    for word in table.filter(by_the_user).to_pylist():
        if not any(font.covers(word["text"]) for font in fonts.get(word["script"], [])):
            fix = f"take it out of the list {word['script']}.txt, or add a font that has all of its characters"
            raise UserError(f"no font covers the word '{word['text']:.40}'", where=source.words, fix=fix)


def _cut(asked: dict[str, int]) -> list[tuple[tuple[str, int, int], ...]]:
    """A script's crops in shards of at most `SHARD`, as pieces (split, start, stop)."""
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
    return [tuple(shard) for shard in shards]
