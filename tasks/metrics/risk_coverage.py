"""Selective prediction: risk against coverage, where the model abstains on the least confident crops.

*Coverage* is the share of crops not abstained on, *risk* the share of these that are wrong.
"""

import numpy as np

RISKS = {"coverage_at_1": 0.01, "coverage_at_2": 0.02, "coverage_at_5": 0.05}


def risk_coverage(p: np.ndarray, correct: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coverage and risk after each crop, most confident first (El-Yaniv & Wiener 2010; Geifman & El-Yaniv 2017).

    Among crops of the same p, mistakes are spread evenly: the expected curve of a random order.

    Args:
        p: [n] probability of the predicted label.
        correct: [n] bool.

    Returns:
        Coverage [n], rising to 1, and risk [n].
    """
    ends, wrong = _thresholds(p, correct)
    covered = np.arange(1, len(p) + 1)
    mistakes = np.interp(covered, np.concatenate([[0], ends]), np.concatenate([[0], wrong]))
    return covered / max(len(p), 1), mistakes / covered


def abstention_metrics(p: np.ndarray, correct: np.ndarray) -> dict[str, float | None]:
    """`aurc`, the area under the risk–coverage curve (its mean risk), and the coverage at 1, 2 and 5% risk.

    The coverage at a risk is the largest that some threshold of p reaches without more mistakes than that; 0 where
    none does. All are None without crops.
    """
    if not len(p):
        return dict.fromkeys(["aurc", *RISKS])
    _, risk = risk_coverage(p, correct)
    ends, wrong = _thresholds(p, correct)
    reached = {name: ends[wrong <= most * ends + 1e-9] for name, most in RISKS.items()}
    coverage = {name: float(found.max() / len(p)) if len(found) else 0.0 for name, found in reached.items()}
    return {"aurc": float(risk.mean()), **coverage}


def _thresholds(p: np.ndarray, correct: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Crops covered, and mistakes among them, at each different p as threshold, from the highest down."""
    values, indices = np.unique(-np.asarray(p), return_inverse=True)
    n = np.bincount(indices, minlength=len(values))
    wrong = np.bincount(indices, weights=~np.asarray(correct, dtype=bool), minlength=len(values))
    return np.cumsum(n), np.cumsum(wrong)
