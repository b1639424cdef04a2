"""What crops are rendered from: the tables of fonts and words, and a script's plans and open fonts."""

import string
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import ImageFont

from tasks.common.drawing_settings import MixSettings
from tasks.common.params import SYMBOLS, TagSettings
from tasks.crop_table.italics import is_italic
from tasks.crops.backgrounds.glyph_ink import read_font_bytes
from tasks.crops.draw_word import open_font
from tasks.crops.sampling_plan import FontRow, SamplingPlan, Texts, plan_splits
from tasks.crops.shaping import Shaper
from unfont.errors import UserError
from unfont.labels import COMMON

OPEN = 400  # fonts open at a time; each holds its bytes and outlines in memory
NAMES = ["family", "font_style", "design", "side", "weight"]


@dataclass(frozen=True)
class Source:
    """What every shard is rendered from; small to pickle, for workers that see the same files."""

    fonts: Path
    words: Path
    height: int
    width: int
    mix: MixSettings
    pairs: float
    tag: TagSettings
    seed: int


class ScriptSource:
    """One script's sampling plans and its fonts, opened on first use."""

    def __init__(self, source: Source, script: str) -> None:
        fonts = read_fonts(source.fonts, None if script == COMMON else script).get(script, [])
        texts = read_texts(source.words, script)[script]
        self.scripts = scripts_of(source.words)
        self.plans: dict[str, SamplingPlan] = plans_of(source, script, texts, fonts)
        self._data = read_font_bytes(source.fonts, [font.row for font in fonts])
        self._height = source.height
        self._open: OrderedDict[int, tuple[ImageFont.FreeTypeFont, Shaper]] = OrderedDict()

    def open(self, font: FontRow) -> tuple[ImageFont.FreeTypeFont, Shaper]:
        """The font, open for rendering and for shaping."""
        found = self._open.get(font.row)
        if found is None:
            data = self._data[font.row]
            found = self._open[font.row] = open_font(data, self._height), Shaper(data)
            if len(self._open) > OPEN:
                self._open.popitem(last=False)
        return found


def script_source(source: Source, script: str) -> ScriptSource:
    """The script's source; shards of one script share it within a process."""
    stats = [path.stat() for path in (source.fonts, source.words)]
    return _script_source(source, script, tuple((stat.st_mtime_ns, stat.st_size) for stat in stats))


@lru_cache(maxsize=1)
def _script_source(source: Source, script: str, version: tuple[tuple[int, int], ...]) -> ScriptSource:
    return ScriptSource(source, script)


def plans_of(source: Source, script: str, texts: Texts, fonts: Sequence[FontRow]) -> dict[str, SamplingPlan]:
    """The plans of a script's splits, as the source's settings say."""
    return plan_splits(script, texts, fonts, tag=source.tag, mix=source.mix, height=source.height, seed=source.seed)


def read_texts(path: Path, script: str | None = None) -> dict[str, Texts]:
    """Words and letters of each script, or of one, in the table's order."""
    table = _of_script(read_columns(path, ["script", "text", "kind"]), script)
    found: dict[str, tuple[list[str], list[str]]] = {}
    for name, text, kind in zip(*(column.to_pylist() for column in table.columns), strict=True):
        found.setdefault(name, ([], []))[kind == "letter"].append(text)
    return {name: Texts(tuple(words), tuple(letters)) for name, (words, letters) in found.items()}


def scripts_of(path: Path) -> frozenset[str]:
    """The scripts of the table of words."""
    return frozenset(read_columns(path, ["script"]).column("script").cast(pa.string()).unique().to_pylist())


def read_fonts(path: Path, script: str | None = None) -> dict[str, list[FontRow]]:
    """Fonts of each script, or of one, in the table's order, without their bytes; of all scripts also `Zyyy`'s."""
    table = read_columns(path, ["script", *NAMES, "coverage"])
    table = _of_script(table.append_column("row", pa.array(range(table.num_rows))), script)
    fonts: dict[str, list[FontRow]] = {}
    coverage = (scalar.values.to_numpy() for scalar in table.column("coverage"))
    for row, points in zip(table.drop_columns("coverage").to_pylist(), coverage, strict=True):
        fonts.setdefault(row.pop("script"), []).append(FontRow(style=row.pop("font_style"), coverage=points, **row))
    if script is None:
        fonts[COMMON] = _with_digits(fonts)
    return fonts


def _with_digits(fonts: Mapping[str, Sequence[FontRow]]) -> list[FontRow]:
    """One font of each family, weight and slant with the digits 0 to 9: texts of no script are set in all of them."""
    found: dict[tuple[str, int, bool], FontRow] = {}
    for script, rows in fonts.items():
        for font in rows if script != SYMBOLS else ():
            if font.covers(string.digits):
                found.setdefault((font.family, font.weight, is_italic(font.design)), font)
    return list(found.values())


def _of_script(table: pa.Table, script: str | None) -> pa.Table:
    return table if script is None else table.filter(pc.equal(table.column("script").cast(pa.string()), script))


def read_columns(path: Path, columns: Iterable[str]) -> pa.Table:
    """Columns of the table of fonts or of words.

    Raises:
        UserError: there is no such table, or it is none, or it lacks a column.
    """
    stage = path.stem
    try:
        return pq.read_table(path, columns=list(columns)).select(list(columns))
    except FileNotFoundError:
        raise UserError(f"there is no table of {stage}", where=path, fix=f"make it: unfont {stage}") from None
    except (pa.ArrowInvalid, KeyError) as error:
        raise UserError(
            f"the table of {stage} cannot be read", where=path, fix=f"make it again: unfont {stage}"
        ) from error
