import numpy as np
import pytest
from scipy.stats import t, ttest_rel

from tasks.evaluate.invariance_gain import INVARIANCE_METRICS, means_of_modes, pairs_of, seeds_of_mode, summarise_modes

MODES = ["erm", "conditional", "conditional+pairs"]
VALUES = {
    "erm": [0.80, 0.82, 0.81],
    "conditional": [0.83, 0.86, 0.88],
    "conditional+pairs": [0.9, None, 0.91],
    "round-3": [0.8],
}
DIFFERENCES = {("conditional", "erm"): {"accuracy": {"value": 0.03, "low": 0.01, "high": 0.05}}}


def metrics_of(values):
    return {
        mode if seed == 0 else f"{mode}/seed-{seed}": {"test_unseen": dict.fromkeys(INVARIANCE_METRICS, value)}
        for mode, own in values.items()
        for seed, value in enumerate(own)
    }


def summary_of(metrics, modes=MODES):
    options = {"differences": DIFFERENCES, "split": "test_unseen", "resamples": 1000, "confidence": 0.9}
    return summarise_modes(metrics, modes=modes, **options)


def test_a_mode_s_trainings_are_known_by_their_names():
    names = ["conditional", "conditional/seed-10", "conditional/seed-2", "conditional+pairs/seed-1", "round-1/mined-1"]
    assert seeds_of_mode("conditional", names) == {
        0: "conditional",
        2: "conditional/seed-2",
        10: "conditional/seed-10",
    }
    assert list(seeds_of_mode("conditional", names)) == [0, 2, 10]


def test_every_mode_is_compared_with_erm_and_with_the_round_it_went_on_from():
    assert pairs_of(["erm", "pairs"], "round-3") == [("pairs", "erm"), ("erm", "round-3"), ("pairs", "round-3")]
    assert pairs_of(["pairs"], "round-0") == [("pairs", "round-0")]


def test_a_mode_has_its_values_their_mean_and_spread_and_the_paired_difference_to_erm():
    summary = summary_of(metrics_of(VALUES))
    own = summary["modes"]["conditional"]
    entry = own["splits"]["test_unseen"]["worst_nuisance"]
    assert own["seeds"] == [0, 1, 2] and entry["values"] == VALUES["conditional"]
    assert entry["mean"] == pytest.approx(np.mean(VALUES["conditional"]), abs=1e-6)
    assert entry["spread"] == pytest.approx(np.std(VALUES["conditional"], ddof=1), abs=1e-6)
    expected = ttest_rel(VALUES["conditional"], VALUES["erm"]).confidence_interval(0.9)
    difference = entry["difference"]
    assert difference["values"] == pytest.approx([0.03, 0.04, 0.07])
    assert (difference["low"], difference["high"]) == pytest.approx((expected.low, expected.high), abs=1e-6)
    assert difference["mean"] == pytest.approx((expected.low + expected.high) / 2, abs=1e-6)
    assert summary["modes"]["erm"]["splits"]["test_unseen"]["accuracy"]["difference"] is None


def test_only_seeds_that_both_have_are_compared():
    metrics = metrics_of(VALUES)
    del metrics["erm/seed-1"]
    difference = summary_of(metrics)["modes"]["conditional"]["splits"]["test_unseen"]["accuracy"]["difference"]
    assert difference["values"] == pytest.approx([0.03, 0.07])
    half = t.ppf(0.95, 1) * np.std([0.03, 0.07], ddof=1) / np.sqrt(2)
    assert difference["high"] - difference["low"] == pytest.approx(2 * half, abs=2e-6)


def test_a_missing_value_leaves_the_mean_and_the_interval_unknown():
    entry = summary_of(metrics_of(VALUES))["modes"]["conditional+pairs"]["splits"]["test_unseen"]["accuracy"]
    assert (entry["mean"], entry["spread"]) == (None, None)
    assert entry["difference"]["values"] == pytest.approx([0.1, None, 0.1]) and entry["difference"]["low"] is None


def test_one_seed_has_no_spread_and_without_erm_there_is_no_difference():
    single = {mode: values[:1] for mode, values in VALUES.items()}
    entry = summary_of(metrics_of(single))["modes"]["conditional"]["splits"]["test_unseen"]["accuracy"]
    assert entry["spread"] is None and entry["difference"]["low"] is None
    del single["erm"]
    summary = summary_of(metrics_of(single), modes=MODES[1:])
    assert summary["baseline"] is None
    assert summary["modes"]["conditional"]["splits"]["test_unseen"]["accuracy"]["difference"] is None


def test_pairs_are_listed_by_name_and_means_are_of_several_seeds():
    summary = summary_of(metrics_of(VALUES | {"erm": [0.8]}))
    pair = {"candidate": "conditional", "reference": "erm", "accuracy": {"value": 0.03, "low": 0.01, "high": 0.05}}
    assert summary["pairs"] == {"split": "test_unseen", "resamples": 1000, "differences": [pair]}
    means = means_of_modes(summary)
    assert means["modes.test_unseen.conditional.accuracy"] == pytest.approx(np.mean(VALUES["conditional"]), abs=1e-6)
    assert {name.split(".")[2] for name in means} == {"conditional"}
