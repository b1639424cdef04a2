"""Closed contours: a glyph's outline as polygons, and the union of many. Lengths are in thousandths of the em."""

import itertools
from collections.abc import Sequence

import numpy as np
import pyclipper
from fontTools.pens.basePen import BasePen
from numpy.typing import NDArray

EM = 1000.0
PIECES = 6  # straight ones that a curve of an outline becomes
RIM = 0.35  # of a narrow counter's half width: what a pen may fill of it
FLAT = 1.0  # how far a contour of fewer points may leave the exact one
GRID = 16  # whole numbers that Clipper calculates with, a unit of length

Point = tuple[float, float]
Points = NDArray[np.float64]  # [points, 2]


class _Flattened(BasePen):  # type: ignore[misc]
    """Draws a glyph as closed polygons; components are resolved."""

    def __init__(self, glyphs: object) -> None:
        super().__init__(glyphs)
        self.rings: list[list[Point]] = []

    def _moveTo(self, point: Point) -> None:  # noqa: N802
        self.rings.append([point])

    def _lineTo(self, point: Point) -> None:  # noqa: N802
        self.rings[-1].append(point)

    def _qCurveToOne(self, control: Point, end: Point) -> None:  # noqa: N802
        self._curve([self.rings[-1][-1], control, end])

    def _curveToOne(self, control: Point, other: Point, end: Point) -> None:  # noqa: N802
        self._curve([self.rings[-1][-1], control, other, end])

    def _curve(self, corners: Sequence[Point]) -> None:
        """A Bézier curve by de Casteljau's halvings, all places at once."""
        part = np.arange(1, PIECES + 1)[:, None] / PIECES
        points = [np.asarray(corner, float)[None] for corner in corners]
        while len(points) > 1:
            points = [one + part * (other - one) for one, other in itertools.pairwise(points)]
        self.rings[-1] += map(tuple, points[0].tolist())


def contours_of(glyphs: object, name: str, units: int) -> list[Points]:
    """Contours of a glyph of a font's glyph set, of `units` an em: ink on their left, never crossing."""
    pen = _Flattened(glyphs)
    glyphs[name].draw(pen)  # type: ignore[index]
    return united([np.array(ring) * (EM / units) for ring in pen.rings])


def united(pieces: Sequence[Points], *, without: Sequence[Points] = ()) -> list[Points]:
    """Contours [n, 2] of all that the closed contours `pieces` enclose (non-zero winding), ink on their left.

    What the contours `without` enclose is left blank. Points are left out where the line passes within about `FLAT`.
    """
    clipper = pyclipper.Pyclipper()
    try:
        clipper.AddPaths(_on_grid(pieces), pyclipper.PT_SUBJECT, True)
    except pyclipper.ClipperException:  # none of them has an area
        return []
    if without:
        clipper.AddPaths(_on_grid(without), pyclipper.PT_CLIP, True)
    found = clipper.Execute(pyclipper.CT_DIFFERENCE, pyclipper.PFT_NONZERO, pyclipper.PFT_NONZERO)
    return _off_grid(pyclipper.CleanPolygons(found, FLAT * GRID))


def cores_of_counters(rings: Sequence[Points], half_width: float) -> list[Points]:
    """The middles of the ink's holes that are narrower than its strokes: what no pen may fill."""
    cores: list[Points] = []
    for ring in rings:
        narrow = -2 * area_of(ring) / length_around(ring)
        if 0 < narrow < half_width:
            offset = pyclipper.PyclipperOffset()
            offset.AddPaths(_on_grid([ring[::-1]]), pyclipper.JT_MITER, pyclipper.ET_CLOSEDPOLYGON)
            cores += _off_grid(offset.Execute(-RIM * narrow * GRID))
    return cores


def _on_grid(rings: Sequence[Points]) -> list[list[list[int]]]:
    return [np.rint(ring * GRID).astype(np.int64).tolist() for ring in rings if len(ring) > 2]


def _off_grid(rings: Sequence[Sequence[object]]) -> list[Points]:
    return [np.array(ring, float) / GRID for ring in rings if len(ring) > 2]


def area_of(ring: Points) -> float:
    """Area within a contour; negative of a hole."""
    x, y = ring.T
    return 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1))


def length_around(ring: Points) -> float:
    return float(np.hypot(*(ring - np.roll(ring, 1, axis=0)).T).sum())


def inside(rings: Sequence[Points], points: Points) -> NDArray[np.bool_]:
    """Whether each of `points` [n, 2] is in the ink: rays to the right cross the contours an odd number of times."""
    one = np.concatenate(rings)
    other = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    one, other = one[one[:, 1] != other[:, 1]], other[one[:, 1] != other[:, 1]]
    slope = (other[:, 0] - one[:, 0]) / (other[:, 1] - one[:, 1])
    x, y = points.T[:, :, None]
    passed = (one[:, 1] > y) != (other[:, 1] > y)
    return np.asarray((passed & (one[:, 0] + (y - one[:, 1]) * slope > x)).sum(1) % 2 == 1)


def simplified(points: Points, flat: float) -> NDArray[np.int64]:
    """Which points of a line [n, 2] to keep, so that none is further than `flat` from it (Douglas & Peucker 1973)."""
    kept = {0, len(points) - 1}
    waiting = [(0, len(points) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first > 1:
            away, along = points[first + 1 : last] - points[first], points[last] - points[first]
            size = float(np.hypot(*along))
            far = abs(away[:, 0] * along[1] - away[:, 1] * along[0]) / size if size else np.hypot(*away.T)
            if far.max() > flat:
                middle = first + 1 + int(far.argmax())
                kept.add(middle)
                waiting += [(first, middle), (middle, last)]
    return np.array(sorted(kept))
