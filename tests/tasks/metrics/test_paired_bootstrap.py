import numpy as np
import pytest

from tasks.metrics.paired_bootstrap import cluster_interval, paired_bootstrap

OPTIONS = {"resamples": 4000, "confidence": 0.95, "seed": 3}


def answers(gained, lost, both, neither):
    candidate = [True] * gained + [False] * lost + [True] * both + [False] * neither
    incumbent = [False] * gained + [True] * lost + [True] * both + [False] * neither
    return np.array(candidate), np.array(incumbent)


def test_the_bound_is_that_of_drawing_crops_one_by_one():
    candidate, incumbent = answers(gained=30, lost=15, both=120, neither=35)
    found = paired_bootstrap(candidate, incumbent, **OPTIONS)
    rng = np.random.default_rng(11)
    drawn = rng.integers(0, 200, (4000, 200))
    differences = (candidate[drawn].astype(int) - incumbent[drawn]).mean(axis=1)
    assert found.value == pytest.approx(candidate.mean() - incumbent.mean())
    assert found.lower == pytest.approx(np.quantile(differences, 0.05), abs=0.006)


def test_a_model_is_not_better_than_itself():
    same = answers(0, 0, 60, 40)
    found = paired_bootstrap(*same, **OPTIONS)
    assert (found.value, found.lower) == (0, 0)


def test_the_same_gain_is_beyond_doubt_only_with_enough_crops():
    few, many = answers(4, 2, 10, 4), answers(400, 200, 1000, 400)
    assert paired_bootstrap(*few, **OPTIONS).lower <= 0 < paired_bootstrap(*many, **OPTIONS).lower


def test_the_seed_decides():
    pair = answers(30, 15, 120, 35)
    assert paired_bootstrap(*pair, **OPTIONS) == paired_bootstrap(*pair, **OPTIONS)


def test_unpaired_or_no_answers_are_refused():
    with pytest.raises(ValueError, match="the same crops"):
        paired_bootstrap(np.ones(3), np.ones(4), **OPTIONS)
    with pytest.raises(ValueError, match="the same crops"):
        paired_bootstrap(np.ones(0), np.ones(0), **OPTIONS)


def test_whole_groups_are_drawn_again():
    """Two groups of one and three rows: a resample is the first twice, both, or the second twice: 1/4, 1/2, 1/4."""
    values, groups = np.array([0.0, 1.0, 1.0, 1.0]), np.array(["a", "b", "b", "b"])
    drawn = {"resamples": 4000, "seed": 0}
    assert cluster_interval(values, groups, confidence=0.9, **drawn) == (0, 1)
    assert cluster_interval(values, groups, confidence=0.4, **drawn) == (0.75, 0.75)


def test_rows_of_a_group_share_their_luck():
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 50)
    values = np.repeat(random.normal(size=20), 50)
    low, high = cluster_interval(values, groups, resamples=2000, confidence=0.95, seed=0)
    # As wide as that of 20 means, not that of 1,000 rows.
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20**0.5, rel=0.1)


def test_one_group_has_no_interval():
    assert cluster_interval(np.ones(5), np.zeros(5), resamples=100, confidence=0.95, seed=0) is None
