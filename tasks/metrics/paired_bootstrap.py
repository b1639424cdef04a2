"""Is one model better than another beyond sampling error? A paired bootstrap."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Accuracy of one model less that of another, and its lower bound at the confidence asked for."""

    value: float
    lower: float


def paired_bootstrap(
    candidate: np.ndarray, incumbent: np.ndarray, *, resamples: int, confidence: float, seed: int
) -> Difference:
    """One-sided paired bootstrap (Efron & Tibshirani 1993, ch. 16) of the difference of two accuracies.

    Crops are resampled with replacement, both models' predictions on a crop together. Only the counts of a resample
    matter (crops that only the one has right, only the other, both or neither), so each is one draw from a multinomial.

    Args:
        candidate: [n] bool, which crops the candidate has right.
        incumbent: [n] bool, the same crops in the same order.
        confidence: the bound is the quantile 1 − confidence of the resampled differences.

    Raises:
        ValueError: the arrays differ in length or are empty.
    """
    candidate, incumbent = np.asarray(candidate, dtype=bool), np.asarray(incumbent, dtype=bool)
    if candidate.shape != incumbent.shape or candidate.size == 0:
        raise ValueError(f"predictions on the same crops are needed, got {candidate.shape} and {incumbent.shape}")
    n = candidate.size
    gained, lost = int((candidate & ~incumbent).sum()), int((~candidate & incumbent).sum())
    shares = np.array([gained, lost, n - gained - lost]) / n
    counts = np.random.default_rng(seed).multinomial(n, shares, size=resamples)
    differences = (counts[:, 0] - counts[:, 1]) / n
    # 'lower' gives a difference that occurred: the bound is never between two possible ones.
    bound = np.quantile(differences, 1 - confidence, method="lower")
    return Difference(value=(gained - lost) / n, lower=float(bound))


def cluster_interval(
    values: np.ndarray, groups: np.ndarray, *, resamples: int, confidence: float, seed: int
) -> tuple[float, float] | None:
    """Percentile interval of mean(values), whole groups resampled with replacement (Davison & Hinkley 1997, ch. 3.8).

    Rows of one group (a font design, a person) are alike: resampled one by one, the interval would be too narrow.

    Args:
        values: [n].
        groups: [n] each row's group.
        confidence: of the two-sided interval.

    Returns:
        Its two ends, or None where there are fewer than two groups.
    """
    _, indices = np.unique(groups, return_inverse=True)
    sizes, sums = np.bincount(indices), np.bincount(indices, weights=values)
    if len(sizes) < 2:
        return None
    counts = np.random.default_rng(seed).multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=resamples)
    tail = (1 - confidence) / 2
    low, high = np.quantile((counts @ sums) / (counts @ sizes), [tail, 1 - tail])
    return float(low), float(high)
