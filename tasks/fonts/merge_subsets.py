"""Merge the subset files of one font: the characters of a word may be in several of them.

A package splits its font by Unicode range: Cyrillic without digits or commas, Latin without č, ő or ạ.
"""

import copy
import unicodedata
from collections.abc import Iterable, Mapping

from fontTools import unicodedata as ucd
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._g_l_y_f import Glyph

from tasks.fonts.font_file import PARTS

PROGRAMS = ("fpgm", "prep", "cvt ")  # hinting that the glyphs' own instructions call
PER_GLYPH = ("hdmx", "LTSH", "VDMX")  # hints for each glyph at fixed sizes: of no use when images are scaled
LAST_OF_PLANE = 0xFFFF
COMPOSITE = b"\xff\xff"  # in place of the number of contours: -1


def splice(font: TTFont, other: TTFont, script: str) -> None:
    """Add to `font` the characters of `other` that it lacks and that texts in `script` may contain.

    These are the script's letters and marks, and digits, punctuation, symbols and spaces. Both are subsets of one font
    with TrueType outlines; other fonts are left unchanged. New glyphs are appended, so that substitution and kerning
    stay as they are.
    """
    ours, theirs = font.getBestCmap(), other.getBestCmap()
    wanted = {point: name for point, name in theirs.items() if point not in ours and belongs(chr(point), script)}
    if not wanted or "glyf" not in font or "glyf" not in other or _em(font) != _em(other):
        return
    added = _add_glyphs(font, other, wanted.values())
    _map_characters(font, {point: added[name] for point, name in wanted.items()})
    for tag in PER_GLYPH:
        if tag in font:
            del font[tag]


def belongs(char: str, script: str) -> bool:
    """Whether texts in `script` may contain the character: letters and marks of the script, and any non-letter."""
    if unicodedata.category(char)[0] in "LM":
        return ucd.script(char) in PARTS.get(script, (script,))
    return unicodedata.category(char)[0] in "NPSZ"


def _em(font: TTFont) -> int:
    return int(font["head"].unitsPerEm)


def _add_glyphs(font: TTFont, other: TTFont, names: Iterable[str]) -> dict[str, str]:
    """Copy glyphs and their components; return their names in `other` → their new names."""
    needed = _with_components(other, names)
    order = list(font.getGlyphOrder())
    renamed = {name: f"spliced{len(order) + place}" for place, name in enumerate(needed)}
    glyphs, sources = font["glyf"], other["glyf"]
    keeps_hints = all(_raw(font, tag) == _raw(other, tag) for tag in PROGRAMS)
    upright = [tag for tag in ("hmtx", "vmtx") if tag in font]
    font.setGlyphOrder(order + list(renamed.values()))
    glyphs.setGlyphOrder(font.getGlyphOrder())
    for name, new in renamed.items():
        # Looked up in this way, a glyph stays undecoded bytes: most need no decoding.
        glyph = copy.copy(sources.glyphs[name])
        if not keeps_hints or _is_composite(glyph):
            glyph.expand(sources)
            _rename_components(glyph, renamed)
        if not keeps_hints:
            glyph.removeHinting()
        glyphs.glyphs[new] = glyph
        for tag in upright:
            # Only fonts for vertical text have vertical metrics; for a file without, the em is the advance.
            font[tag].metrics[new] = other[tag].metrics[name] if tag in other else (_em(font), 0)
    _widen_limits(font, other)
    return renamed


def _with_components(font: TTFont, names: Iterable[str]) -> list[str]:
    found: dict[str, None] = {}
    waiting = sorted(set(names))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            if _is_composite(font["glyf"].glyphs[name]):
                waiting += [part.glyphName for part in font["glyf"][name].components]
    return sorted(found)


def _is_composite(glyph: Glyph) -> bool:
    data = getattr(glyph, "data", None)
    return bool(glyph.isComposite() if data is None else data[:2] == COMPOSITE)


def _rename_components(glyph: Glyph, names: Mapping[str, str]) -> None:
    if glyph.isComposite():
        glyph.components = [copy.copy(part) for part in glyph.components]
        for part in glyph.components:
            part.glyphName = names[part.glyphName]


def _raw(font: TTFont, tag: str) -> bytes:
    return bytes(font.reader[tag]) if tag in font.reader else b""


def _widen_limits(font: TTFont, other: TTFont) -> None:
    ours, theirs = font["maxp"], other["maxp"]
    for name, value in vars(theirs).items():
        if name.startswith("max"):
            setattr(ours, name, max(getattr(ours, name, 0), value))


def _map_characters(font: TTFont, names: Mapping[int, str]) -> None:
    for table in font["cmap"].tables:
        if table.isUnicode() and table.format in (4, 12):
            table.cmap.update({p: name for p, name in names.items() if p <= LAST_OF_PLANE or table.format == 12})
