"""Is one model better than another, or is it the luck of the sample? A paired bootstrap says."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Accuracy of one model less that of another, and what it exceeds with the confidence asked for."""

    value: float
    lower: float


def paired_bootstrap(
    candidate: np.ndarray, incumbent: np.ndarray, *, resamples: int, confidence: float, seed: int
) -> Difference:
    """One-sided paired bootstrap (Efron & Tibshirani 1993, ch. 16) of the difference of two accuracies.

    Crops are drawn with replacement, both models' answers to a crop together. Only the counts of a resample
    matter (crops that only the one has right, only the other, both or neither), so each is one draw from a
    multinomial.

    Args:
        candidate: [n] bool, which crops the candidate has right.
        incumbent: [n] bool, the same crops in the same order.
        confidence: the bound is the quantile 1 − confidence of the resampled differences.

    Raises:
        ValueError: the arrays differ in length or are empty.
    """
    candidate, incumbent = np.asarray(candidate, dtype=bool), np.asarray(incumbent, dtype=bool)
    if candidate.shape != incumbent.shape or candidate.size == 0:
        raise ValueError(f"two answers to the same crops are needed, got {candidate.shape} and {incumbent.shape}")
    n = candidate.size
    gained, lost = int((candidate & ~incumbent).sum()), int((~candidate & incumbent).sum())
    shares = np.array([gained, lost, n - gained - lost]) / n
    counts = np.random.default_rng(seed).multinomial(n, shares, size=resamples)
    differences = (counts[:, 0] - counts[:, 1]) / n
    # 'lower' gives a difference that was drawn: the bound never lies between two possible ones.
    bound = np.quantile(differences, 1 - confidence, method="lower")
    return Difference(value=(gained - lost) / n, lower=float(bound))
