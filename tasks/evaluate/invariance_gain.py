"""Does a mode of invariance pay? The modes over their seeds, and pairs of models on resampled designs.

What `metrics/invariance.json` holds (metrics are those of `tasks.metrics.classification.measure` at light degradation;
null where a metric is undefined, such as a spread or an interval of one seed):

    severity, confidence, baseline: `erm`, what every other mode is measured against; null where it was not trained
    modes.<mode>:
        seeds: of its trainings; 0 is the one that can be chosen
        splits.<split>.<metric>: values (one a seed), mean, spread (their standard deviation, n − 1);
            difference (null of the baseline, and where no seed is shared): values (less the baseline's of the same
            seed), mean, low, high (paired t-interval)
    pairs: of the trainings with seed 0: split, resamples, and differences, a list of candidate, reference,
        and by metric value (candidate less reference), low, high (`tasks.metrics.group_bootstrap`)

The two kinds of interval are of two questions: another seed on these designs, other designs for these weights.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from tasks.evaluate.mining_gain import change_of, spread_of
from tasks.metrics.group_bootstrap import Differences

BASELINE = "erm"
INVARIANCE_METRICS = ("accuracy", "worst_nuisance", "worst_target", "calibration_error")

Metrics = dict[str, dict[str, dict[str, Any]]]  # by model and split


def seeds_of_mode(mode: str, names: Iterable[str]) -> dict[int, str]:
    """The trainings of a mode by seed, among `names`: `erm` has seed 0, `erm/seed-2` seed 2."""
    start = f"{mode}/seed-"
    further = {int(name.removeprefix(start)): name for name in names if name.startswith(start)}
    return {0: mode, **dict(sorted(further.items()))}


def pairs_of(modes: Sequence[str], last_round: str) -> list[tuple[str, str]]:
    """(candidate, reference): every other mode against the baseline, every mode against the round it went on from."""
    against = [(mode, BASELINE) for mode in modes if mode != BASELINE and BASELINE in modes]
    return against + [(mode, last_round) for mode in modes]


def summarise_modes(
    metrics: Metrics,
    *,
    modes: Sequence[str],
    differences: dict[tuple[str, str], Differences],
    split: str,
    resamples: int,
    confidence: float,
) -> dict[str, Any]:
    """What `invariance.json` holds, all but `severity`.

    Args:
        metrics: of every training of every mode (`seeds_of_mode`).
        differences: of pairs of models on `split`.
        confidence: of the intervals, 0 to 1.
    """
    baseline = BASELINE if BASELINE in modes else None
    trained = {mode: seeds_of_mode(mode, metrics) for mode in modes}
    listed = [
        {"candidate": candidate, "reference": reference, **found}
        for (candidate, reference), found in differences.items()
    ]
    return {
        "confidence": confidence,
        "baseline": baseline,
        "modes": {
            mode: {
                "seeds": list(trained[mode]),
                "splits": {name: _of_split(metrics, name, trained[mode], base, confidence) for name in metrics[mode]},
            }
            for mode in modes
            for base in [trained[baseline] if baseline and mode != baseline else {}]
        },
        "pairs": {"split": split, "resamples": resamples, "differences": listed},
    }


def means_of_modes(summary: dict[str, Any]) -> dict[str, float]:
    """Means over seeds as `modes.split.mode.metric`, of the modes that have several."""
    return {
        f"modes.{split}.{mode}.{metric}": value["mean"]
        for mode, facts in summary["modes"].items()
        if len(facts["seeds"]) > 1
        for split, by_metric in facts["splits"].items()
        for metric, value in by_metric.items()
        if value["mean"] is not None
    }


def _of_split(
    metrics: Metrics, split: str, trained: dict[int, str], base: dict[int, str], confidence: float
) -> dict[str, dict[str, Any]]:
    shared = [seed for seed in trained if seed in base]
    found = {}
    for metric in INVARIANCE_METRICS:
        own = {seed: metrics[name][split][metric] for seed, name in trained.items()}
        reference = [metrics[base[seed]][split][metric] for seed in shared]
        change = change_of([own[seed] for seed in shared], reference, confidence) if shared else None
        found[metric] = {**spread_of(list(own.values())), "difference": change}
    return found
