"""Re-inked fonts: the letters' skeletons drawn again with another pen, a new design of a script that has few.

A re-inked font is a plain sfnt like any other. Advances, substitution and positioning are its source's; only the
outlines are new. The same source and pen give the same bytes.
"""

import hashlib
import io
import itertools
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import uharfbuzz as hb
from fontTools import unicodedata as ucd
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont, newTable
from fontTools.ttLib.tables._g_l_y_f import Glyph

from tasks.common.drawing_settings import ReinkedSettings
from tasks.common.parallel import spread
from tasks.common.params import SYMBOLS
from tasks.crop_table.splits import TRAIN
from tasks.fonts.contours import EM, Points, contours_of, cores_of_counters
from tasks.fonts.font_file import PARTS
from tasks.fonts.pens import PENS, ink_of
from tasks.fonts.skeleton import Stroke, strokes_of
from tasks.fonts.sources import FontSource
from unfont.labels import UNKNOWN

SHARED = ("Zyyy", "Zinh")  # the "scripts" of characters that several use: digits, punctuation, marks
PLAIN = 0x300  # the first code point after the Latin blocks and their signs
PAINTED = ("COLR", "SVG ", "CBDT", "sbix")  # tables of colour and bitmaps
OF_OTHER_OUTLINES = ("CFF ", "CFF2", "VORG", "fvar", "gvar", "avar", "cvar", "HVAR", "VVAR", "MVAR", "STAT")
FAMILY_NAMES = (1, 3, 4, 6, 16, 18, 21)  # of the name table: those that a licence may reserve
LARGE = ("Hani", "Jpan", "Kore")  # scripts of thousands of letters: a font would take minutes
COST = 4.5  # seconds a new font, of one core; Tibetan, of 2,000 letters and stacks, takes twice that

log = logging.getLogger("unfont")


@dataclass(frozen=True)
class LoadedFont:
    """A font in memory: `coverage` its sorted code points, `data` plain sfnt bytes.

    Of an icon font `coverage` has the icons, of one for a script that is not learned that script's characters and the
    space.
    """

    source: FontSource
    coverage: list[int]
    data: bytes


def name_of(family: str, pen: str) -> str:
    """The family and the design that a pen makes of a family."""
    return f"{family} ({pen})"


def plan_reinking(
    found: Iterable[FontSource], design_of: Mapping[str, str], side_of: Mapping[str, str], settings: ReinkedSettings
) -> dict[FontSource, tuple[str, ...]]:
    """Font → its pens, for the scripts with fewer than `settings.designs` training designs.

    Of a design one font is drawn again, the first family's in the weight nearest to regular. Designs take turns until
    the script has as many as wanted or each was drawn with `settings.pens` pens; each begins with another pen.
    Only designs of the training side are, so no held-out letter is ever learned from; none is of a `LARGE` script.
    """
    chosen: dict[tuple[str, str], FontSource] = {}
    redrawn = [one for one in found if one.script not in (SYMBOLS, UNKNOWN, *LARGE) and not one.italic]
    for source in sorted(redrawn, key=lambda source: (source.family, abs(source.weight - 400))):
        design = design_of[source.family]
        if side_of[design] == TRAIN:
            chosen.setdefault((source.script, design), source)
    plan: dict[FontSource, tuple[str, ...]] = {}
    for script in sorted({script for script, _ in chosen}):
        sources = [source for (of, _), source in sorted(chosen.items()) if of == script]
        turns = [(number, turn) for turn in range(settings.pens) for number in range(len(sources))]
        for number, turn in turns[: max(0, settings.designs - len(sources))]:
            pen = list(PENS)[(number + turn) % len(PENS)]
            plan[sources[number]] = (*plan.get(sources[number], ()), pen)
    return plan


def reink(plan: Iterable[tuple[LoadedFont, tuple[str, ...]]], *, workers: int) -> list[LoadedFont]:
    """The planned fonts drawn with each of their pens, sorted; those without outlines are left out and named once."""
    items = []
    painted = set()
    for font, pens in plan:
        if is_painted(font.data):
            painted.add(font.source.family)
        else:
            items.append((font, pens))
    if painted:
        log.warning("fonts of colour or bitmaps have no strokes to draw again: %s", ", ".join(sorted(painted)))
    if items:
        seconds = COST * sum(len(pens) for _, pens in items) / min(workers, len(items))
        log.info("%d fonts are drawn again with other pens: about %.0f s", len(items), seconds)
    items.sort(key=lambda item: -len(item[0].data))  # the longest work first, so that no worker waits for it
    made = spread(redraw, items, runner="processes", workers=workers, section="fonts.reinked")
    return sorted(itertools.chain.from_iterable(made), key=lambda font: font.source)


def is_painted(data: bytes) -> bool:
    """Whether a font's glyphs are pictures, in colour or of pixels."""
    font = _open(data)
    return any(tag in font for tag in PAINTED)


def redraw(item: tuple[LoadedFont, Sequence[str]]) -> list[LoadedFont]:
    """A font drawn with each of some pens; runs in a process of its own."""
    font, pens = item
    data = subset_of(font.data, font.source.script)
    rings, strokes = skeletons_of(_open(data))
    made = []
    for pen in pens:
        family = name_of(font.source.family, pen)
        drawn = _open(data)
        draw_again(drawn, rings, strokes, pen, seed=family)
        _rename(drawn, family)
        buffer = io.BytesIO()
        drawn.save(buffer, reorderTables=None)
        source = replace(font.source, family=family, font_style=PENS[pen].font_style, parts=())
        made.append(LoadedFont(source, sorted(drawn.getBestCmap()), buffer.getvalue()))
    return made


def subset_of(data: bytes, script: str) -> bytes:
    """The font without letters of scripts other than `script`, and with all glyphs that shaping makes of the rest."""
    wanted = hb.SubsetInput()
    wanted.unicode_set.update(point for point in _open(data).getBestCmap() if _is_of(script, chr(point)))
    # Features that are not on by default are never asked for: their glyphs (small capitals) stay out.
    wanted.name_id_set.clear()
    wanted.name_id_set.invert()
    wanted.flags = hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.NOTDEF_OUTLINE
    return bytes(hb.subset(hb.Face(data), wanted).blob.data)


def _is_of(script: str, char: str) -> bool:
    """Whether a character is the script's own, or of those that its texts share with others and that are not rare."""
    if ucd.script(char) in SHARED:
        return ucd.category(char)[0] in "MPZC" or ucd.category(char) in ("Lm", "Nd") or ord(char) < PLAIN
    return ucd.script(char) in PARTS.get(script, (script,))


def _open(data: bytes) -> TTFont:
    return TTFont(io.BytesIO(data), lazy=True, recalcTimestamp=False)


def skeletons_of(font: TTFont) -> tuple[dict[str, list[Points]], dict[str, list[Stroke]]]:
    """Glyph → contours, and glyph → strokes, of those that are drawn and not composed of moved others."""
    glyphs, units = font.getGlyphSet(), font["head"].unitsPerEm
    drawn = [name for name in font.getGlyphOrder()[1:] if not _is_composed(font, name)]
    rings = {name: contours_of(glyphs, name, units) for name in drawn}
    return rings, {name: strokes_of(contours) for name, contours in rings.items() if contours}


def _is_composed(font: TTFont, name: str) -> bool:
    """Whether a glyph is of others, as large and as upright: what happens to these happens to it."""
    glyph: Any = font["glyf"][name] if "glyf" in font else None
    if glyph is None or not glyph.isComposite():
        return False
    return not any(hasattr(part, changed) for part in glyph.components for changed in ("transform", "firstPt"))


def draw_again(
    font: TTFont,
    rings: Mapping[str, list[Points]],
    strokes: Mapping[str, list[Stroke]],
    pen: str,
    *,
    seed: str,
) -> None:
    """Put outlines of the strokes, drawn by a pen of `PENS`, in place of the font's; `seed` is of the pen's chance."""
    typical = half_width_of([stroke for each in strokes.values() for stroke in each])
    size = font["head"].unitsPerEm / EM
    glyphs: dict[str, Glyph] = {}
    for name, lines in strokes.items():
        own = half_width_of(lines)
        # Small and bold letters keep a little of what sets them apart, and thin ones do not fill up.
        width = min(np.sqrt(typical * own), 1.2 * own)
        chance = np.random.default_rng(list(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8]))
        ink = ink_of(lines, PENS[pen], width, chance, blank=cores_of_counters(rings[name], width))
        glyphs[name] = _glyph_of(ink or rings[name], size)
    _set_outlines(font, glyphs)


def half_width_of(strokes: Iterable[Stroke]) -> float:
    """Mean half width of strokes by their length, dots apart unless there is nothing else."""
    strokes = list(strokes)
    lines = [stroke for stroke in strokes if len(stroke.points) > 1] or strokes
    weights = [max(1.0, float(np.hypot(*np.diff(stroke.points, axis=0).T).sum())) for stroke in lines]
    return float(np.average([stroke.radius.mean() for stroke in lines], weights=weights)) if lines else 0.0


def _glyph_of(rings: Sequence[Points], size: float) -> Glyph:
    """A TrueType glyph, whose ink is on the right of its contours."""
    canvas = TTGlyphPen(None)
    for ring in rings:
        corners = map(tuple, np.rint(ring[::-1] * size).astype(int).tolist())
        points = [point for point, _ in itertools.groupby(corners)]
        if len(points) > 2:
            canvas.moveTo(points[0])
            for point in points[1:]:
                canvas.lineTo(point)
            canvas.closePath()
    return canvas.glyph()


def _set_outlines(font: TTFont, glyphs: Mapping[str, Glyph]) -> None:
    if "glyf" not in font:
        _make_truetype(font)
    table = font["glyf"]
    for name in font.getGlyphOrder():
        if name in glyphs:
            table[name] = glyphs[name]
    for name in font.getGlyphOrder():
        glyph = table[name]
        glyph.recalcBounds(table)
        font["hmtx"][name] = font["hmtx"][name][0], getattr(glyph, "xMin", 0)
    for tag in OF_OTHER_OUTLINES:
        if tag in font:
            del font[tag]


def _make_truetype(font: TTFont) -> None:
    """Empty TrueType outlines for a font of PostScript ones."""
    table = font["glyf"] = newTable("glyf")
    table.glyphs = {name: Glyph() for name in font.getGlyphOrder()}
    table.setGlyphOrder(font.getGlyphOrder())
    font["loca"] = newTable("loca")
    font["maxp"].tableVersion = 0x00010000
    for name in (
        "maxZones", "maxTwilightPoints", "maxStorage", "maxFunctionDefs", "maxInstructionDefs", "maxStackElements",
        "maxSizeOfInstructions", "maxComponentElements", "maxPoints", "maxContours", "maxCompositePoints",
        "maxCompositeContours", "maxComponentDepth",
    ):  # fmt: skip
        setattr(font["maxp"], name, int(name == "maxZones"))
    font["post"].formatType = 3.0
    font.sfntVersion = "\x00\x01\x00\x00"


def _rename(font: TTFont, family: str) -> None:
    for record in font["name"].names:
        if record.nameID in FAMILY_NAMES:
            record.string = family.replace(" ", "").replace("(", "-").replace(")", "") if record.nameID == 6 else family
