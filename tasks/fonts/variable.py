"""Variable fonts: where on their axes they are cut, and the plain font that is there."""

import io
from collections.abc import Iterable
from itertools import product

from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import OverlapMode, instantiateVariableFont

Location = tuple[tuple[str, float], ...]  # axis tag and value, a pair an axis; empty of a font that does not vary


def locations_of(font: TTFont, weights: Iterable[int], widths: Iterable[int]) -> list[Location]:
    """Every asked weight (1 to 1000) with every asked width (percent of normal), as far as the font's axes go.

    An axis that is not asked for stays at its default; a font without axes has one location, the empty one.
    """
    asked = {"wght": weights, "wdth": widths}
    axes = font["fvar"].axes if "fvar" in font else []
    values = []
    for axis in axes:
        wanted = asked.get(axis.axisTag, [axis.defaultValue])
        values.append(sorted({float(min(max(value, axis.minValue), axis.maxValue)) for value in wanted}))
    tags = [axis.axisTag for axis in axes]
    return [tuple(zip(tags, place, strict=True)) for place in product(*values)]


def instance_of(font: TTFont, location: Location) -> TTFont:
    """The plain font at a location of a variable one; `font` itself where the location is empty."""
    if not location:
        return font
    # Overlaps are left and not marked: FreeType would render marked glyphs at four times the size.
    instantiateVariableFont(font, dict(location), inplace=True, overlap=OverlapMode.KEEP_AND_DONT_SET_FLAGS)
    buffer = io.BytesIO()
    font.flavor = None
    font.save(buffer, reorderTables=None)
    return TTFont(buffer, lazy=True, recalcTimestamp=False, recalcBBoxes=False)
