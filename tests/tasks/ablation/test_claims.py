"""The verdict on a claim follows from the interval of its numbers, and from nothing else."""

import numpy as np
import pytest
from scipy import stats

from tasks.ablation.claims import Claim, Part, judged, verdict_of


@pytest.mark.parametrize(
    ("interval", "low", "high", "verdict"),
    [
        ((0.02, 0.04), 0.0, 0.05, "holds"),
        ((0.02, 0.06), 0.0, 0.05, "cannot tell"),
        ((0.06, 0.07), 0.0, 0.05, "does not hold"),
        ((-0.03, -0.01), 0.0, None, "does not hold"),
        ((0.98, 1.02), 0.95, None, "holds"),
        ((0.0, 0.0), None, -0.001, "does not hold"),
    ],
)
def test_holds_inside_of_the_range_does_not_outside_of_it(interval, low, high, verdict):
    assert verdict_of(interval, low, high) == verdict


def claim_of(*values: list[float]) -> Claim:
    parts = tuple(Part("a number", lambda _, own=own: np.array(own), 0.5, None) for own in values)
    return Claim("base", "it is so", parts)


def test_a_number_s_interval_is_student_s_over_the_rotations():
    (part,) = judged(claim_of([0.6, 0.7, 0.9]), None)["parts"]
    low, high = stats.t.interval(0.95, 2, loc=np.mean([0.6, 0.7, 0.9]), scale=stats.sem([0.6, 0.7, 0.9]))
    assert (part["low"], part["high"]) == pytest.approx((low, high))
    assert part["verdict"] == "cannot tell"


def test_a_claim_holds_where_all_of_its_numbers_do():
    high, low, wide = [0.8, 0.8, 0.81], [0.1, 0.1, 0.11], [0.1, 0.5, 0.9]
    assert judged(claim_of(high, high), None)["verdict"] == "holds"
    assert judged(claim_of(high, wide), None)["verdict"] == "cannot tell"
    assert judged(claim_of(wide, low), None)["verdict"] == "does not hold"
