"""Every way that a text lies in its crop, as one picture for the docs.

python -m benchmarks.cuts [--fonts data/fonts.parquet] [--out docs/figures/cuts.png]
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.degradations import ENLARGED, GAP, HEIGHT, LINE, WIDTH, Picture, fonts_for
from tasks.common.files import written_whole
from tasks.crops.cut import Cut
from tasks.crops.draw_word import draw_word

LINES = {
    "Latn": "the quick brown fox jumps over",
    "Cyrl": "съешь ещё этих мягких булок",
    "Arab": "نص حكيم له سر قاطع وذو شأن",
    "Deva": "ऋषियों को सताने वाले दुष्ट",
    "Hani": "北京上海广州天津重庆南京",
}
WORD = Cut(0.75, 0.5, 0.5, 0.5)
WINDOW = Cut(0.75, 0.35, 0.5, 0.5, window=True)
CUTS = {
    "word": WORD,
    "tight": WORD._replace(fill=1.25),
    "loose": WORD._replace(fill=0.4),
    "neighbours": WORD._replace(fill=0.6, above=0.05, below=0.15, shift=0.3),
    "rules": WORD._replace(fill=0.6, rule="under", shift=0.6),
    "sloped": WORD._replace(fill=0.9, slope=12.0),
    "sloped, seen from the side": WORD._replace(fill=0.9, lean=20.0),
    "sloped, arched": WORD._replace(fill=0.9, arch=0.15),
    "letter": WORD._replace(fill=0.9, letter=True),
    "window": WINDOW,
    "… at another scale": WINDOW._replace(fill=1.3),
    "… with neighbours": WINDOW._replace(above=0.1, below=0.1, shift=0.6),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", type=Path, default=Path("data/fonts.parquet"))
    parser.add_argument("--out", type=Path, default=Path("docs/figures/cuts.png"))
    arguments = parser.parse_args()
    if not arguments.fonts.is_file():
        sys.exit(f"there is no table of fonts ({arguments.fonts}): make it with `dvc repro fonts`")
    opened = fonts_for(arguments.fonts, LINES)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(arguments.out) as beside:
        sheet_of([[shown(font, LINES[script], cut) for script, font in opened.items()] for cut in CUTS.values()]).save(
            beside, format="PNG", optimize=True
        )
    print(f"{arguments.out}: {len(opened)} scripts")


def shown(font: ImageFont.FreeTypeFont, line: str, cut: Cut) -> Picture:
    """The line, its first word or letter, as the cut is of one, enlarged; a blank crop where it leaves no ink."""
    text = line if cut.window else line[:1] if cut.letter else line.split()[0][:6]
    crop = draw_word(font, text, cut, height=HEIGHT, width=WIDTH)
    pixels = np.full((HEIGHT, WIDTH), 255, np.uint8) if crop is None else crop
    return pixels.repeat(ENLARGED, 0).repeat(ENLARGED, 1)


def sheet_of(rows: list[list[Picture]]) -> Image.Image:
    """A row a cut, a column a script."""
    across, down = WIDTH * ENLARGED + GAP, HEIGHT * ENLARGED + LINE + GAP
    sheet = Image.new("L", (GAP + len(rows[0]) * across, GAP + down * len(rows)), 200)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for number, (name, pictures) in enumerate(zip(CUTS, rows, strict=True)):
        top = number * down
        pen.text((GAP, top), name, fill=0, font=font)
        for column, picture in enumerate(pictures):
            sheet.paste(Image.fromarray(picture), (GAP + column * across, top + LINE))
    return sheet


if __name__ == "__main__":
    main()
