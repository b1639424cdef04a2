"""The picture sheet of docs/explanation/fonts.md: words as their fonts have them and as every pen draws them.

    python -m benchmarks.reinked [--fonts data/fonts.parquet] [--out docs/figures/reinked.png]

Needs the table of fonts: `dvc repro fonts` makes it. The same fonts give the same bytes.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tasks.common.files import written_whole
from tasks.crops.backgrounds.glyph_ink import read_font_bytes
from tasks.crops.cut import Cut
from tasks.crops.draw_word import draw_word, open_font
from tasks.fonts.pens import PENS
from tasks.fonts.reink import LoadedFont, redraw
from tasks.fonts.sources import FontSource

HEIGHT, WIDTH = 56, 176
GAP, LINE = 6, 16  # pixels: between pictures, and of a line of words
SHOWN = {
    "Tibt": ("noto-serif-tibetan", "བུལ་ག་རི་ཡ"),
    "Mymr": ("padauk", "မြန်မာ"),
    "Ethi": ("menbere", "ኢትዮጵያ"),
    "Khmr": ("battambang", "កម្ពុជា"),
    "Knda": ("benne", "ಕರ್ನಾಟಕ"),
    "Guru": ("tiro-gurmukhi", "ਪੰਜਾਬੀ"),
    "Arab": ("cairo", "القاهرة"),
    "Latn": ("bellefair", "Hamburg"),
}
MIDDLE = Cut(0.8, 0.5, 0.5, 0.5)
Picture = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", type=Path, default=Path("data/fonts.parquet"))
    parser.add_argument("--out", type=Path, default=Path("docs/figures/reinked.png"))
    arguments = parser.parse_args()
    if not arguments.fonts.is_file():
        sys.exit(f"there is no table of fonts ({arguments.fonts}): make it with `dvc repro fonts`")
    rows = [(f"{script}, {font.source.family}", words_of(font)) for script, font in shown_fonts(arguments.fonts)]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(arguments.out) as beside:
        sheet_of(rows).save(beside, format="PNG", optimize=True)
    print(f"{arguments.out}: {len(rows)} scripts")


def shown_fonts(fonts: Path) -> list[tuple[str, LoadedFont]]:
    """The shown fonts that the table has, in regular weight."""
    table: list[dict[str, Any]] = pq.read_table(fonts, columns=["family", "script", "weight"]).to_pylist()
    row_of = {(row["script"], row["family"]): number for number, row in reversed(list(enumerate(table)))}
    rows = {script: row_of[script, family] for script, (family, _) in SHOWN.items() if (script, family) in row_of}
    data = read_font_bytes(fonts, sorted(rows.values()))
    return [
        (script, LoadedFont(FontSource(path=fonts, font_style="", licence="", **table[row]), [], data[row]))
        for script, row in rows.items()
    ]


def words_of(font: LoadedFont) -> list[Picture]:
    """The script's word as the font has it, and drawn by every pen: [height, width] each."""
    word = SHOWN[font.source.script][1]
    crops = []
    for each in (font, *redraw((font, list(PENS)))):
        pixels = draw_word(open_font(each.data, HEIGHT), word, MIDDLE, height=HEIGHT, width=WIDTH)
        crops.append(np.full((HEIGHT, WIDTH), 255, np.uint8) if pixels is None else pixels)
    return crops


def sheet_of(rows: list[tuple[str, list[Picture]]]) -> Image.Image:
    """A row a script, a column the source and each pen."""
    across, down = WIDTH + GAP, HEIGHT + LINE + GAP
    sheet = Image.new("L", (GAP + (1 + len(PENS)) * across, LINE + GAP + down * len(rows)), 244)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for column, name in enumerate(["the font", *PENS]):
        pen.text((GAP + column * across, 1), name, fill=68, font=font)
    for number, (label, pictures) in enumerate(rows):
        top = LINE + number * down
        pen.text((GAP, top), label, fill=0, font=font)
        for column, picture in enumerate(pictures):
            sheet.paste(Image.fromarray(picture), (GAP + column * across, top + LINE))
    return sheet


if __name__ == "__main__":
    main()
