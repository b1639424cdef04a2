"""Is mining worth it? The rounds' trainings against controls that added as many random crops, with their spread.

What `metrics/study.json` holds (metrics are those of `tasks.metrics.classification.measure` at light degradation; null
where a metric is undefined, such as a rate without `Zxxx`, a control that was not trained, an interval of one seed):

    asked: whether there are two seeds or more and a control; else single values, and no verdict
    seeds, control, confidence, severity: the study's settings
    splits.<split>.<round>:
        mined, control.<metric>: values (one a seed), mean, spread (their standard deviation, n − 1)
        difference.<metric>: values (mined less control, one a seed), mean, low, high (paired t-interval);
            of the two rates also cut: value = 1 − mean(mined) / mean(control), low, high (`cut_interval`)
        gain.mined, gain.control.<metric>: values (against the round before, one a seed; above 0 is better),
            mean, low, high. The round before a control of round 1 is the mined round 0 of its seed.
    verdict: on unseen typefaces, after the last round: split, round, mined and control (mean false-positive
        rates), false_positive_cut, low, high, reached_30_percent (the cut itself, not its interval),
        beyond_spread (the difference's interval leaves out 0)
    gains.<round>: `gain` of its round.json, by which rounds stop

A round's control is null in round 0, and so is its gain.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtrit

from tasks.crop_table.splits import REPORT_SPLIT
from tasks.train.replicas import CONTROL, MINED, Replica

RATES = ("false_positive_rate", "false_alarm_rate")  # lower is better
MINING_METRICS = (*RATES, "worst_nuisance", "worst_target", "accuracy")
WANTED_CUT = 0.3
DIGITS = 6

Values = list[float | None]  # one a seed
ByMetric = dict[str, Values]


def model_name(number: int, replica: Replica) -> str:
    """What a training of round `number` is called in an evaluation: `round-1`, `round-1/control-0`."""
    return f"round-{number}" if replica.main else f"round-{number}/{replica.name}"


def summarise(
    metrics: dict[str, dict[str, dict[str, Any]]],
    *,
    previous: dict[int, int | None],
    seeds: int,
    control: bool,
    confidence: float,
) -> dict[str, Any]:
    """The study's part of `study.json`: all but `severity` and `gains`, which the caller adds.

    Args:
        metrics: by model (`model_name`) and split; every training of the study is there.
        previous: the round before each round; None of round 0.
        confidence: of the intervals, 0 to 1.
    """
    asked = control and seeds >= 2
    splits = {}
    for split in next(iter(metrics.values())):
        trainings = _Trainings(metrics=metrics, split=split, seeds=seeds, control=control)
        splits[split] = {
            str(number): _round_of(trainings, number, before, confidence) for number, before in previous.items()
        }
    verdict = _verdict(splits[REPORT_SPLIT], max(previous)) if asked else None
    facts = {"asked": asked, "seeds": seeds, "control": control, "confidence": confidence}
    return {**facts, "splits": splits, "verdict": verdict}


def means_of(summary: dict[str, Any]) -> dict[str, float]:
    """A study's means as `study.split.round-1.arm.metric`; nothing where each round is one training."""
    if summary["seeds"] == 1 and not summary["control"]:
        return {}
    return {
        f"study.{split}.round-{number}.{arm}.{metric}": value["mean"]
        for split, rounds in summary["splits"].items()
        for number, facts in rounds.items()
        for arm in (MINED, CONTROL)
        for metric, value in (facts[arm] or {}).items()
        if value["mean"] is not None
    }


def interval_of_mean(values: np.ndarray, *, confidence: float) -> tuple[float, float] | None:
    """Student's t-interval of the mean of `values[seeds]`; None of fewer than two."""
    n = len(values)
    if n < 2:
        return None
    half = _quantile(n, confidence) * values.std(ddof=1) / math.sqrt(n)
    return float(values.mean() - half), float(values.mean() + half)


def cut_interval(mined: np.ndarray, control: np.ndarray, *, confidence: float) -> tuple[float, float] | None:
    """Fieller's interval of 1 − mean(mined) / mean(control), paired by seed.

    Fieller, Some Problems in Interval Estimation (1954): all ratios ρ for which mean(mined − ρ control) does not
    differ from 0 by a paired t-test. It holds for means near 0 and few seeds, where the delta method and logarithms
    do not, and it leaves out a cut of 0 exactly where the difference's t-interval leaves out 0.

    Returns:
        None of fewer than two seeds, and where the ratios have no bounds: the controls' mean is not
        significantly above 0.
    """
    n = len(mined)
    if n < 2:
        return None
    # ρ²·a − 2ρ·b + c ≤ 0
    shrink = _quantile(n, confidence) ** 2 / n
    covariance = np.cov(mined, control)
    a = control.mean() ** 2 - shrink * covariance[1, 1]
    b = mined.mean() * control.mean() - shrink * covariance[0, 1]
    c = mined.mean() ** 2 - shrink * covariance[0, 0]
    if a <= 0:
        return None
    root = math.sqrt(max(b * b - a * c, 0.0))
    return float(1 - (b + root) / a), float(1 - (b - root) / a)


def spread_of(values: Values) -> dict[str, Any]:
    """`values`, their mean and their spread, the standard deviation (n − 1); None where a value is missing."""
    known = _known(values)
    spread = None if known is None or len(known) < 2 else round(float(known.std(ddof=1)), DIGITS)
    return {"values": values, "mean": _mean(known), "spread": spread}


def change_of(values: Values, base: Values, confidence: float) -> dict[str, Any]:
    """`values` less `base`, paired by seed: `values`, `mean`, and `low` and `high`, its t-interval."""
    pairs = zip(values, base, strict=True)
    changes: Values = [None if a is None or b is None else round(a - b, DIGITS) for a, b in pairs]
    known = _known(changes)
    interval = None if known is None else interval_of_mean(known, confidence=confidence)
    return {"values": changes, "mean": _mean(known), **_bounds(interval)}


@dataclass(frozen=True, kw_only=True)
class _Trainings:
    """The metrics of a study's trainings on one split."""

    metrics: dict[str, dict[str, dict[str, Any]]]
    split: str
    seeds: int
    control: bool

    def of(self, number: int, arm: str) -> ByMetric | None:
        """By metric the value of each seed; None of a control that was not trained."""
        if arm == CONTROL and not (self.control and number > 0):
            return None
        names = [model_name(number, Replica(seed=seed, arm=arm)) for seed in range(self.seeds)]
        return {metric: [self.metrics[name][self.split][metric] for name in names] for metric in MINING_METRICS}


def _round_of(trainings: _Trainings, number: int, before: int | None, confidence: float) -> dict[str, Any]:
    arms = {arm: trainings.of(number, arm) for arm in (MINED, CONTROL)}
    mined, control = arms[MINED], arms[CONTROL]
    difference = None
    if mined is not None and control is not None:
        difference = {
            metric: _difference(metric, mined[metric], control[metric], confidence) for metric in MINING_METRICS
        }
    gain = None
    if before is not None:
        # A control of round 1 went on from the mined model of round 0.
        start = {arm: trainings.of(before, arm) or trainings.of(before, MINED) for arm in arms}
        gain = {arm: _gain(arms[arm], start[arm], confidence) for arm in arms}
    return {**{arm: _spread(values) for arm, values in arms.items()}, "difference": difference, "gain": gain}


def _spread(arm: ByMetric | None) -> dict[str, dict[str, Any]] | None:
    return None if arm is None else {metric: spread_of(values) for metric, values in arm.items()}


def _difference(metric: str, mined: Values, control: Values, confidence: float) -> dict[str, Any]:
    entry = change_of(mined, control, confidence)
    if metric in RATES:
        entry["cut"] = _cut(_known(mined), _known(control), confidence)
    return entry


def _gain(after: ByMetric | None, before: ByMetric | None, confidence: float) -> dict[str, dict[str, Any]] | None:
    if after is None or before is None:
        return None
    pairs = {
        metric: (before[metric], after[metric]) if metric in RATES else (after[metric], before[metric])
        for metric in MINING_METRICS
    }
    return {metric: change_of(better, worse, confidence) for metric, (better, worse) in pairs.items()}


def _cut(mined: np.ndarray | None, control: np.ndarray | None, confidence: float) -> dict[str, float | None]:
    if mined is None or control is None or control.mean() == 0:
        return {"value": None, "low": None, "high": None}
    value = round(float(1 - mined.mean() / control.mean()), DIGITS)
    return {"value": value, **_bounds(cut_interval(mined, control, confidence=confidence))}


def _verdict(rounds: dict[str, Any], last: int) -> dict[str, Any] | None:
    """What the last round's mining did to the false-positive rate; None where there is no such rate."""
    facts, metric = rounds[str(last)], RATES[0]
    if facts["difference"] is None or facts["difference"][metric]["mean"] is None:
        return None
    difference = facts["difference"][metric]
    cut = difference["cut"]
    return {
        "split": REPORT_SPLIT,
        "round": last,
        MINED: facts[MINED][metric]["mean"],
        CONTROL: facts[CONTROL][metric]["mean"],
        "false_positive_cut": cut["value"],
        "low": cut["low"],
        "high": cut["high"],
        "reached_30_percent": cut["value"] is not None and cut["value"] >= WANTED_CUT,
        "beyond_spread": difference["high"] < 0 or difference["low"] > 0,
    }


def _known(values: Values) -> np.ndarray | None:
    """The values as numbers; None where any is missing: a mean of the seeds that worked would be biased."""
    known = [value for value in values if value is not None]
    return np.array(known) if len(known) == len(values) else None


def _mean(known: np.ndarray | None) -> float | None:
    return None if known is None else round(float(known.mean()), DIGITS)


def _bounds(interval: tuple[float, float] | None) -> dict[str, float | None]:
    low, high = interval or (None, None)
    return {"low": _rounded(low), "high": _rounded(high)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _quantile(n: int, confidence: float) -> float:
    return float(stdtrit(n - 1, (1 + confidence) / 2))
