"""Small real TrueType fonts from a seed: every character its own strokes, every design its own pen."""

import random
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

UNITS = 1000
STYLES = ("sans-serif", "serif", "monospace")
COMMON = "0123456789-'"
LETTERS = {
    "Latn": "".join(map(chr, [*range(65, 91), *range(97, 123), *range(0xC0, 0x100)])).replace("×", "").replace("÷", ""),
    "Grek": "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰΆΈΉΊΌΎΏΪΫ",
    "Hebr": "אבגדהוזחטיךכלםמןנסעףפץצקרשת",
    "Cyrl": "".join(map(chr, range(0x410, 0x450))) + "ЁёЇїІіЎў",
}
# What makes scripts distinguishable: the strokes that every letter of a script has, and those from which each
# letter's own are sampled. A stroke is two points of a grid, 3 wide and 5 high, y upwards.
FRAME = {
    "Latn": [((0, 0), (0, 4))],
    "Grek": [((0, 0), (1, 4)), ((1, 4), (2, 0))],
    "Hebr": [((0, 4), (2, 4)), ((2, 4), (2, 0))],
    "Cyrl": [((0, 0), (2, 0)), ((0, 0), (0, 4)), ((2, 0), (2, 4))],
}
OWN = {
    "Latn": [((0, y), (2, y)) for y in range(5)] + [((x, 0), (x, 2)) for x in (1, 2)] + [((2, 2), (2, 4))],
    "Grek": [((a, 0), (b, 4)) for a in range(3) for b in range(3)] + [((0, 1), (2, 3)), ((0, 3), (2, 1))],
    "Hebr": [((0, y), (2, y)) for y in (0, 1)] + [((x, 2), (x, 4)) for x in (0, 1)] + [((0, 0), (1, 3))],
    "Cyrl": [
        ((0, 4), (1, 2)),
        ((1, 2), (2, 4)),
        ((0, 2), (2, 2)),
        ((1, 0), (1, 4)),
        ((1, 0), (2, 2)),
        ((0, 2), (1, 0)),
    ],
}

Stroke = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Pen:
    """How one design draws: `weight` in font units, `slant` a unit of height, `width` relative to 1."""

    style: str
    weight: int
    slant: float
    width: float


def make_toy_fonts(
    folder: Path,
    *,
    scripts: tuple[str, ...] = ("Latn", "Grek", "Hebr"),
    designs_per_style: int = 2,
    seed: int = 0,
) -> Path:
    """Write `designs_per_style` families of each style, each all `scripts` in one TTF; return `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    strokes = {char: strokes_of(char, script) for script in scripts for char in LETTERS[script]}
    strokes |= {char: strokes_of(char, "Latn", common=True) for char in COMMON}
    for style in STYLES:
        for number in range(1, designs_per_style + 1):
            write_font(folder / f"toy-{style}-{number}.ttf", pen_of(style, number, seed), strokes)
    return folder


def pen_of(style: str, number: int, seed: int) -> Pen:
    draw = random.Random(f"{seed}/{style}/{number}")
    # The weight grows with the number, so that no two designs of a style are one.
    weight = 46 + 22 * ((number - 1) % 5) + draw.randrange(12)
    return Pen(style, weight, slant=draw.uniform(-0.05, 0.25), width=draw.uniform(0.75, 1.15))


def strokes_of(char: str, script: str, *, common: bool = False) -> list[Stroke]:
    """The character's skeleton: the same in every design. An accented letter is its base and a mark above."""
    base, *marks = unicodedata.normalize("NFD", char)
    draw = random.Random(f"{script}/{base}")
    own = draw.sample(OWN[script], min(len(OWN[script]), draw.randint(2, 3)))
    strokes = [((0, 0), (2, 4)), *own] if common else [*FRAME[script], *own]
    for mark in marks:
        left = random.Random(mark).randrange(2)
        strokes.append(((left, 5), (left + 1, 6 - random.Random(mark + script).randrange(2))))
    return strokes


def write_font(path: Path, pen: Pen, strokes: dict[str, list[Stroke]], *, family: str | None = None) -> Path:
    """Write one TTF which draws `strokes` with `pen`; the same arguments are the same bytes."""
    family = family or path.stem.replace("-", " ").title()
    names = {char: f"uni{ord(char):04X}" for char in sorted(strokes)}
    glyphs = {
        ".notdef": _glyph([((0, 0), (2, 4)), ((0, 4), (2, 0))], pen, True),
        "space": TTGlyphPen(None).glyph(),
    }
    glyphs |= {names[char]: _glyph(strokes[char], pen, char.isupper() or not char.isalpha()) for char in names}
    fixed = pen.style == "monospace"
    builder = FontBuilder(UNITS, isTTF=True)
    builder.font.recalcTimestamp = False
    builder.updateHead(created=0, modified=0)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({0x20: "space", 0xA0: "space"} | {ord(char): name for char, name in names.items()})
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics({name: (_advance(name, pen), 0) for name in glyphs})
    builder.setupHorizontalHeader(ascent=1000, descent=-250)
    builder.setupNameTable({"familyName": family, "styleName": "Regular", "licenseDescription": "CC0-1.0"})
    builder.setupOS2(sTypoAscender=1000, sTypoDescender=-250, usWinAscent=1000, usWinDescent=250, usWeightClass=400)
    _set_style(builder, pen.style)
    builder.setupPost(isFixedPitch=int(fixed), keepGlyphNames=False)
    builder.save(path)
    return path


def _set_style(builder: FontBuilder, style: str) -> None:
    table = builder.font["OS/2"]
    table.sFamilyClass = {"serif": 1 << 8, "sans-serif": 8 << 8}.get(style, 0)
    table.panose.bFamilyType = 2
    table.panose.bSerifStyle = {"serif": 2, "sans-serif": 11}.get(style, 0)
    table.panose.bProportion = 9 if style == "monospace" else 3


def _advance(name: str, pen: Pen) -> int:
    if pen.style == "monospace":
        return 600
    return int(pen.width * (250 if name == "space" else 500 + pen.weight + random.Random(name).randrange(120)))


def _glyph(strokes: list[Stroke], pen: Pen, tall: bool) -> object:
    """Each stroke a bar of the pen's weight; a serif pen adds a slab at its two ends."""
    canvas = TTGlyphPen(None)
    across = 190 if pen.style == "monospace" else 200 * pen.width
    up = 175 if tall else 125
    for stroke in dict.fromkeys(strokes):
        ends = [(60 + x * across + pen.slant * y * up, y * up) for x, y in stroke]
        _bar(canvas, ends[0], ends[1], pen.weight)
        if pen.style == "serif":
            for x, y in ends:
                _bar(canvas, (x - 75, y), (x + 75, y), 34)
    return canvas.glyph()


def _bar(canvas: TTGlyphPen, start: tuple[float, float], end: tuple[float, float], weight: float) -> None:
    # Walked in the same sense whatever the stroke's direction, or overlaps would cancel out.
    length = max(1.0, ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5)
    x, y = (end[1] - start[1]) / length * weight / 2, -(end[0] - start[0]) / length * weight / 2
    corners = [
        (start[0] - x, start[1] - y),
        (end[0] - x, end[1] - y),
        (end[0] + x, end[1] + y),
        (start[0] + x, start[1] + y),
    ]
    canvas.moveTo(tuple(map(round, corners[0])))
    for corner in corners[1:]:
        canvas.lineTo(tuple(map(round, corner)))
    canvas.closePath()
