"""Text against non-text: the false-positive rate at a set recall of text."""

import math

import numpy as np

RECALL = 0.95


def text_threshold(p_text: np.ndarray, *, recall: float = RECALL) -> float | None:
    """The largest t such that at least `recall` of `p_text[text crops]` are ≥ t; None without crops."""
    if not len(p_text):
        return None
    # The share of a float may be a rounding error above a whole number of crops.
    wanted = max(1, math.ceil(recall * len(p_text) - 1e-9))
    return float(np.sort(p_text)[len(p_text) - wanted])


def share_at(p_text: np.ndarray, threshold: float | None) -> float | None:
    """Share of `p_text` ≥ `threshold`; None without crops or threshold."""
    if threshold is None or not len(p_text):
        return None
    return float((np.asarray(p_text) >= threshold).mean())
