import itertools
import math

import numpy as np
import pytest
from fontTools.pens.ttGlyphPen import TTGlyphPen

from tasks.fonts.contours import (
    FLAT,
    area_of,
    contours_of,
    cores_of_counters,
    inside,
    length_around,
    simplified,
    united,
)


def square(left: float, bottom: float, side: float) -> np.ndarray:
    return np.array([[left, bottom], [left + side, bottom], [left + side, bottom + side], [left, bottom + side]])


def test_overlaps_are_united_and_a_hole_stays() -> None:
    ring = [square(0, 0, 100), square(50, 0, 100), square(20, 20, 20)[::-1]]
    made = united(ring)
    assert sorted(map(area_of, made)) == [-400, 15_000]  # the hole is wound once against once: 1 - 1
    assert sum(map(length_around, made)) == 2 * (150 + 100) + 80


def test_what_is_to_stay_blank_does() -> None:
    assert sum(map(area_of, united([square(0, 0, 100)], without=[square(40, 40, 20)]))) == 10_000 - 400
    assert united([]) == []
    assert united([np.array([[0.0, 0], [10, 0], [20, 0]])]) == []


def test_inside_is_the_ink() -> None:
    ring = [square(0, 0, 100), square(20, 20, 20)[::-1]]
    points = np.array([[10.0, 10], [30, 30], [90, 90], [150, 50], [-1, 50]])
    assert inside(ring, points).tolist() == [True, False, True, False, False]


def test_only_narrow_counters_have_a_core() -> None:
    ring = [square(0, 0, 200), square(20, 20, 20)[::-1], square(60, 60, 100)[::-1]]
    (core,) = cores_of_counters(ring, 30)
    side = 20 - 2 * 0.35 * 10  # the square's half width is 10
    assert area_of(core) == pytest.approx(side**2, rel=0.05)


def test_curves_of_both_kinds_become_the_same_disc() -> None:
    class Quadratic:
        def draw(self, pen):
            pen.qCurveTo(*[(100 * math.cos(a), 100 * math.sin(a)) for a in np.linspace(0, 2 * np.pi, 17)[:-1]], None)

    class Cubic:
        def draw(self, pen):
            k = 100 * 0.5522847
            pen.moveTo((100, 0))
            pen.curveTo((100, k), (k, 100), (0, 100))
            pen.curveTo((-k, 100), (-100, k), (-100, 0))
            pen.curveTo((-100, -k), (-k, -100), (0, -100))
            pen.curveTo((k, -100), (100, -k), (100, 0))
            pen.closePath()

    # Controls on the circle: the curve touches their polygon's sides, between its inner and its outer circle.
    inner = math.cos(math.pi / 16)
    areas = [area_of(contours_of({"o": glyph}, "o", 1000)[0]) / (math.pi * 100**2) for glyph in (Quadratic(), Cubic())]
    assert inner**2 * 0.98 < areas[0] < 1
    assert areas[1] == pytest.approx(1, abs=0.02)


def test_outlines_are_measured_in_thousandths_of_the_em() -> None:
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, 512), (512, 512), (512, 0)):  # ink on the right, as TrueType has it
        pen.lineTo(point)
    pen.closePath()

    class Drawn:
        def draw(self, other):
            pen.glyph().draw(other, None)

    (ring,) = contours_of({"a": Drawn()}, "a", 1024)
    assert area_of(ring) == pytest.approx(500**2)


def test_a_simplified_line_passes_near_every_point() -> None:
    angle = np.linspace(0, 3, 200)
    points = 100 * np.stack([np.cos(angle), np.sin(angle)], 1)
    kept = points[simplified(points, FLAT)]
    far = [min(distance(point, one, other) for one, other in itertools.pairwise(kept)) for point in points]
    assert max(far) <= FLAT
    assert len(kept) < 20


def distance(point: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    part = np.clip((point - one) @ (other - one) / ((other - one) @ (other - one)), 0, 1)
    return float(np.hypot(*(one + part * (other - one) - point)))
