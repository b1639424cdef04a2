"""A picture's answer: labels in the order of their probabilities, several scripts, or none that is sure enough."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfont.combine import among_labels, combined, mixture, p_unknown
from unfont.errors import UserError
from unfont.labels import UNKNOWN, UNWRITTEN
from unfont.text import shown

DIGITS = 6
MIXED = "mixed"  # the answer of a picture of several scripts

Record = dict[str, Any]


def check_options(labels: Sequence[str], *, top: int, among: Sequence[str] | None, abstain_below: float) -> None:
    """Check the options of `answer`.

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


def answer(
    windows: NDArray[np.float64],
    labels: Sequence[str],
    *,
    length: float | None = None,
    target: str = "script",
    top: int = 3,
    among: Sequence[str] | None = None,
    abstain_below: float = 0.0,
) -> Record:
    """The answer of a picture whose windows have the probabilities [n, labels].

    Args:
        length: of the writing (`unfont.combine.combined`); without it the windows speak of one thing, and are no mix.
        target: what the labels are of.
        among: only these labels are possible, and their probabilities sum to 1; or, where the model has the label
            `Zzzz` and it is not among them, to 1 − p(`Zzzz`): writing that looks like none is not made sure of one.
        abstain_below: with less probability the answer is None; the rest still says what it would have been.

    Returns:
        `{target: label, None or "mixed", "p": p, "top": [{target: …, "p": …}], "windows": n, "agree": of these with
        the answer as their likeliest}`, and of a mixed picture `"shares": {label: share}`, with the mean probability
        of its sure windows as p. Equals come in the labels' order.
    """
    check_options(labels, top=top, among=among, abstain_below=abstain_below)
    possible, names = among_labels(windows, labels, among)
    known = 1.0 if UNKNOWN in names else 1.0 - p_unknown(windows, labels, length=length)
    found = known * combined(possible, names, length=length)
    order = np.argsort(-found, kind="stable")[:top]
    best, p = names[order[0]], float(found[order[0]])
    shares = mixture(possible, names) if length is not None and UNWRITTEN in labels else {}
    likeliest = [names[index] for index in possible.argmax(1)]
    if shares:
        best = MIXED
        p = known * float(np.mean([row.max() for row, name in zip(possible, likeliest, strict=True) if name in shares]))
    agree = sum(name == best or (best == "Jpan" and name == "Hani") for name in likeliest)
    record = {
        target: best if p >= abstain_below else None,
        "p": round(p, DIGITS),
        "top": [{target: names[index], "p": round(float(found[index]), DIGITS)} for index in order],
        "windows": len(windows),
        "agree": sum(name in shares for name in likeliest) if shares else agree,
    }
    return record | ({"shares": shares} if shares else {})
