"""Lines above and below, underlines and boxes."""

import numpy as np
import pytest

from tasks.crops.cut import Cut
from tasks.crops.surroundings import add_ink, add_surroundings, neighbour

PLAIN = Cut(0.5, 0.5, 0.5, 0.5)


def ink() -> np.ndarray:
    """Six rows high, ten columns wide, every pixel different."""
    return np.arange(1, 61, dtype=np.uint8).reshape(6, 10)


def shown(cut: Cut, *, top: int = 5, left: int = 11) -> np.ndarray:
    crop = np.zeros((16, 32), np.uint8)
    add_surroundings(crop, ink(), top, left, cut)
    return crop


def test_ink_outside_of_the_crop_is_cut_off() -> None:
    crop = np.zeros((4, 4), np.uint8)
    add_ink(crop, ink(), -2, -3)
    np.testing.assert_array_equal(crop, ink()[2:6, 3:7])
    before = crop.copy()
    for top, left in ((4, 0), (-6, 0), (0, 4), (0, -10)):
        add_ink(crop, ink(), top, left)
    np.testing.assert_array_equal(crop, before)


def test_a_neighbour_is_the_same_writing_from_another_place_on() -> None:
    line = neighbour(ink(), 40, 0.5)
    # Words of ten columns with two between them, from the seventh column of one on.
    period = np.concatenate([ink(), np.zeros((6, 2), np.uint8)], axis=1)
    np.testing.assert_array_equal(line, np.concatenate([period] * 5, axis=1)[:, 6:46])


@pytest.mark.parametrize(("above", "below"), [(0.0, None), (None, 0.2), (0.4, 0.4)])
def test_neighbours_are_as_far_away_as_the_cut_says(above: float | None, below: float | None) -> None:
    crop = shown(PLAIN._replace(above=above, below=below))
    rows = crop.any(1)
    first = 5 - round(6 * above) if above is not None else 0  # rows above it are the neighbour's
    last = 11 + round(6 * below) if below is not None else 16
    assert rows[:first].all() and rows[last:].all() and not rows[first:last].any()


def test_rules_stand_where_they_are_named() -> None:
    marks = {name: shown(PLAIN._replace(rule=name, margin=0.0)) for name in ("under", "over", "left", "right", "box")}
    assert marks["under"][11, 11:21].all() and not marks["under"][:11].any()
    assert marks["over"][4, 11:21].all() and not marks["over"][5:].any()
    assert marks["left"][:, 10].all() and not marks["left"][:, 11:].any()
    assert marks["right"][:, 21].all() and not marks["right"][:, :21].any()
    assert (marks["box"] > 0).sum() == ((sum(marks[name] for name in ("left", "right"))) > 0).sum() + 2 * 30
