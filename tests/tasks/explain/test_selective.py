import numpy as np
import pytest
import torch

from tasks.explain.selective import selective_units, strokes_of
from tasks.explain.units import Explanation, Layer


def stripes(angle, side=24):
    """Dark lines on white whose direction is `angle` degrees from horizontal, counted as on paper: up is positive."""
    rows, columns = np.mgrid[:side, :side]
    turned = rows * np.cos(np.deg2rad(angle)) + columns * np.sin(np.deg2rad(angle))
    return np.where(np.sin(turned) > 0, 255, 0).astype(np.uint8)


@pytest.mark.parametrize(
    ("angle", "name"), [(0, "horizontal"), (90, "vertical"), (45, "rising"), (-45, "falling"), (10, "horizontal")]
)
def test_strokes_are_named_by_their_direction(angle, name):
    assert strokes_of([stripes(angle)]) == f"{name} strokes"
    assert strokes_of([np.repeat(stripes(angle)[..., None], 3, 2)] * 2) == f"{name} strokes"


def test_strokes_in_all_directions_are_curves_and_paper_is_even():
    assert strokes_of([stripes(angle) for angle in (0, 45, 90, 135)]) == "curves and corners"
    assert strokes_of([np.full((8, 8), 255, np.uint8)]) == "even areas"


def layer_of(means):
    return Layer("some", None, None, (32, 128), means=torch.tensor(means))


def test_the_most_selective_units_share_no_label():
    means = [[0.0, 4.0, 0.0, 0.0], [0.1, 2.0, 0.1, 0.1], [3.0, 0.0, 3.0, 0.3], [1.0, 1.0, 1.0, 1.0]]
    explained = Explanation(layers=[], keys=[], labels=[], classes=["Beng", "Cyrl", "Deva", "Latn"])
    found = selective_units(explained, layer_of(means), 3)
    assert [(one.unit, one.group) for one in found] == [(0, ["Cyrl"]), (2, ["Beng", "Deva"])]
    assert (found[1].inside, found[1].outside) == (pytest.approx(3), pytest.approx(0.15))
    assert found[1].index == pytest.approx((3 - 0.15) / (3 + 0.15), abs=1e-6)


def test_a_layer_below_zero_has_none():
    explained = Explanation(layers=[], keys=[], labels=[], classes=["Cyrl", "Latn"])
    assert selective_units(explained, layer_of([[-1.0, 2.0]]), 3) == []
