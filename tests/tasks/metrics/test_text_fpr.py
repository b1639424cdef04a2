import numpy as np
import pytest

from tasks.metrics.text_fpr import share_at, text_threshold


@pytest.mark.parametrize("crops", [1, 19, 20, 21, 100, 1000])
def test_the_threshold_is_the_largest_that_keeps_the_recall(crops: int):
    p = np.random.default_rng(crops).random(crops)
    by_hand = max(t for t in p if np.mean(p >= t) >= 0.95)
    assert text_threshold(p) == by_hand


def test_ties_are_kept_together():
    assert text_threshold(np.array([0.5] * 10 + [1.0] * 10)) == 0.5


def test_the_rate_is_the_share_at_or_above_the_threshold():
    assert share_at(np.array([0.1, 0.5, 0.9, 0.4]), 0.5) == 0.5
    assert share_at(np.array([]), 0.5) is None
    assert share_at(np.array([0.5]), text_threshold(np.array([]))) is None
