import numpy as np
import pytest

from tasks.metrics.risk_coverage import abstention_metrics, risk_coverage


@pytest.fixture
def answers():
    """p [300] with many ties, and whether the answer is right: the surer the likelier."""
    rng = np.random.default_rng(2)
    p = rng.integers(1, 41, 300) / 40
    return p.astype(np.float32), rng.random(300) < p**0.15


def test_the_curve_is_the_mean_over_the_orders_of_equals(answers):
    p, correct = answers
    rng = np.random.default_rng(0)
    curves = []
    for _ in range(1000):
        order = np.lexsort([rng.random(300), -p])
        curves.append(np.cumsum(~correct[order]) / np.arange(1, 301))
    coverage, risk = risk_coverage(p, correct)
    np.testing.assert_allclose(coverage, np.arange(1, 301) / 300)
    np.testing.assert_allclose(risk, np.mean(curves, axis=0), atol=0.02)
    assert abstention_metrics(p, correct)["aurc"] == pytest.approx(np.mean(curves), abs=1e-3)


def test_the_coverage_at_a_risk_is_the_largest_of_any_threshold(answers):
    p, correct = answers
    metrics = abstention_metrics(p, correct)
    for name, most in {"coverage_at_1": 0.01, "coverage_at_2": 0.02, "coverage_at_5": 0.05}.items():
        reached = [(p >= t).mean() for t in np.unique(p) if (~correct[p >= t]).mean() <= most]
        assert metrics[name] == pytest.approx(max(reached, default=0))
    assert 0 < metrics["coverage_at_5"] < 1


def test_by_hand():
    """The surest is wrong: no threshold is without mistakes. Risks after each crop: 1, 1/2, 1/3, 1/4."""
    p, correct = np.array([0.9, 0.8, 0.7, 0.6]), np.array([False, True, True, True])
    metrics = abstention_metrics(p, correct)
    assert metrics["aurc"] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4) and metrics["coverage_at_5"] == 0
    assert abstention_metrics(p, ~correct)["coverage_at_1"] == 0.25
    assert abstention_metrics(np.ones(20), np.arange(20) > 0)["coverage_at_5"] == 1  # one in twenty is 5%


def test_no_crops_have_no_curve():
    nothing = np.zeros(0)
    assert [len(part) for part in risk_coverage(nothing, nothing)] == [0, 0]
    assert set(abstention_metrics(nothing, nothing).values()) == {None}
