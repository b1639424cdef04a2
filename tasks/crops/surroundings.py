"""What a page has beside a text, in its crop: ink of the lines above and below, underlines, boxes."""

import numpy as np
from numpy.typing import NDArray

from tasks.crops.cut import Cut

Ink = NDArray[np.uint8]  # [height, width], 0 where there is none, 255 where it is full

BETWEEN = 0.35  # of a neighbour's words: the space between them, in heights of the ink
THICK = 0.05  # of a rule, in crop heights, at most, beside the one pixel that it has


def add_ink(crop: Ink, ink: Ink, top: int, left: int) -> None:
    """Lay `ink` on the crop, in place, its top left corner at (`top`, `left`): what is outside is cut off."""
    first, last = max(0, -top), min(len(ink), len(crop) - top)
    start, end = max(0, -left), min(ink.shape[1], crop.shape[1] - left)
    if first < last and start < end:
        part = crop[top + first : top + last, left + start : left + end]
        np.maximum(part, ink[first:last, start:end], out=part)


def add_surroundings(crop: Ink, ink: Ink, top: int, left: int, cut: Cut) -> None:
    """Add to the crop, in place, the neighbours and the rule of `cut`; `ink` is its text, at (`top`, `left`)."""
    high = len(ink)
    for gap, place in ((cut.above, top - high), (cut.below, top + high)):
        if gap is not None:
            away = round(gap * high)
            add_ink(crop, neighbour(ink, crop.shape[1], cut.shift), place - away if place < top else place + away, 0)
    if cut.rule:
        _add_rule(crop, top, left, ink.shape, cut)


def neighbour(ink: Ink, width: int, shift: float) -> Ink:
    """Another line of the same writing, `width` pixels of it: the ink again and again, from a place by `shift`."""
    gap = max(1, round(BETWEEN * len(ink)))
    word = np.pad(ink, ((0, 0), (0, gap)))
    first = int(shift * word.shape[1])
    line = np.tile(word, (1, -(-(width + first) // word.shape[1])))
    return line[:, first : first + width]


def _add_rule(crop: Ink, top: int, left: int, shape: tuple[int, ...], cut: Cut) -> None:
    """A rule near the text at (`top`, `left`) of `shape`: it may be as far away as `cut.margin` says, or touch it."""
    height, width = crop.shape
    thick = 1 + int(cut.shift * THICK * height)
    near = int(cut.margin * 0.2 * height)
    bottom, right = top + shape[0], left + shape[1]
    # Half of the underlines are as long as the text, the others cross the crop.
    columns = slice(max(0, left - near), right + near) if cut.shift < 0.5 else slice(None)
    if cut.rule == "under":
        crop[max(0, min(height - thick, bottom + near)) :, columns][:thick] = 255
    elif cut.rule == "over":
        crop[: max(thick, top - near), columns][-thick:] = 255
    else:
        edges = {"left": (0,), "right": (1,), "box": (0, 1)}[cut.rule or "box"]
        if 0 in edges:
            crop[:, max(0, left - near - thick) :][:, :thick] = 255
        if 1 in edges:
            crop[:, : min(width, right + near + thick)][:, -thick:] = 255
        if cut.rule == "box":
            crop[max(0, top - near - thick) :][:thick] = 255
            crop[: min(height, bottom + near + thick)][-thick:] = 255
