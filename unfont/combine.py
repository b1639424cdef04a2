"""The probabilities of a picture's windows as those of the picture, and the scripts of a mixed one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unfont.labels import COMMON, UNKNOWN, UNWRITTEN

FLOOR = 0.01  # added to every probability: no window alone rules a label out
KANJI = 0.6  # of p(Hani), what counts for Jpan as well: a line of Japanese has windows of kanji alone
SIGNS = 0.9  # of p(Zyyy), what counts for every script as well: a line has windows of digits alone
WITH_HAN = ("Jpan", "Kore")  # written with Han characters among others
STRONGEST = 2.0  # the exponent of long writing, beyond which its windows say nothing new

SURE = 0.95  # a window with this probability counts where a picture may hold several scripts
FEW = 3  # sure windows that a script of a mixed picture has at least
LEAST = 0.2  # … and what fraction of all sure ones
LEAST_UNKNOWN = 0.5  # … of Zzzz: letters that are cut or ornate look unknown here and there in a line of a known script


def among_labels(
    windows: NDArray[np.float64], labels: Sequence[str], among: Sequence[str] | None
) -> tuple[NDArray[np.float64], list[str]]:
    """Probabilities [n, kept] and labels where only those in `among` are possible; all where it is None.

    Han characters alone are `Hani`; where that is not expected and Japanese or Korean is, they are that.
    """
    if among is None:
        return windows.astype(np.float64), list(labels)
    kept = [index for index, label in enumerate(labels) if label in among]
    names = [labels[index] for index in kept]
    # Far from every label that is left, all may be 0 in floating point: then all are equal.
    found = np.maximum(windows[:, kept].astype(np.float64), np.finfo(np.float64).tiny)
    heir = next((name for name in WITH_HAN if name in names), None)
    if heir and "Hani" in labels and "Hani" not in names:
        found[:, names.index(heir)] += windows[:, labels.index("Hani")]
    return found / found.sum(1, keepdims=True), names


def p_unknown(windows: NDArray[np.float64], labels: Sequence[str], *, length: float | None = None) -> float:
    """The probability that a picture's writing is of an unknown script (`Zzzz`); 0 without such a label."""
    return float(combined(windows, labels, length=length)[labels.index(UNKNOWN)]) if UNKNOWN in labels else 0.0


def combined(
    windows: NDArray[np.float64], labels: Sequence[str], *, length: float | None = None
) -> NDArray[np.float64]:
    """Probabilities [labels] of a picture from those of its windows [n, labels]: their geometric mean to a power.

    The floor keeps a window that is wrong beyond doubt from deciding alone (a product of experts, Hinton 2002, made
    robust). The power is the cube root of `length`, how many times its height the writing is long, up to STRONGEST:
    the mean of a long line's windows is surer than one window, and half a window of ink, one letter, less. Without a
    length it is 1.
    """
    if len(windows) == 1 and length is None:
        return windows[0].astype(np.float64)
    found = windows.astype(np.float64)
    if len(windows) > 1 and {"Hani", "Jpan"} <= set(labels):
        found[:, labels.index("Jpan")] += KANJI * found[:, labels.index("Hani")]
    alone = np.zeros(len(labels))
    if len(windows) > 1 and COMMON in labels:
        written = [index for index, label in enumerate(labels) if label not in (UNWRITTEN, COMMON)]
        signs = SIGNS * found[:, [labels.index(COMMON)]]
        found[:, written] += signs
        alone[written] = _mean_of(signs)  # what a script has of digits and signs that stand alone is no evidence of it
    mean = np.log(np.maximum(_mean_of(found) - alone, np.finfo(np.float64).tiny))
    power = 1.0 if length is None else min(STRONGEST, length ** (1 / 3))
    strong = np.exp(power * (mean - mean.max()))
    return np.asarray(strong / strong.sum())


def _mean_of(windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The geometric mean [labels] of [n, labels], with the floor."""
    return np.asarray(np.exp(np.log(windows + FLOOR).mean(0)) - FLOOR)


def mixture(windows: NDArray[np.float64], labels: Sequence[str]) -> dict[str, float]:
    """Scripts of a picture and their shares of its sure windows [n, labels], the largest first; {} unless several.

    Kanji beside kana is Japanese, and a few windows of an unknown script (`Zzzz`) beside those of a known one are none.
    """
    sure = windows[windows.max(1) >= SURE].argmax(1)
    counts = {
        labels[index]: int((sure == index).sum())
        for index in np.unique(sure)
        if labels[index] not in (UNWRITTEN, COMMON)
    }
    if {"Hani", "Jpan"} <= counts.keys():
        counts["Jpan"] += counts.pop("Hani")
    total = sum(counts.values())
    least = {UNKNOWN: LEAST_UNKNOWN}
    kept = {label: count for label, count in counts.items() if count >= max(FEW, least.get(label, LEAST) * total)}
    if len(kept) < 2:
        return {}
    ordered = sorted(kept.items(), key=lambda item: (-item[1], item[0]))
    return {label: round(count / sum(kept.values()), 3) for label, count in ordered}
