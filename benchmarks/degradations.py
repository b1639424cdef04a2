"""The picture sheet of docs/explanation/degradations.md: every step alone at three strengths, and the severities.

    python -m benchmarks.degradations [--fonts data/fonts.parquet] [--out docs/figures/degradations.png]

Needs the table of fonts: `dvc repro fonts` makes it. The same fonts give the same bytes.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from models.degrade import SEVERITIES, STEPS, colours_of, degrade, seeds_of
from models.degrade.strengths import FRACTIONS
from models.settings import DegradeSettings
from tasks.common.files import written_whole
from tasks.common.params import read_params
from tasks.crops.backgrounds.glyph_ink import read_font_bytes
from tasks.crops.cut import Cut
from tasks.crops.draw_word import draw_word, open_font

HEIGHT, WIDTH, ENLARGED = 32, 128, 2
GAP, LINE = 6, 16  # pixels: between pictures, and of a line of words
WORDS = {
    "Latn": "Hamburg",
    "Cyrl": "Москва",
    "Grek": "Ελλάδα",
    "Arab": "القاهرة",
    "Deva": "दिल्ली",
    "Hani": "北京",
    "Kore": "서울",
    "Thai": "กรุงเทพ",
    "Hebr": "ירושלים",
    "Geor": "თბილისი",
}
MIDDLE = Cut(0.8, 0.5, 0.5, 0.5)
OFF = DegradeSettings(**dict.fromkeys(DegradeSettings.model_fields, 0))
KEYS = [f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" for number in range(1, 65)]
Picture = NDArray[np.uint8]
Row = tuple[str, list[Picture]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", type=Path, default=Path("data/fonts.parquet"))
    parser.add_argument("--out", type=Path, default=Path("docs/figures/degradations.png"))
    arguments = parser.parse_args()
    if not arguments.fonts.is_file():
        sys.exit(f"there is no table of fonts ({arguments.fonts}): make it with `dvc repro fonts`")
    words = draw_words(arguments.fonts)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(arguments.out) as beside:
        sheet_of(step_rows(words), severity_rows(words)).save(beside, format="PNG", optimize=True)
    print(f"{arguments.out}: {len(words)} scripts")


def fonts_for(fonts: Path, texts: Mapping[str, str]) -> dict[str, ImageFont.FreeTypeFont]:
    """Of each script, the first font of the table that has all characters of its text; none of one without."""
    scripts = pq.read_table(fonts, columns=["script"]).column("script").cast("string")
    coverage = pq.read_table(fonts, columns=["coverage"]).column("coverage")
    rows: dict[str, int] = {}
    for script, text in texts.items():
        for row in np.flatnonzero(pc.equal(scripts, script).to_numpy(zero_copy_only=False)).tolist():
            if {ord(char) for char in text} <= set(coverage[row].as_py()):
                rows[script] = row
                break
    data = read_font_bytes(fonts, sorted(rows.values()))
    return {script: open_font(data[row], HEIGHT) for script, row in rows.items()}


def draw_words(fonts: Path) -> dict[str, Tensor]:
    """A clean word `[3, h, w]` in [0, 1] of each script that the table has a font for."""
    words = {}
    for script, font in fonts_for(fonts, WORDS).items():
        pixels = draw_word(font, WORDS[script], MIDDLE, height=HEIGHT, width=WIDTH)
        if pixels is not None:
            words[script] = torch.from_numpy(pixels).float().expand(3, HEIGHT, WIDTH) / 255
    return words


def step_rows(words: dict[str, Tensor]) -> list[Row]:
    """A row a setting, alone: clean, then at each of its strengths, on the crop that shows it best."""
    rows = []
    names = [name for _, owned in STEPS for name in owned]
    for number, name in enumerate(names):
        word = list(words.values())[number % len(words)]
        many = word.expand(len(KEYS), -1, -1, -1)
        seeds = seeds_of(KEYS, 0)
        strongest = OFF.model_copy(update={name: strengths_of(name)[-1]})
        change = (degrade(many, seeds, strongest) - many).abs().mean((1, 2, 3))
        best = [int(change.argmax())] * 3
        if name in FRACTIONS:
            best = distinct(colours_of(seeds, strongest)) if name == "colour" else [0, 1, 2]
        shown = [
            degrade(word[None], seeds[index : index + 1], OFF.model_copy(update={name: strength}))[0]
            for index, strength in zip(best, strengths_of(name), strict=True)
        ]
        values = "" if name in FRACTIONS else "  " + " / ".join(f"{value:g}" for value in strengths_of(name))
        rows.append((f"{name}{values}", [as_picture(image) for image in (word, *shown)]))
    return rows


def strengths_of(name: str) -> list[float]:
    """The severities' strengths; of a share, all crops; where they do without, parts of training's."""
    if name in FRACTIONS:
        return [1.0] * 3
    light, medium, heavy = (getattr(SEVERITIES[severity], name) for severity in ("light", "medium", "heavy"))
    if not heavy:
        most = getattr(read_params().degrade, name)
        return [round(most * part, 3) for part in (0.4, 0.7, 1)]
    return [light or medium / 2, medium, heavy]


def distinct(labels: Tensor) -> list[int]:
    """Indices of three crops with three labels, black (0) not among them."""
    first = {int(label): index for index, label in reversed(list(enumerate(labels))) if label}
    return sorted(first.values())[:3]


def severity_rows(words: dict[str, Tensor]) -> list[Row]:
    """Each script's word clean and at each severity: first in colour, then as grey networks get it."""
    rows = []
    for number, (script, word) in enumerate(words.items()):
        image = word[None] if number % 2 == 0 else word[None, :1]
        seeds = seeds_of(KEYS[number : number + 1], 4)
        shown = [degrade(image, seeds, settings)[0] for settings in SEVERITIES.values()]
        channels = "colour" if image.shape[1] == 3 else "grey"
        rows.append((f"{script}, {channels}", [as_picture(one) for one in shown]))
    return rows


def as_picture(image: Tensor) -> Picture:
    """`uint8[h, w, 3]`, enlarged, of `[1 or 3, h, w]` in [0, 1]."""
    pixels = (image.expand(3, -1, -1).permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    return np.asarray(pixels.repeat(ENLARGED, 0).repeat(ENLARGED, 1))


def sheet_of(steps: list[Row], severities: list[Row]) -> Image.Image:
    """Both tables under each other, with the names of the severities above."""
    across, down = WIDTH * ENLARGED + GAP, HEIGHT * ENLARGED + LINE + GAP
    height = 2 * LINE + GAP + down * (len(steps) + len(severities)) + GAP
    sheet = Image.new("RGB", (GAP + len(SEVERITIES) * across, height), "#f4f4f4")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    top = 0
    stronger = ["weak", "stronger", "strong"]
    for title, names, rows in (
        ("each step alone", stronger, steps),
        ("all steps together", list(SEVERITIES)[1:], severities),
    ):
        for column, name in enumerate([f"{title}: clean", *names]):
            pen.text((GAP + column * across, top + 1), name, fill="#444444", font=font)
        top += LINE + GAP // 2
        for label, pictures in rows:
            pen.text((GAP, top), label, fill="black", font=font)
            for column, picture in enumerate(pictures):
                sheet.paste(Image.fromarray(picture), (GAP + column * across, top + LINE))
            top += down
    return sheet


if __name__ == "__main__":
    main()
