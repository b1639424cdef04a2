"""A model of a script's words: which unit (a letter, or a syllable with its marks) follows which.

An n-gram model with back-off: the next unit depends on the two before it, where these were seen, else on one, else
on none. How often a model backs off is Witten and Bell's estimate (1991): after n units of t different kinds, t times
in n + t.
"""

import unicodedata
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np

ORDER = 2  # units that the next one depends on
FEWEST = 2  # units of a word
END = ""
FLATTEN = 0.5  # exponent of the frequencies where nothing before counts: raises rare units


def split_units(word: str, joins: Collection[str] = ()) -> list[str]:
    """The units of `word`: a letter with its marks, and with the next letter after one of `joins`.

    >>> split_units("nä\\u0303her"), split_units("स्त्री", ["\\u094d"])
    (['n', 'ä̃', 'h', 'e', 'r'], ['स्त्री'])
    """
    units: list[str] = []
    ends = tuple(joins)
    for char in word:
        if units and (unicodedata.category(char) in ("Mn", "Mc", "Me", "Cf") or (ends and units[-1].endswith(ends))):
            units[-1] += char
        else:
            units.append(char)
    return units


class _Table(NamedTuple):
    """What follows a context: units, their cumulated weights, and how often the model does not back off."""

    units: list[str]
    weights: list[float]
    stays: float


class LetterModel:
    """Fitted on words as units; `draw` samples words like them."""

    def __init__(self, words: Iterable[Sequence[str]]) -> None:
        counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for word in words:
            padded = [END] * ORDER + [*word, END]
            for place in range(ORDER, len(padded)):
                for order in range(1, ORDER + 1):
                    counts[tuple(padded[place - order : place])][padded[place]] += 1
                if padded[place]:  # where nothing before counts, no word ends
                    counts[()][padded[place]] += 1
        self._counts = dict(counts)
        self._table = lru_cache(maxsize=None)(self._table_of)

    def draw(self, random: np.random.Generator, *, most: int) -> list[str]:
        """A word of two units or more; it ends where it reaches `most` characters."""
        word: list[str] = []
        room = most
        while room > 0 or len(word) < FEWEST:
            unit = self._next(word, random)
            if not unit and len(word) < FEWEST:
                unit = self._pick((), random)
            if not unit:
                break
            word.append(unit)
            room -= len(unit)
        return word

    def _next(self, word: Sequence[str], random: np.random.Generator) -> str:
        before = (*(END,) * ORDER, *word[-ORDER:])[-ORDER:]
        for order in range(ORDER, 0, -1):
            context = before[-order:]
            if context in self._counts and random.random() < self._table(context).stays:
                return self._pick(context, random)
        return self._pick((), random)

    def _pick(self, context: tuple[str, ...], random: np.random.Generator) -> str:
        units, weights, _ = self._table(context)
        return units[bisect(weights, random.random() * weights[-1])]

    def _table_of(self, context: tuple[str, ...]) -> _Table:
        counts = self._counts[context]
        total = counts.total()
        weights = accumulate(n if context else n**FLATTEN for n in counts.values())
        return _Table(list(counts), list(weights), total / (total + len(counts)))
