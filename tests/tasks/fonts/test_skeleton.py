"""Letters of straight bars and rings, whose strokes are known; medial_axis.py is tested through them."""

import numpy as np
import pytest

from tasks.fonts.contours import united
from tasks.fonts.medial_axis import medial_axis
from tasks.fonts.skeleton import Stroke, roundness, strokes_of

WIDE = 80.0  # of every stroke


def bar(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """The rectangle around a line, WIDE across; its ends stand half of that beyond."""
    along = np.array([x1 - x0, y1 - y0]) / np.hypot(x1 - x0, y1 - y0) * WIDE / 2
    across = np.array([-along[1], along[0]])
    start, end = np.array([x0, y0]) - along, np.array([x1, y1]) + along
    return np.array([start - across, end - across, end + across, start + across])


def disc(x: float, y: float, radius: float, corners: int = 60) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], 1)


def strokes(*pieces: np.ndarray) -> list[Stroke]:
    return strokes_of(united(pieces))


def ends(stroke: Stroke) -> list[list[float]]:
    return sorted([stroke.points[0].tolist(), stroke.points[-1].tolist()])


def test_a_bar_is_one_straight_stroke() -> None:
    (stroke,) = strokes(bar(0, 0, 0, 500))
    assert stroke.points[:, 0] == pytest.approx(0, abs=2)
    # It is measured to points on the outline, not to the line between them.
    assert stroke.radius[len(stroke.radius) // 2] == pytest.approx(WIDE / 2, rel=0.04)
    low, high = sorted(stroke.points[[0, -1], 1])
    assert (low, high) == (pytest.approx(0, abs=12), pytest.approx(500, abs=12))
    assert stroke.free == (True, True)


def test_a_ring_is_a_closed_stroke_in_its_middle() -> None:
    (stroke,) = strokes(disc(0, 0, 250), disc(0, 0, 170)[::-1])
    assert stroke.closed
    assert np.hypot(*stroke.points.T) == pytest.approx(210, abs=4)
    assert stroke.points[0].tolist() == stroke.points[-1].tolist()


def test_a_plus_is_two_strokes_through_one_another() -> None:
    one, other = strokes(bar(0, 0, 500, 0), bar(250, -250, 250, 250))
    assert all(stroke.free == (True, True) for stroke in (one, other))
    spans = sorted((np.ptp(stroke.points, axis=0).round().tolist()) for stroke in (one, other))
    assert spans == [pytest.approx([0, 500], abs=20), pytest.approx([500, 0], abs=20)]


def test_the_bar_of_a_t_stays_straight_where_the_stem_meets_it() -> None:
    whole = strokes(bar(0, 500, 500, 500), bar(250, 0, 250, 500))
    (across,) = (stroke for stroke in whole if stroke.free == (True, True))
    (stem,) = (stroke for stroke in whole if stroke is not across)
    assert across.points[:, 1] == pytest.approx(500, abs=5)  # the medial axis itself dips by 10
    end = stem.points[0 if not stem.free[0] else -1]
    assert end == pytest.approx([250, 500], abs=5)


def test_dots_stay_dots_whatever_their_shape() -> None:
    letters = strokes(bar(0, 0, 0, 400), disc(0, 600, 60), np.array([[200.0, 0], [300, 0], [300, 100], [200, 100]]))
    dots = sorted((stroke for stroke in letters if len(stroke.points) == 1), key=lambda dot: dot.points[0, 0])
    assert [dot.points[0].tolist() for dot in dots] == [pytest.approx([0, 600]), pytest.approx([250, 50])]
    assert [dot.radius[0] for dot in dots] == pytest.approx(
        [60, 100 / np.sqrt(np.pi)], rel=0.02
    )  # `united` leaves points out


def test_roundness_of_known_shapes() -> None:
    assert roundness(disc(0, 0, 50, 400)) == pytest.approx(1, abs=0.001)
    assert roundness(np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])) == pytest.approx(np.pi / 4)


def test_nothing_has_no_strokes() -> None:
    assert strokes_of([]) == []
    assert medial_axis([]) == []


def test_parts_of_a_letter_are_never_lost() -> None:
    """Every area of some random letters holds a stroke."""
    draw = np.random.default_rng(0)
    for _ in range(20):
        rings = united([bar(*draw.uniform(0, 1000, 4)) for _ in range(4)])
        assert len(strokes_of(rings)) >= sum(ring_is_outer(ring) for ring in rings)


def ring_is_outer(ring: np.ndarray) -> bool:
    x, y = ring.T
    return bool(x @ np.roll(y, -1) > y @ np.roll(x, -1))
