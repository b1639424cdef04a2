"""A study's intervals are computed a second time by SciPy's t-tests; its values are read off the metrics."""

import json

import numpy as np
import pytest
from scipy import stats

from tasks.evaluate.mining_gain import (
    MINING_METRICS,
    RATES,
    cut_interval,
    interval_of_mean,
    means_of,
    model_name,
    summarise,
)
from tasks.train.replicas import Replica

SPLITS = ("validation", "test_unseen")
PREVIOUS = {0: None, 1: 0, 2: 1}
ARMS = ("mined", "control")


def metrics_of(seeds, control=True, empty=True, seed=3):
    """Seeded metrics of every training of three rounds; mining takes half of the false positives away."""
    rng = np.random.default_rng(seed)
    metrics = {}
    for number in PREVIOUS:
        for place in range(seeds):
            for arm in ARMS if control and number else ARMS[:1]:
                rate = (0.4 if arm == "control" else 0.4 / (number + 1)) + rng.uniform(-0.02, 0.02)
                values = {"false_positive_rate": rate, "false_alarm_rate": rate / 2} if empty else dict.fromkeys(RATES)
                values |= {name: round(rng.uniform(0.7, 0.8), 6) for name in MINING_METRICS if name not in RATES}
                name = model_name(number, Replica(seed=place, arm=arm))
                metrics[name] = {split: {**values, "n": 100} for split in SPLITS}
    return metrics


def summary_of(metrics, seeds=3, control=True, confidence=0.95):
    return summarise(metrics, previous=PREVIOUS, seeds=seeds, control=control, confidence=confidence)


def values_of(metrics, number, arm, metric, split="test_unseen", seeds=3):
    names = [model_name(number, Replica(seed=place, arm=arm)) for place in range(seeds)]
    return np.array([metrics[name][split][metric] for name in names])


def test_the_round_s_own_training_has_the_round_s_name():
    names = [model_name(2, Replica(seed=seed, arm=arm)) for seed in (0, 1) for arm in ARMS]
    assert names == ["round-2", "round-2/control-0", "round-2/mined-1", "round-2/control-1"]


def test_each_arm_has_a_value_a_seed_their_mean_and_their_spread():
    metrics = metrics_of(3)
    for number, facts in summary_of(metrics)["splits"]["test_unseen"].items():
        for arm in ARMS:
            if arm == "control" and number == "0":
                assert facts[arm] is None
                continue
            for metric in MINING_METRICS:
                values = values_of(metrics, number, arm, metric)
                entry = facts[arm][metric]
                assert entry["values"] == list(values)
                assert entry["mean"] == pytest.approx(values.mean(), abs=1e-6)
                assert entry["spread"] == pytest.approx(stats.tstd(values), abs=1e-6)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_mined_against_control_is_a_paired_t_interval(confidence):
    metrics = metrics_of(4)
    facts = summary_of(metrics, seeds=4, confidence=confidence)["splits"]["validation"]["2"]["difference"]
    for metric in MINING_METRICS:
        mined, control = (values_of(metrics, 2, arm, metric, "validation", 4) for arm in ARMS)
        expected = stats.ttest_rel(mined, control).confidence_interval(confidence)
        assert facts[metric]["values"] == pytest.approx(list(mined - control), abs=1e-6)
        assert facts[metric]["mean"] == pytest.approx((mined - control).mean(), abs=1e-6)
        assert (facts[metric]["low"], facts[metric]["high"]) == pytest.approx(expected, abs=1e-5)
        assert ("cut" in facts[metric]) == (metric in RATES)


@pytest.mark.parametrize("seed", range(5))
def test_a_cut_s_interval_holds_the_ratios_that_a_paired_t_test_does_not_reject(seed):
    rng = np.random.default_rng(seed)
    control = rng.uniform(0.3, 0.4, 3)
    mined = control * rng.uniform(0.5, 0.9) + rng.normal(0, 0.01, 3)
    low, high = cut_interval(mined, control, confidence=0.9)
    cuts = np.linspace(-2, 3, 50_001)
    kept = cuts[stats.ttest_1samp(mined[:, None] - (1 - cuts) * control[:, None], 0, axis=0).pvalue >= 0.1]
    assert (low, high) == pytest.approx((kept.min(), kept.max()), abs=2e-4)
    assert low < 1 - mined.mean() / control.mean() < high


def test_a_cut_s_interval_leaves_out_0_exactly_where_the_difference_s_does():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(300):
        control = rng.uniform(0.3, 0.5, 3)
        mined = control - rng.normal(0.05, 0.05) + rng.normal(0, 0.02, 3)
        cut, difference = (
            cut_interval(mined, control, confidence=0.95),
            interval_of_mean(mined - control, confidence=0.95),
        )
        if cut is not None:
            found.append((not cut[0] <= 0 <= cut[1], not difference[0] <= 0 <= difference[1]))
    outside = [one for one, _ in found]
    assert outside == [other for _, other in found] and 20 < sum(outside) < len(found) - 20


def test_a_cut_has_no_interval_where_the_controls_may_as_well_be_0():
    assert cut_interval(np.array([0.1, 0.2, 0.1]), np.array([0.0, 0.0, 0.3]), confidence=0.95) is None
    assert cut_interval(np.array([0.1]), np.array([0.2]), confidence=0.95) is None
    metrics = metrics_of(3)
    for place in range(3):
        for split in SPLITS:
            metrics[model_name(2, Replica(seed=place, arm="control"))][split]["false_positive_rate"] = 0.0
    summary = summary_of(metrics)
    cut = summary["splits"]["test_unseen"]["2"]["difference"]["false_positive_rate"]["cut"]
    assert cut == {"value": None, "low": None, "high": None}
    assert summary["verdict"]["false_positive_cut"] is None and not summary["verdict"]["reached_30_percent"]
    assert summary["verdict"]["beyond_spread"]


def test_a_gain_is_against_the_round_before_and_better_is_above_0():
    metrics = metrics_of(3)
    rounds = summary_of(metrics)["splits"]["test_unseen"]
    assert rounds["0"]["gain"] is None
    before = {"1": {"mined": (0, "mined"), "control": (0, "mined")}, "2": {arm: (1, arm) for arm in ARMS}}
    for number, starts in before.items():
        for arm, start in starts.items():
            for metric in MINING_METRICS:
                rise = values_of(metrics, number, arm, metric) - values_of(metrics, *start, metric)
                expected = -rise if metric in RATES else rise
                entry = rounds[number]["gain"][arm][metric]
                assert entry["values"] == pytest.approx(list(expected), abs=1e-6)
                interval = stats.ttest_1samp(expected, 0).confidence_interval(0.95)
                assert (entry["low"], entry["high"]) == pytest.approx(interval, abs=1e-5)
    assert rounds["2"]["gain"]["mined"]["false_positive_rate"]["mean"] > 0


def test_the_verdict_is_on_designs_never_seen_after_the_last_round():
    metrics = metrics_of(3)
    summary = summary_of(metrics)
    mined, control = (values_of(metrics, 2, arm, "false_positive_rate") for arm in ARMS)
    low, high = cut_interval(mined, control, confidence=0.95)
    assert summary["asked"]
    assert summary["verdict"] == {
        "split": "test_unseen",
        "round": 2,
        "mined": pytest.approx(mined.mean(), abs=1e-6),
        "control": pytest.approx(control.mean(), abs=1e-6),
        "false_positive_cut": pytest.approx(1 - mined.mean() / control.mean(), abs=1e-6),
        "low": pytest.approx(low, abs=1e-6),
        "high": pytest.approx(high, abs=1e-6),
        "reached_30_percent": True,
        "beyond_spread": True,
    }


def test_mining_that_does_no_better_than_chance_says_so():
    metrics = metrics_of(3)
    for place, other in enumerate((1, 2, 0)):
        name = model_name(2, Replica(seed=place, arm="mined"))
        metrics[name] = metrics[model_name(2, Replica(seed=other, arm="control"))]
    verdict = summary_of(metrics)["verdict"]
    assert verdict["false_positive_cut"] == pytest.approx(0, abs=1e-6)
    assert (verdict["reached_30_percent"], verdict["beyond_spread"]) == (False, False)


@pytest.mark.parametrize(("seeds", "control"), [(1, False), (1, True), (3, False)])
def test_without_seeds_or_control_there_are_values_and_no_verdict(seeds, control):
    summary = summary_of(metrics_of(seeds, control), seeds, control)
    assert (summary["asked"], summary["verdict"]) == (False, None)
    last = summary["splits"]["test_unseen"]["2"]
    assert len(last["mined"]["accuracy"]["values"]) == seeds
    assert (last["mined"]["accuracy"]["spread"] is None) == (seeds == 1)
    assert (
        (last["control"] is None) == (last["difference"] is None) == (last["gain"]["control"] is None) == (not control)
    )
    if seeds == 1:
        assert last["gain"]["mined"]["accuracy"]["low"] is None
    assert bool(means_of(summary)) == (seeds > 1 or control)


def test_without_unwritten_crops_the_rates_are_none_and_the_rest_stands():
    summary = summary_of(metrics_of(3, empty=False))
    last = summary["splits"]["test_unseen"]["2"]
    assert summary["asked"] and summary["verdict"] is None
    assert last["mined"]["false_positive_rate"] == {"values": [None] * 3, "mean": None, "spread": None}
    assert last["difference"]["false_alarm_rate"]["cut"] == {"value": None, "low": None, "high": None}
    assert last["difference"]["accuracy"]["low"] < last["difference"]["accuracy"]["high"]
    assert "NaN" not in json.dumps(summary)
    means = means_of(summary)
    assert not [name for name in means if "rate" in name]
    assert means["study.test_unseen.round-2.control.accuracy"] == last["control"]["accuracy"]["mean"]


def test_a_figure_that_one_seed_lacks_has_no_mean():
    metrics = metrics_of(3)
    metrics["round-1/mined-2"]["test_unseen"]["worst_nuisance"] = None
    facts = summary_of(metrics)["splits"]["test_unseen"]["1"]
    assert facts["mined"]["worst_nuisance"]["mean"] is None and None in facts["mined"]["worst_nuisance"]["values"]
    assert facts["difference"]["worst_nuisance"]["low"] is None
