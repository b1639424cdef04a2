"""The series' claims as numbers, and a verdict on each.

A claim is one or more numbers, and the range in which each would have to be. A number's interval is the t-interval of
its means over seeds, one a rotation of the held-out people. It holds where the whole interval lies in the range, it
does not where none of it does, and else one cannot tell. A claim holds where all of its numbers hold, and does not
where one does not.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.ablation.faces import NEW, TEST, TRAIN
from tasks.ablation.measured import Measured
from tasks.ablation.recipes import BASE, FOUR
from tasks.ablation.transfer import UNTRAINED
from tasks.evaluate.mining_gain import interval_of_mean

HOLDS, DOES_NOT, CANNOT_TELL = "holds", "does not hold", "cannot tell"
CONFIDENCE = 0.95
PERFECT = 0.99  # accuracy
FINE = 0.95  # accuracy
POOR = 0.05  # accuracy that is lost on new people, at least
AS_GOOD = 0.02  # difference of accuracies, at most
SAME_MAPS = 0.05  # similarity below the floor's, at most
COMPLEMENTS = -0.5  # correlation of two decision maps, at most
ANY = 0.001  # what counts as a difference at all, of accuracies and of fractions of units

ByRotation = np.ndarray  # a number a rotation, each the mean over seeds


@dataclass(frozen=True)
class Part:
    """A number of a claim, in words, and the range that it would have to be in; None: it has no such end."""

    text: str
    of: Callable[[Measured], ByRotation]
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Claim:
    """What the series said of a variant."""

    variant: str
    text: str
    parts: tuple[Part, ...]


def claims() -> list[Claim]:
    """Every claim of the series."""
    return [
        Claim(BASE, "perfect on test, poor on new people",
              (Part("accuracy on test", lambda m: m.accuracy(BASE, TEST), PERFECT, None), _gap(BASE))),
        Claim("fewer-filters", "as good", _as_good("fewer-filters")),
        Claim("fewer-filters", "the same maps", (_same_maps("fewer-filters"),)),
        Claim("fewer-filters", "fewer dead or always-on units",
              (Part("dead or always-on, fraction of the filters, less base's",
                    lambda m: m.idle("fewer-filters") - m.idle(BASE), None, -ANY),)),
        Claim("deeper-dense", "nothing new learned",
              (*_as_good("deeper-dense"), _same_maps("deeper-dense"))),
        Claim("wider-dense", "slightly worse training",
              (Part("accuracy on training pictures, less base's",
                    lambda m: m.accuracy("wider-dense", TRAIN) - m.accuracy(BASE, TRAIN), -POOR, -ANY),)),
        Claim("wider-dense", "the same maps", (_same_maps("wider-dense"),)),
        Claim(FOUR, "fine on test, poor on new people",
              (Part("accuracy on test", lambda m: m.accuracy(FOUR, TEST), FINE, None), _gap(FOUR))),
        Claim(FOUR, "the same convolution maps", (_same_maps(FOUR),)),
        Claim(FOUR, "transfer learning lives on them", (
            _kept(FOUR, BASE), _kept(BASE, FOUR), _more_than_untrained(FOUR, BASE), _more_than_untrained(BASE, FOUR),
        )),
        Claim("no-dense", "one dense layer is enough",
              tuple(Part(f"accuracy on {name}, less base's", _less_base("no-dense", part), -AS_GOOD, None)
                    for part, name in ((TEST, "test"), (NEW, "new people")))),
        Claim("linear-mse", "the same accuracy", _as_good("linear-mse")),
        Claim("linear-mse", "decision maps are no longer complements", (
            Part("r of base's two decision maps", lambda m: m.complement(BASE), None, COMPLEMENTS),
            Part("r of its own", lambda m: m.complement("linear-mse"), COMPLEMENTS, None),
        )),
    ]  # fmt: skip


def judged(claim: Claim, measured: Measured) -> dict[str, Any]:
    """The claim with its numbers: `mean`, `low`, `high`, `wanted` and a verdict each."""
    parts = []
    for part in claim.parts:
        values = part.of(measured)
        low, high = interval_of(values)
        parts.append({
            "text": part.text, "mean": float(values.mean()), "low": low, "high": high,
            "wanted": [part.low, part.high], "verdict": verdict_of((low, high), part.low, part.high),
        })  # fmt: skip
    verdicts = [part["verdict"] for part in parts]
    whole = DOES_NOT if DOES_NOT in verdicts else CANNOT_TELL if CANNOT_TELL in verdicts else HOLDS
    return {"variant": claim.variant, "claim": claim.text, "verdict": whole, "parts": parts}


def interval_of(values: ByRotation) -> tuple[float, float]:
    """The t-interval of the mean of `values`, of two rotations or more."""
    interval = interval_of_mean(values, confidence=CONFIDENCE)
    assert interval is not None
    return interval


def verdict_of(interval: tuple[float, float], low: float | None, high: float | None) -> str:
    """Whether an interval lies in the range from `low` to `high`, none of it does, or one cannot tell."""
    least, most = -math.inf if low is None else low, math.inf if high is None else high
    if least <= interval[0] and interval[1] <= most:
        return HOLDS
    return DOES_NOT if interval[1] < least or interval[0] > most else CANNOT_TELL


def _gap(name: str) -> Part:
    return Part("lost on new people", lambda m: m.accuracy(name, TEST) - m.accuracy(name, NEW), POOR, None)


def _less_base(name: str, part: str) -> Callable[[Measured], ByRotation]:
    return lambda m: m.accuracy(name, part) - m.accuracy(BASE, part)


def _as_good(name: str) -> tuple[Part, ...]:
    return tuple(
        Part(f"accuracy on {words}, less base's", _less_base(name, part), -AS_GOOD, AS_GOOD)
        for part, words in ((TEST, "test"), (NEW, "new people"))
    )


def _same_maps(name: str) -> Part:
    """Matched maps of the convolutions, mean r above chance: the floor is what two seeds of base have in common."""
    return Part(
        "similarity of the convolutions' matched maps, less the floor's",
        lambda m: m.similar_maps(name) - m.similar_maps(BASE), -SAME_MAPS, None,
    )  # fmt: skip


def _kept(head: str, convolutions: str) -> Part:
    return Part(
        f"accuracy on test of {head} on frozen convolutions of {convolutions}, less its own",
        lambda m: m.transferred(head, convolutions, TEST) - m.accuracy(head, TEST), -AS_GOOD, None,
    )  # fmt: skip


def _more_than_untrained(head: str, convolutions: str) -> Part:
    return Part(
        f"… less that of {head} on untrained ones",
        lambda m: m.transferred(head, convolutions, TEST) - m.transferred(head, UNTRAINED, TEST), ANY, None,
    )  # fmt: skip
