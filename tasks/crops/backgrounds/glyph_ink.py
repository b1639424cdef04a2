"""Single letters and icons as ink, for backgrounds: unreadable parts of letters, and pictures that are no text."""

import functools
import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFont

from tasks.common.params import SYMBOLS
from tasks.crop_table.splits import DESIGN_SIDE
from tasks.crop_table.text_side import digest_of
from tasks.fonts.icons import background_icons
from unfont.errors import UserError
from unfont.labels import UNKNOWN

SIZE = 48  # pixels an em, of letters and icons
MOST_POINTS = 512  # characters of one font: more would only use memory
FEWEST_ICONS = 12  # a font with fewer is no icon font
NO_LETTERS = (SYMBOLS, UNKNOWN)  # scripts whose fonts give no letters: those of scripts not learned stay for text
ATTEMPTS = 8  # characters tried before a font counts as blank

Ink = NDArray[np.uint8]  # [height, width], 0 none, 255 full


@dataclass
class Face:
    """An open font and the characters to take from it; rendered ones are cached."""

    font: ImageFont.FreeTypeFont
    points: Sequence[int]
    _kept: dict[int, tuple[Ink, int]] = field(default_factory=dict, repr=False)

    def draw(self, rng: Generator) -> tuple[Ink, int]:
        """One character's ink, cropped to its bounding box, and the box's top below the line's top in pixels."""
        for _ in range(ATTEMPTS):
            ink, top = self._ink_of(self.points[int(rng.integers(len(self.points)))])
            if ink.size:
                return ink, top
        return np.full((SIZE // 2, SIZE // 2), 255, np.uint8), SIZE // 4

    def _ink_of(self, point: int) -> tuple[Ink, int]:
        if point not in self._kept:
            mask, (_, top) = self.font.getmask2(chr(point), mode="L")
            box = mask.getbbox()
            ink = np.zeros((0, 0), np.uint8)
            if box is not None:
                ink = np.asarray(Image.Image()._new(mask).crop(box))
                top += box[1]
            self._kept[point] = ink, int(top)
        return self._kept[point]


@dataclass(frozen=True)
class Glyphs:
    """Fonts of one side, open: `letters` of several scripts, `icons` of symbol fonts; either may be empty."""

    letters: tuple[Face, ...] = ()
    icons: tuple[Face, ...] = ()

    @classmethod
    def of_table(cls, fonts: Path, split: str, *, seed: int, most: int = 12) -> "Glyphs":
        """Up to `most` fonts for letters, a script at a time, and up to `most` symbol fonts of the split's side.

        Only the row groups that hold them are read. The same file, side and seed are opened once in a process.

        Raises:
            UserError: there is no table of fonts, or it cannot be read.
        """
        try:
            facts = fonts.stat()
            return _of_table(fonts.resolve(), (facts.st_mtime_ns, facts.st_size), DESIGN_SIDE[split], seed, most)
        except FileNotFoundError:
            raise UserError("there is no table of fonts", where=fonts, fix="make it: unfont fonts") from None
        except pa.ArrowInvalid as error:
            fix = "make it again: unfont fonts"
            raise UserError("the table of fonts cannot be read", where=fonts, fix=fix) from error

    def letter(self, rng: Generator) -> Ink:
        """A letter, cropped to its ink, about `SIZE` pixels high."""
        return self.letters[int(rng.integers(len(self.letters)))].draw(rng)[0]

    def line(self, rng: Generator, count: int) -> Ink:
        """`count` letters of one font side by side on one baseline, cropped to the ink."""
        face = self.letters[int(rng.integers(len(self.letters)))]
        drawn = [face.draw(rng) for _ in range(count)]
        highest = min(top for _, top in drawn)
        gap = SIZE // 12
        width = sum(ink.shape[1] + gap for ink, _ in drawn) - gap
        line = np.zeros((max(top - highest + len(ink) for ink, top in drawn), width), np.uint8)
        left = 0
        for ink, top in drawn:
            line[top - highest : top - highest + len(ink), left : left + ink.shape[1]] = ink
            left += ink.shape[1] + gap
        return line

    def icon(self, rng: Generator) -> Ink:
        """An icon, cropped to its ink, at most `SIZE` pixels high."""
        return self.icons[int(rng.integers(len(self.icons)))].draw(rng)[0]


@functools.lru_cache(maxsize=6)
def _of_table(fonts: Path, version: tuple[int, int], side: str, seed: int, most: int) -> Glyphs:
    table = pq.read_table(fonts, columns=["script", "side"])
    scripts = table.column("script").cast(pa.string()).to_pylist()
    sides = table.column("side").cast(pa.string()).to_pylist()
    here = [row for row, of_side in enumerate(sides) if of_side == side]
    symbols = [row for row in here if scripts[row] == SYMBOLS]
    lettered = list(_in_turn({row: scripts[row] for row in here if scripts[row] not in NO_LETTERS}, side, seed))
    # In the order of their digests, or the weights of one family would come together.
    icons = sorted(symbols, key=lambda row: digest_of(seed, "icons", side, row))[:most]
    coverage = _read_coverage(fonts, [*lettered[:most], *icons])
    points = {row: _letters_in(coverage[row]) for row in lettered[:most]}
    points |= {row: background_icons(coverage[row].tolist()) for row in icons}
    few = {row for row in icons if len(points[row]) < FEWEST_ICONS}
    usable = [row for row in points if points[row] and row not in few]
    data = read_font_bytes(fonts, usable)
    faces = {row: _open(data[row], points[row]) for row in usable}
    letters = tuple(face for row, face in faces.items() if scripts[row] != SYMBOLS)
    return Glyphs(letters, tuple(face for row, face in faces.items() if scripts[row] == SYMBOLS))


def _in_turn(script_of: dict[int, str], side: str, seed: int) -> Iterator[int]:
    """Rows of fonts: one of each script, then a second of each, and so on."""
    by_script: dict[str, list[int]] = {}
    for row in sorted(script_of, key=lambda row: digest_of(seed, "letters", side, row)):
        by_script.setdefault(script_of[row], []).append(row)
    turns = max(map(len, by_script.values()), default=0)
    return (rows[turn] for turn in range(turns) for rows in by_script.values() if turn < len(rows))


def _letters_in(coverage: NDArray[np.int32]) -> list[int]:
    """At most `MOST_POINTS` letters of a font, non-Latin ones if these are a quarter of its letters or more."""
    letters = [point for point in coverage.tolist() if unicodedata.category(chr(point)) in ("Lu", "Ll", "Lo")]
    own = [point for point in letters if point > 0x24F]
    letters = own if len(own) >= len(letters) // 4 else letters
    return letters[:: -(-len(letters) // MOST_POINTS)] if letters else []


def _open(data: bytes, points: Sequence[int]) -> Face:
    # Single characters need no shaping, and basic layout is faster.
    font = ImageFont.truetype(io.BytesIO(data), SIZE, layout_engine=ImageFont.Layout.BASIC)
    return Face(font, points)


def _read_coverage(path: Path, rows: list[int]) -> dict[int, NDArray[np.int32]]:
    if not rows:
        return {}
    column = pc.take(pq.read_table(path, columns=["coverage"]).column("coverage"), pa.array(rows))
    return {row: scalar.values.to_numpy() for row, scalar in zip(rows, column, strict=True)}


def read_font_bytes(path: Path, rows: Sequence[int]) -> dict[int, bytes]:
    """The fonts at `rows`, row numbers of the table of fonts; only their row groups are read."""
    found: dict[int, bytes] = {}
    with pq.ParquetFile(path) as file:
        start = 0
        for group in range(file.num_row_groups):
            stop = start + file.metadata.row_group(group).num_rows
            inside = [row for row in rows if start <= row < stop]
            if inside:
                column = file.read_row_group(group, columns=["font"]).column("font")
                found |= {row: column[row - start].as_py() for row in inside}
            start = stop
    return found
