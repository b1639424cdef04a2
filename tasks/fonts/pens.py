"""Pens that draw a skeleton again: the ink of a stroke is what the pen's tip covers on its way.

A tip is a convex polygon; the ink is the Minkowski sum of tip and line, as in METAFONT (Knuth 1986): the union over the
line's pieces of the hull of the tip at both ends. Lengths are in thousandths of the em.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from tasks.fonts.contours import Points, simplified, united
from tasks.fonts.medial_axis import Numbers
from tasks.fonts.skeleton import Stroke

SPACING = 8.0  # between the points that a stroke is smoothed at
DOTS = 0.6, 1.6  # sizes of the tip for dots, at least and at most, of that for strokes
FLAT = 1.0  # by what the pieces of a line leave its curve


@dataclass(frozen=True)
class Pen:
    """A pen: `tip` [n, 2] counter-clockwise, for strokes of half width 1; `font_style` is that of what it draws.

    `smooth`: standard deviation by which its lines are smoothed, and `facets`: by how much they may leave the smooth
    line to be straight, both in half widths; `pressure` gives the tip's size along a stroke from places [n] in [0, 1].
    """

    font_style: str
    tip: Points
    smooth: float
    facets: float = 0.0
    pressure: Callable[[Numbers, np.random.Generator], Numbers] | None = None


def oval(across: float, up: float, turn: float, corners: int = 12) -> Points:
    """Corners [n, 2] of an ellipse of half axes `across` and `up`, turned by `turn` degrees counter-clockwise."""
    angle = 2 * np.pi * np.arange(corners) / corners
    return _turned(np.stack([across * np.cos(angle), up * np.sin(angle)], 1), turn)


def bar(across: float, up: float, turn: float) -> Points:
    """Corners [4, 2] of a rectangle of half sides `across` and `up`, turned by `turn` degrees counter-clockwise."""
    return _turned(np.array([[across, up], [-across, up], [-across, -up], [across, -up]]), turn)


def _turned(points: Points, degrees: float) -> Points:
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return points @ np.array([[cosine, sine], [-sine, cosine]])


def _brush(places: Numbers, draw: np.random.Generator) -> Numbers:
    """Set down lightly, pressed where the hand chooses, and lifted."""
    most, light = draw.uniform(0.25, 0.6), draw.uniform(0.45, 0.65)
    swell = np.exp(-(((places - most) / 0.38) ** 2))
    return light + (1.2 - light) * swell


PENS = {
    "round": Pen("sans-serif", oval(0.75, 0.75, 0), smooth=0.9),
    "broad nib": Pen("serif", bar(1.25, 0.22, 35), smooth=0.5),
    "brush": Pen("handwriting", oval(1.1, 0.7, 50), smooth=0.9, pressure=_brush),
    "chisel": Pen("display", bar(1.2, 0.5, 0), smooth=0.3, facets=0.5),
}


def ink_of(
    strokes: Sequence[Stroke],
    pen: Pen,
    half_width: float,
    draw: np.random.Generator,
    *,
    blank: Sequence[Points] = (),
) -> list[Points]:
    """Closed contours [n, 2] of the strokes drawn by the pen, ink on their left.

    `half_width` of the strokes is what the pen's tip is meant for; `draw` gives what it leaves to chance; what the
    contours `blank` enclose is left so.
    """
    pieces: list[Points] = []
    for stroke in strokes:
        pieces += _swept(*_line(stroke, pen, half_width, draw), pen.tip)
    return united(pieces, without=blank)


def _line(stroke: Stroke, pen: Pen, half_width: float, draw: np.random.Generator) -> tuple[Points, Numbers]:
    """The points that the pen walks through, and its size at each."""
    tip = half_width * pen.tip
    if len(stroke.points) == 1:
        return _dot(stroke, tip, half_width)
    points = _evenly(stroke.points)
    points = _smoothed(points, pen.smooth * half_width / SPACING, stroke.closed)
    if not stroke.closed:
        points = _to_the_ends(points, stroke, tip)
    size = np.full(len(points), half_width)
    keep = simplified(points, pen.facets * half_width) if pen.facets else _bends(points)
    if pen.pressure and not stroke.closed:
        size *= pen.pressure(np.linspace(0, 1, len(points)), draw)
        keep = np.union1d(keep, np.arange(0, len(points), 4))
    return points[keep], size[keep]


def _dot(stroke: Stroke, tip: Points, half_width: float) -> tuple[Points, Numbers]:
    """A short move across the tip's longer side, which makes it about as high and as wide as the dot was."""
    across, along = np.linalg.eigh(tip.T @ tip)[1].T
    radius = stroke.radius[0]
    size = float(np.clip(radius / (tip @ along).max(), *DOTS))
    room = max(0.0, 0.85 * radius - size * float((tip @ across).max()))
    return stroke.points + np.outer([-room, room], across), np.full(2, size * half_width)


def _evenly(points: Points) -> Points:
    far = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.linspace(0, far[-1], max(3, 1 + round(far[-1] / SPACING)))
    return np.stack([np.interp(at, far, column) for column in points.T], 1)


def _smoothed(points: Points, deviation: float, closed: bool) -> Points:
    if closed:
        whole = gaussian_filter1d(points[:-1], deviation, axis=0, mode="wrap")
        return np.concatenate([whole, whole[:1]])
    reach = min(len(points) - 1, math.ceil(4 * deviation))
    before, after = 2 * points[0] - points[reach:0:-1], 2 * points[-1] - points[-2 : -2 - reach : -1]
    whole = gaussian_filter1d(np.concatenate([before, points, after]), deviation, axis=0, mode="nearest")
    return np.asarray(whole[reach : reach + len(points)])


def _to_the_ends(points: Points, stroke: Stroke, tip: Points) -> Points:
    """The line, longer where the pen's ink would end before the source's does."""
    for side in (0, -1):
        if stroke.free[side]:
            way = points[::-1] if side == 0 else points
            radius = stroke.radius[side]
            back = max(2, min(len(way) - 1, round(radius / SPACING)))
            along = way[-1] - way[-1 - back]
            along = along / max(float(np.hypot(*along)), 1e-9)
            more = radius - float((tip @ along).max())
            if more > 0:
                way = np.concatenate([way, [way[-1] + more * along]])
            points = way[::-1] if side == 0 else way
    return points


def _bends(points: Points) -> NDArray[np.int64]:
    """Which points of a smooth line to keep, so that its pieces leave it by about `FLAT`.

    A piece as long as l that turns by t leaves the curve by l t / 8: points stand closer where it turns more.
    """
    steps = np.diff(points, axis=0)
    turns = np.diff(np.arctan2(steps[:, 1], steps[:, 0]))
    turns = abs((turns + np.pi) % (2 * np.pi) - np.pi)
    passed = np.floor(np.cumsum(np.sqrt(turns * np.hypot(*steps[1:].T) / (8 * FLAT))))
    return np.concatenate([[0], 1 + np.flatnonzero(np.diff(passed, prepend=0)), [len(points) - 1]])


def _swept(points: Points, size: Numbers, tip: Points) -> list[Points]:
    """The hulls [n, 2] of the tip at both ends of each piece, counter-clockwise.

    From the tip's rightmost corner, seen along the piece, to its leftmost around the end, and back around the start.
    """
    count = len(tip)
    along = np.diff(points, axis=0)
    side = along[:, :1] * tip[:, 1] - along[:, 1:] * tip[:, 0]
    right = side.argmin(1)[:, None]
    front = (side.argmax(1)[:, None] - right) % count + 1
    corner = np.arange(count + 2)
    at_end = points[1:, None] + size[1:, None, None] * tip[(right + corner) % count]
    at_start = points[:-1, None] + size[:-1, None, None] * tip[(right + corner - 1) % count]
    return list(np.where((corner < front)[..., None], at_end, at_start))
