"""Text typed in any font of the table of fonts, as a picture."""

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image, ImageFont

from tasks.common.params import SYMBOLS
from tasks.crop_table.png import Pixels
from tasks.crops.backgrounds.glyph_ink import read_font_bytes
from tasks.crops.draw_word import open_font
from tasks.crops.shaping import Shaper
from tasks.words.drawn import DRAWN
from tasks.words.in_script import in_script
from unfont.errors import UserError
from unfont.labels import UNKNOWN
from unfont.text import clip

MOST_CHARACTERS = 60
HEIGHT = 40  # pixels of a crop that fonts are opened for: letters are some 60 high, as in a small scan
MARGIN = 14  # pixels of ground around the ink
MOST_PIXELS = 4096  # a side
OPEN = 64  # fonts open at a time
TRIED = 16  # fonts of a script, to draw a text in any
REGULAR = 400  # the weight that comes first


@dataclass(frozen=True)
class Font:
    """A row of the table of fonts; `side` is that of its design."""

    row: int
    family: str
    script: str
    font_style: str
    design: str
    side: str
    weight: int


class FontBook:
    """The fonts of a table, opened as they are asked for."""

    def __init__(self, table: Path, words: Path) -> None:
        self._table, self._words = table, words
        names = ["family", "script", "font_style", "design", "side", "weight"]
        rows = pq.read_table(table, columns=names).to_pylist()
        self.fonts = {
            number: Font(row=number, **{name: row[name] for name in names})
            for number, row in enumerate(rows)
            if row["script"] != SYMBOLS
        }
        self._open: OrderedDict[int, tuple[ImageFont.FreeTypeFont, Shaper]] = OrderedDict()

    @classmethod
    def of_project(cls, table: Path, words: Path) -> "FontBook | None":
        """The book of a project; None where it has no fonts."""
        return cls(table, words) if table.is_file() else None

    @property
    def scripts(self) -> list[str]:
        """The scripts of the fonts, by name."""
        return sorted({font.script for font in self.fonts.values()})

    def of_script(self, script: str) -> list[Font]:
        """The fonts of a script, regular ones first, then by family."""
        found = [font for font in self.fonts.values() if font.script == script]
        return sorted(found, key=lambda font: (font.weight != REGULAR, font.family, font.weight))

    def listed(self) -> list[dict[str, Any]]:
        """All fonts as JSON can hold them, in the order of `of_script`."""
        return [asdict(font) for script in self.scripts for font in self.of_script(script)]

    def script_of(self, text: str) -> str | None:
        """The script of the fonts that most words of a text are written in; None where it is that of none."""
        counts = Counter(script for word in text.split() for script in self.scripts if in_script(word, script))
        return counts.most_common(1)[0][0] if counts else None

    def fits(self, text: str, script: str) -> bool:
        """Whether a text is written in a script, so that this is its right label.

        A file of a font may have other scripts' letters too. Of `Zzzz` is what is in no script of the table.
        """
        own = self.script_of(text)
        return own == script if own else script == UNKNOWN and any(char.isalpha() for char in text)

    def draw(self, row: int, text: str) -> Pixels:
        """A text in the font at `row`, dark on white: uint8 `[height, width]`.

        Raises:
            UserError: there is no such font, the text is empty or too long, or the font cannot draw it.
        """
        if row not in self.fonts:
            raise UserError(f"there is no font {row}", where=self._table, fix="choose one of the list")
        if not text.strip() or len(text) > MOST_CHARACTERS:
            raise UserError("this text is not drawn", where="the text", fix=f"type 1 to {MOST_CHARACTERS} characters")
        font, shaper = self._opened(row)
        if not shaper.can_draw(text):
            where = f"{self.fonts[row].family}, {self.fonts[row].script}"
            raise UserError(f"the font cannot draw '{clip(text)}'", where=where, fix="choose another font or script")
        mask = font.getmask(text)
        box = mask.getbbox()
        if box is None or max(box[2] - box[0], box[3] - box[1]) > MOST_PIXELS:
            raise UserError("the text leaves no ink", where=self.fonts[row].family, fix="type another one")
        ink = np.asarray(Image.frombytes("L", mask.size, bytes(mask)).crop(box))
        return 255 - np.pad(ink, MARGIN)

    def can_draw(self, row: int, text: str) -> bool:
        """Whether the font at `row` has all that a text needs."""
        return self._opened(row)[1].can_draw(text)

    def font_for(self, text: str, script: str | None = None) -> Font | None:
        """The first font of `script`, or of the text's own, that can draw it; None where none of a few can.

        None as well where the text is not written in `script`.
        """
        if script is not None and not self.fits(text, script):
            return None
        own = script or self.script_of(text)
        for name in [own] if own else self.scripts:
            some = self.of_script(name)[:TRIED]
            self.open([font.row for font in some])
            found = next((font for font in some if self.can_draw(font.row, text)), None)
            if found is not None:
                return found
        return None

    def word_of(self, script: str) -> str | None:
        """A word of the script from the project's words, of a usual length; None where it has none."""
        if not self._words.is_file():
            return None
        wanted = (pc.field("script") == script) & (pc.field("kind") == "word") & ~pc.field("ambiguous")
        rows = pq.read_table(self._words, columns=["text", "language"], filters=wanted).to_pylist()
        real = [row["text"] for row in rows if row["language"] != DRAWN] or [row["text"] for row in rows]
        usual = [word for word in real if 4 <= len(word) <= 10] or real
        return str(usual[len(usual) // 2]) if usual else None

    def open(self, rows: Sequence[int]) -> None:
        """Open at most `OPEN` fonts in one reading of the table, which takes as long for one."""
        missing = [row for row in rows[:OPEN] if row not in self._open]
        for row, data in read_font_bytes(self._table, missing).items():
            self._open[row] = open_font(data, HEIGHT), Shaper(data)
        while len(self._open) > 2 * OPEN:
            self._open.popitem(last=False)

    def _opened(self, row: int) -> tuple[ImageFont.FreeTypeFont, Shaper]:
        self.open([row])
        return self._open[row]
