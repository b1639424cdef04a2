"""How a text lies in its crop: its size and place, and what a page has beside it. Pure: uniform numbers in, a plan out.

Readers do not meet words as they are typeset, alone and in the middle: they meet what someone cut out of a page.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from tasks.common.drawing_settings import MixSettings

Rule = Literal["under", "over", "left", "right", "box"]

UNIFORMS = 10  # uniform random numbers that a cut takes
WHOLE = (0.6, 0.95)  # height of the ink, in crop heights, of a word with some room around it
TIGHT = (0.95, 1.45)  # … that fills the crop or is cut above and below: the reader's largest scale is 1.4
LOOSE = (0.35, 0.6)
LINE = (0.6, 1.45)  # … of a line, or of a letter, at all scales that they are read at
MIDDLE = (0.4, 0.6)  # position of a letter: readers show it in the middle
GAP = 0.4  # largest distance of two lines, in heights of their ink
ONE_SIDE = 0.6  # fraction of the neighbours that are alone, above or below
SLOPES = (3.0, 20.0)  # degrees: readers take smaller ones back, where there is nothing else in the picture
LEANS = (5.0, 35.0)  # degrees
ARCHES = (0.05, 0.2)  # height, in lengths of the text
RULES: tuple[Rule, ...] = ("under", "under", "over", "left", "right", "box")


class Cut(NamedTuple):
    """How a text lies in its crop.

    Attributes:
        fill: height of the ink, in crop heights; less where a word is too wide for that.
        across, upright, margin: horizontal and vertical position and least margin, numbers in [0, 1).
        window: whether it is a piece of a line: what does not fit is cut off, not made smaller.
        letter: whether it is a letter alone, which is cut off likewise, however small it is in its font.
        above, below: distance of the line above and below, in heights of the ink; None: there is none.
        shift: where these begin, a number in [0, 1).
        rule: a line drawn beside the text, or a box around it.
        slope: degrees by which the text rises.
        lean: degrees by which it rises while its letters stay upright, as on a sign seen from the side.
        arch: height of its middle above its ends, in lengths of the text, as around a sign.
    """

    fill: float
    across: float
    upright: float
    margin: float
    window: bool = False
    letter: bool = False
    above: float | None = None
    below: float | None = None
    shift: float = 0.0
    rule: Rule | None = None
    slope: float = 0.0
    lean: float = 0.0
    arch: float = 0.0


def plan_cut(mix: MixSettings, uniforms: Sequence[float], *, window: bool = False, letter: bool = False) -> Cut:
    """Sample a cut from `UNIFORMS` numbers in [0, 1); `window`: of a piece of a line; `letter`: of a letter alone."""
    size, across, upright, margin, kind, neighbours, above, below, rule, shift = uniforms
    if letter:
        across, upright = _within(MIDDLE, across), _within(MIDDLE, upright)
    sizes = LINE if window else _sizes(mix, kind, letter=letter)
    cut = Cut(_within(sizes, size), across, upright, margin, window, letter, shift=shift)
    if neighbours < mix.neighbours:
        # Of those that have neighbours, `share` is uniform again.
        share = neighbours / mix.neighbours
        cut = cut._replace(
            above=GAP * above if share >= ONE_SIDE / 2 else None,
            below=GAP * below if share < ONE_SIDE / 2 or share >= ONE_SIDE else None,
        )
    if rule < mix.rules:
        return cut._replace(rule=RULES[int(rule / mix.rules * len(RULES))])
    if 1 - rule <= mix.sloped and not window and not letter:
        share = 2 * (1 - rule) / mix.sloped - 1  # uniform in -1 to 1
        return _on_a_slope(cut._replace(above=None, below=None), share)
    return cut


def _on_a_slope(cut: Cut, share: float) -> Cut:
    """Half of the texts are turned, a quarter each leans or is arched; `share` is in -1 to 1."""
    sizes = SLOPES if cut.shift < 0.5 else LEANS if cut.shift < 0.75 else ARCHES
    size = math.copysign(_within(sizes, abs(share)), share)
    if sizes is SLOPES:
        return cut._replace(slope=size)
    return cut._replace(lean=size) if sizes is LEANS else cut._replace(arch=size)


def _within(bounds: tuple[float, float], uniform: float) -> float:
    low, high = bounds
    return low + uniform * (high - low)


def _sizes(mix: MixSettings, uniform: float, *, letter: bool) -> tuple[float, float]:
    if letter:
        return LOOSE if uniform < mix.loose else LINE
    if uniform < mix.tight:
        return TIGHT
    return LOOSE if uniform < mix.tight + mix.loose else WHOLE
