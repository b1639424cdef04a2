"""Calibration: reliability, calibration error, and the temperature that reduces it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

BINS = 15
TEMPERATURES = (0.1, 10.0)  # a model that is always right, or right by chance alone, has no finite optimum
TEMPERATURE_DIGITS = 4
FIT_CROPS = 20_000  # are enough to fit one number


def reliability(p: np.ndarray, correct: np.ndarray, *, bins: int = BINS) -> pd.DataFrame:
    """Accuracy by confidence, in equal-width bins (low, high] of p.

    Args:
        p: [n] probability of the predicted label, 0 to 1.
        correct: [n] bool.

    Returns:
        A row a bin that has crops: `low`, `high`, `n`, `confidence` (mean p), `accuracy`.
    """
    p = np.asarray(p, dtype=np.float64)
    bin_index = np.clip(np.ceil(p * bins) - 1, 0, bins - 1).astype(int)
    n = np.bincount(bin_index, minlength=bins)
    held = n > 0
    sums = {"confidence": np.bincount(bin_index, weights=p, minlength=bins)}
    sums["accuracy"] = np.bincount(bin_index, weights=correct, minlength=bins)
    edges = np.arange(bins + 1) / bins
    means = {name: values[held] / n[held] for name, values in sums.items()}
    return pd.DataFrame({"low": edges[:-1][held], "high": edges[1:][held], "n": n[held], **means})


def calibration_error(p: np.ndarray, correct: np.ndarray, *, bins: int = BINS) -> float | None:
    """Expected calibration error: the mean gap of `reliability`'s bins (Guo et al. 2017, eq. 3); None of no crops."""
    if len(p) == 0:
        return None
    found = reliability(p, correct, bins=bins)
    return float((found["n"] * (found["confidence"] - found["accuracy"]).abs()).sum() / len(p))


def fit_temperature(logits: np.ndarray, true: Sequence[str] | np.ndarray, labels: Sequence[str]) -> float:
    """The T by which softmax(logits / T) makes the true labels most likely (Guo et al. 2017, section 4.2).

    One number for all labels: it changes the confidence and never the prediction. Below 1 it sharpens, as is
    needed after label smoothing. The negative log-likelihood is convex in 1 / T, so there is one
    minimum; it is searched from 0.1 to 10.

    Args:
        logits: [n, labels].
        true: [n] names; a crop whose name is not among `labels` is not used, nor are any after the first 20,000.

    Returns:
        T, to 4 digits, so that what is stored is what was measured; 1 where there are no crops.
    """
    indices = pd.Index(labels).get_indexer(pd.Index(np.asarray(true, dtype=object)))
    known = np.flatnonzero(indices >= 0)[:FIT_CROPS]
    logits, indices = np.asarray(logits)[known].astype(np.float64), indices[known]
    if not len(indices):
        return 1.0
    # Margins to the true label: the loss of a crop is the log of the sum of their exponentials.
    logits -= logits[np.arange(len(indices)), indices][:, None]

    def loss(log_temperature: float) -> float:
        return float(logsumexp(logits / np.exp(log_temperature), axis=1).mean())

    found = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-5})
    return round(float(np.exp(found.x)), TEMPERATURE_DIGITS)
