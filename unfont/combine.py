"""The probabilities of a picture's windows as those of the picture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FLOOR = 0.01  # added to every probability: no window alone rules a label out
KANJI = 0.5  # of p(Hani), what counts for Jpan as well: a line of Japanese has windows of kanji alone


def combined(windows: NDArray[np.float64], labels: Sequence[str]) -> NDArray[np.float64]:
    """Probabilities [labels] of a picture: the geometric mean of those of its windows [n, labels].

    The mean of logarithms is what independent windows add up to, at the strength of one of them; the floor keeps a
    window that is wrong beyond doubt from deciding alone (a product of experts, Hinton 2002, made robust).
    """
    found = windows.astype(np.float64)
    if len(windows) > 1 and {"Hani", "Jpan"} <= set(labels):
        found[:, labels.index("Jpan")] += KANJI * found[:, labels.index("Hani")]
    mean = np.maximum(np.exp(np.log(found + FLOOR).mean(0)) - FLOOR, np.finfo(np.float64).tiny)
    return np.asarray(mean / mean.sum())
