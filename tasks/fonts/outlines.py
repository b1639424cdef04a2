"""Families with the same glyphs are one design: outlines of shared characters are compared."""

import itertools
from collections.abc import Mapping

import numpy as np
from fontTools.pens.momentsPen import MomentsPen
from fontTools.ttLib import TTFont

from tasks.fonts.font_file import letters_of

TOLERANCE = 0.004  # of the em: differences that rounding to another grid makes
SHARED = 8  # characters that two families must share to be compared
SAME = 0.5  # of the shared characters: more than this fraction must have the same outlines
MEASURES = 5

Outlines = dict[str, np.ndarray]


def outlines_of(font: TTFont, script: str) -> np.ndarray:
    """Moments of the filled outlines of a script's letters, float64 `[letters, 5]`, relative to the em.

    Square root of the area, height of the centroid, standard deviations along x and y, and the signed root of their
    covariance: invariant to start points, direction, units per em and side bearings. A letter that the font lacks or
    leaves blank is a row of NaN.
    """
    glyphs, cmap, em = font.getGlyphSet(), font.getBestCmap(), font["head"].unitsPerEm
    rows = np.full((len(letters_of(script)), MEASURES), np.nan)
    for row, point in zip(rows, letters_of(script), strict=True):
        if point in cmap:
            pen = MomentsPen(glyphs)
            glyphs[cmap[point]].draw(pen)
            if abs(pen.area) > 1e-6 * em * em:
                row[:] = _measures(pen, em)
    return rows


def _measures(pen: MomentsPen, em: int) -> list[float]:
    x, y = pen.momentX / pen.area, pen.momentY / pen.area
    xx, xy, yy = pen.momentXX / pen.area, pen.momentXY / pen.area, pen.momentYY / pen.area
    across, up, both = xx - x * x, yy - y * y, xy - x * y
    root = np.sqrt(abs(np.array([pen.area, across, up, both]))) / em
    return [root[0], y / em, root[1], root[2], np.sign(both) * root[3]]


def same_glyphs(one: Outlines, other: Outlines) -> bool:
    """Whether most shared letters of some script have the same outlines, up to scale and baseline shift.

    `one`, `other`: script → moments `[letters, 5]`. One common glyph is not enough, nor is a script that both cover
    with different glyphs; a script that only one covers is ignored.
    """
    for script in sorted(one.keys() & other.keys()):
        shared = ~np.isnan(one[script] - other[script]).any(axis=1)
        if shared.sum() >= SHARED:
            far = _apart(one[script][shared], other[script][shared])
            if int((far < TOLERANCE).sum()) > SAME * len(far):
                return True
    return False


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Distances `[letters]` after one common scale and shift: foundries fit a borrowed Latin in this way."""
    scale = max(float(np.median(one[:, 0] / other[:, 0])), 1e-6)
    far = one - scale * other
    far[:, 1] -= np.median(far[:, 1])
    return np.asarray(abs(far).max(axis=1) / max(1.0, scale))


def cluster(outlines: Mapping[str, Outlines]) -> dict[str, str]:
    """Family → design, named after the alphabetically first of its families; `outlines` by family and script."""
    design = {family: family for family in sorted(outlines)}
    for one, other in itertools.combinations(sorted(outlines), 2):
        if design[one] != design[other] and same_glyphs(outlines[one], outlines[other]):
            kept, gone = sorted((design[one], design[other]))
            design = {family: kept if name == gone else name for family, name in design.items()}
    return design
