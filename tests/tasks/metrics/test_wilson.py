import pytest
from scipy.stats import binomtest

from tasks.metrics.wilson import wilson_interval


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (3, 7), (95, 100), (40, 40)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_it_is_scipy_s_interval(hits, n, confidence):
    expected = binomtest(hits, n).proportion_ci(confidence, method="wilson")
    assert wilson_interval(hits, n, confidence=confidence) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_bounds_are_where_the_share_lies_two_sided_errors_away():
    for bound in wilson_interval(3, 7, confidence=0.95):
        assert abs(3 / 7 - bound) == pytest.approx(1.959964 * (bound * (1 - bound) / 7) ** 0.5, rel=1e-6)


def test_no_crops_say_nothing():
    assert wilson_interval(0, 0, confidence=0.95) is None
