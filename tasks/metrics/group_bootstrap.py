"""Would one model still be better on other designs? Paired differences, with designs resampled."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

RESAMPLED_METRICS = ("accuracy", "worst_nuisance", "worst_target")
ELEMENTS = 4_000_000  # resampled weights in memory at a time
DIGITS = 6

Sums = np.ndarray  # [resamples, strata]
Metric = Callable[[Sums, Sums], np.ndarray]  # of right crops and of crops: [resamples]
Differences = dict[str, dict[str, float | None]]  # by metric: value, low, high


@dataclass(frozen=True, kw_only=True)
class Strata:
    """Text crops, grouped as their metrics need them.

    Attributes:
        cluster: [crops] the index of each crop's group; a crop without one is a group of its own.
        stratum: [crops] the index of its (label, nuisance value).
        labels: [strata] label; values: [strata] nuisance value, '' where there is none.
        counts: [strata] whether the cell counts in `worst_nuisance` (`tasks.metrics.worst_group.counted_cells`).
        thin: labels left out of `worst_target`.
    """

    cluster: np.ndarray
    stratum: np.ndarray
    labels: np.ndarray
    values: np.ndarray
    counts: np.ndarray
    thin: Collection[str]

    @classmethod
    def of_text(
        cls, text: pd.DataFrame, *, nuisance: str | None, group: str, cells: pd.DataFrame, thin: Collection[str]
    ) -> "Strata":
        """Of text crops with `true` and the columns that are named; `cells` are those that count."""
        values = text[nuisance].astype(object).where(text[nuisance].notna(), "") if nuisance else ""
        stratum, names = pd.factorize(
            pd.MultiIndex.from_frame(pd.DataFrame({"true": text["true"].astype(str), "value": values}))
        )
        cluster, groups = pd.factorize(text[group].astype(object))
        alone = cluster < 0
        cluster = np.where(alone, len(groups) + np.cumsum(alone) - 1, cluster)
        return cls(
            cluster=cluster,
            stratum=stratum,
            labels=names.get_level_values(0).to_numpy(dtype=object),
            values=names.get_level_values(1).to_numpy(dtype=object),
            counts=names.isin(cells.index),
            thin=thin,
        )

    @property
    def clusters(self) -> int:
        return int(self.cluster.max()) + 1 if len(self.cluster) else 0

    def sums(self, crops: np.ndarray) -> csr_matrix:
        """[strata, clusters]: how many of the crops that `crops[n]`, bool, marks."""
        ones = np.ones(int(crops.sum()))
        shape = (len(self.labels), self.clusters)
        return csr_matrix((ones, (self.stratum[crops], self.cluster[crops])), shape=shape)

    def metrics(self) -> dict[str, Metric]:
        """`RESAMPLED_METRICS` as functions of right crops and of crops, `[resamples, strata]` each.

        A cell or a label that a resample has no crop of is left out there.
        """
        kept = _members(self.labels, [label for label in np.unique(self.labels) if label not in self.thin])
        by_value = _members(np.where(self.counts, self.values, ""), np.unique(self.values[self.counts]))

        def worst_target(hits: Sums, n: Sums) -> np.ndarray:
            return _lowest(_share(hits @ kept, n @ kept))

        def worst_nuisance(hits: Sums, n: Sums) -> np.ndarray:
            known = (n > 0).astype(np.float64)
            return _lowest(_share((hits / np.maximum(n, 1)) @ by_value, known @ by_value))

        return {
            "accuracy": lambda hits, n: _share(hits.sum(1), n.sum(1)),
            "worst_nuisance": worst_nuisance,
            "worst_target": worst_target,
        }


def paired_differences(
    strata: Strata,
    right: Mapping[str, np.ndarray],
    pairs: Sequence[tuple[str, str]],
    *,
    resamples: int,
    confidence: float,
    seed: int,
) -> dict[tuple[str, str], Differences]:
    """By how much the first model of each pair is better than the second, with percentile bootstrap intervals.

    Groups (designs) are resampled with replacement, as many as there are, each with all its crops and every model's
    predictions on them (Efron & Tibshirani 1993, ch. 8 and 13): crops of one design are alike, and the question
    is how the models do on unseen designs. All models have the same resamples. Which cells count, and which
    labels are thin, follows from the crops as they are.

    Args:
        right: [crops] bool by model: whether its prediction is right.
        pairs: (candidate, reference), names in `right`.
        confidence: of the two-sided intervals.

    Returns:
        By pair and metric: `value`, candidate less reference, `low` and `high`; None where the metric is
        undefined, and of an interval where there are fewer than two groups.
    """
    models = dict.fromkeys(name for pair in pairs for name in pair)
    hits = {name: strata.sums(np.asarray(right[name], dtype=bool)) for name in models}
    n = strata.sums(np.ones(len(strata.stratum), bool))
    metrics, as_they_are = strata.metrics(), np.ones((1, strata.clusters))
    resampled: dict[tuple[str, str], list[np.ndarray]] = {
        (name, metric): [] for name in models for metric in RESAMPLED_METRICS
    }
    for weight in chain([as_they_are], _resampled_weights(strata.clusters, resamples, seed)):
        crops = (n @ weight.T).T
        for name in models:
            correct = (hits[name] @ weight.T).T
            for metric in RESAMPLED_METRICS:
                resampled[name, metric].append(metrics[metric](correct, crops))
    whole = {key: np.concatenate(values) for key, values in resampled.items()}
    return {
        (candidate, reference): {
            metric: _interval(whole[candidate, metric] - whole[reference, metric], confidence)
            for metric in RESAMPLED_METRICS
        }
        for candidate, reference in pairs
    }


def _resampled_weights(clusters: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each group is resampled: [some resamples, clusters], in all `resamples` rows; none of one group."""
    rng, step = np.random.default_rng(seed), max(1, ELEMENTS // max(clusters, 1))
    for start in range(0, resamples if clusters > 1 else 0, step):
        rows = min(step, resamples - start)
        yield np.stack([np.bincount(rng.integers(clusters, size=clusters), minlength=clusters) for _ in range(rows)])


def _interval(differences: np.ndarray, confidence: float) -> dict[str, float | None]:
    """Of the crops as they are (the first) and of the resamples that have the metric."""
    value, samples = differences[0], differences[1:]
    samples = samples[~np.isnan(samples)]
    if np.isnan(value):
        return {"value": None, "low": None, "high": None}
    low, high = np.quantile(samples, [(1 - confidence) / 2, (1 + confidence) / 2]) if len(samples) else (None, None)
    bounds = {"low": low, "high": high}
    return {"value": round(float(value), DIGITS)} | {
        name: None if bound is None else round(float(bound), DIGITS) for name, bound in bounds.items()
    }


def _members(names: np.ndarray, wanted: Sequence[str] | np.ndarray) -> np.ndarray:
    """[strata, wanted]: 1 where the stratum has that name."""
    return np.array([[name == one for one in wanted] for name in names], dtype=np.float64).reshape(
        len(names), len(wanted)
    )


def _share(hits: np.ndarray, n: np.ndarray) -> np.ndarray:
    """hits / n; NaN where n is 0."""
    return np.where(n > 0, hits / np.where(n > 0, n, 1), np.nan)


def _lowest(shares: np.ndarray) -> np.ndarray:
    """The lowest of each row of `[resamples, names]` that is known; NaN where none is."""
    lowest = np.where(np.isnan(shares), np.inf, shares).min(axis=1, initial=np.inf)
    return np.where(np.isinf(lowest), np.nan, lowest)
