"""Labels of a picture in the order of their probabilities."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfont.errors import UserError
from unfont.text import shown

DIGITS = 6

Record = dict[str, Any]


def check_options(labels: Sequence[str], *, top: int, among: Sequence[str] | None, abstain_below: float) -> None:
    """Check the options of `ranked`.

    Raises: UserError: `top` is below 1, `abstain_below` is not a probability, or `among` names no label or an
        unknown one.
    """
    if top < 1:
        raise UserError(f"{top} labels cannot be given", where="top", fix="ask for 1 or more")
    if not 0 <= abstain_below <= 1:
        raise UserError(f"{abstain_below} is no probability", where="abstain-below", fix="give 0 to 1")
    if among is None:
        return
    known = f"the model knows {', '.join(labels)}"
    if not among:
        raise UserError("no labels are named", where="among", fix=known)
    for label in among:
        if label not in labels:
            raise UserError(f"unknown label '{shown(label)}'", where="among", fix=known)


def ranked(
    probabilities: NDArray[np.float64],
    labels: Sequence[str],
    *,
    target: str = "script",
    top: int = 3,
    among: Sequence[str] | None = None,
    abstain_below: float = 0.0,
) -> list[Record]:
    """Predictions of probabilities [n, labels]: `{target: label or None, "p": p, "top": [{target: …, "p": …}]}`.

    With `among`, only those labels are considered, and their probabilities sum to 1. Below `abstain_below` the
    prediction is None, and `top` and `p` still hold what it would have been. Equals come in the labels' order.
    """
    check_options(labels, top=top, among=among, abstain_below=abstain_below)
    kept = [index for index, label in enumerate(labels) if among is None or label in among]
    names = [labels[index] for index in kept]
    # Far from every label that is left, all may be 0 in floating point: then all are equal.
    probabilities = np.maximum(probabilities[:, kept], np.finfo(np.float64).tiny)
    probabilities = probabilities / probabilities.sum(1, keepdims=True)
    orders = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    return [_record(row, order, names, target, abstain_below) for row, order in zip(probabilities, orders, strict=True)]


def _record(
    row: NDArray[np.float64], order: NDArray[np.intp], names: list[str], target: str, abstain_below: float
) -> Record:
    best = float(row[order[0]])
    return {
        target: names[order[0]] if best >= abstain_below else None,
        "p": round(best, DIGITS),
        "top": [{target: names[index], "p": round(float(row[index]), DIGITS)} for index in order],
    }
