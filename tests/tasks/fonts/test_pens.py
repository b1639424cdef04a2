import math

import numpy as np
import pytest

from tasks.fonts.contours import area_of
from tasks.fonts.pens import PENS, Pen, bar, ink_of, oval
from tasks.fonts.skeleton import Stroke

HALF = 40.0
LENGTH = 400.0


def line(degrees: float) -> Stroke:
    """A straight stroke of LENGTH whose ends are not free, so that it is drawn as it is."""
    along = np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])
    return Stroke(np.linspace(0, LENGTH, 40)[:, None] * along, np.full(40, HALF), (False, False))


def area(stroke: Stroke, pen: Pen) -> float:
    return sum(map(area_of, ink_of([stroke], pen, HALF, np.random.default_rng(0))))


def test_a_round_pen_draws_a_bar_with_round_ends() -> None:
    pen = Pen("sans-serif", oval(1, 1, 0, corners=48), smooth=0.5)
    wanted = LENGTH * 2 * HALF + math.pi * HALF**2
    for degrees in (0, 30, 90):
        assert area(line(degrees), pen) == pytest.approx(wanted, rel=0.02)  # its curves are polygons


def test_a_broad_nib_is_thick_across_its_edge_and_thin_along_it() -> None:
    """The Minkowski sum's area: that of the tip, and the line times the tip's width across the line."""
    tip = bar(1.25, 0.22, 30)
    pen = Pen("serif", tip, smooth=0.5)
    widths = {}
    for degrees in (30, 75, 120):
        turn = math.radians(degrees - 30)
        widths[degrees] = 2 * HALF * (1.25 * abs(math.sin(turn)) + 0.22 * abs(math.cos(turn)))
        wanted = LENGTH * widths[degrees] + 4 * 1.25 * 0.22 * HALF**2
        assert area(line(degrees), pen) == pytest.approx(wanted, rel=0.01)
    assert widths[120] / widths[30] == pytest.approx(1.25 / 0.22)


def test_a_free_end_reaches_the_end_of_the_sources_ink() -> None:
    stroke = Stroke(line(0).points, np.full(40, HALF), (True, True))
    ink = np.concatenate(ink_of([stroke], PENS["round"], HALF, np.random.default_rng(0)))
    assert (ink[:, 0].min(), ink[:, 0].max()) == (pytest.approx(-HALF, abs=2), pytest.approx(LENGTH + HALF, abs=2))


def test_a_closed_stroke_leaves_its_counter_open() -> None:
    angle = np.linspace(0, 2 * np.pi, 60)
    ring = Stroke(200 * np.stack([np.cos(angle), np.sin(angle)], 1), np.full(60, HALF), (False, False), closed=True)
    for pen in PENS.values():
        outer, hole = sorted(map(area_of, ink_of([ring], pen, HALF, np.random.default_rng(0))), key=lambda a: -a)
        assert outer > 0 > hole


@pytest.mark.parametrize("pen", PENS)
def test_a_dot_is_about_as_large_as_it_was(pen: str) -> None:
    dot = Stroke(np.zeros((1, 2)), np.array([HALF * 1.2]))
    assert 0.6 < area(dot, PENS[pen]) / (math.pi * (HALF * 1.2) ** 2) < 1.4


@pytest.mark.parametrize("pen", PENS)
def test_strokes_are_about_as_thick_as_the_sources(pen: str) -> None:
    """Mean over directions: ink by length, of twice the half width."""
    means = [area(line(degrees), PENS[pen]) / (LENGTH * 2 * HALF) for degrees in range(0, 180, 15)]
    assert 0.6 < np.mean(means) < 1.4


def test_chance_is_the_generators() -> None:
    one, same, other = (ink_of([line(0)], PENS["brush"], HALF, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert one.tolist() == same.tolist()
    assert one.tolist() != other.tolist()


def test_tips_turn_counter_clockwise() -> None:
    assert all(area_of(pen.tip) > 0 for pen in PENS.values())
    assert oval(2, 1, 90, corners=4).tolist() == [pytest.approx(p) for p in ([0, 2], [-1, 0], [0, -2], [1, 0])]
