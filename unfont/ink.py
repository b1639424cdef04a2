"""Where a picture has ink: its background told from writing, and frames, underlines and specks told from letters."""

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]  # [height, width]
Mask = NDArray[np.bool_]  # [height, width], True where there is ink

T = TypeVar("T", bound=np.generic)

FAINT = 8  # grey levels; with less contrast than that a picture is blank
FULL = 0.9  # of a side: from this fraction of ink on, a row or column is a line of a frame
RULE = 0.8  # of the width: from this fraction of ink on, a row below the middle is one of an underline
THIN = 0.2  # of the ink's height, the most that an underline takes
SPECK = 0.01  # of the ink: a part apart with less is a speck


class Box(NamedTuple):
    """Rows `top` to `bottom` and columns `left` to `right`, the last ones not included."""

    top: int
    bottom: int
    left: int
    right: int

    def of(self, picture: NDArray[T]) -> NDArray[T]:
        """That part of a picture `[height, width, ...]`."""
        return picture[self.top : self.bottom, self.left : self.right]


def background_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Median of a picture's outermost pixels: a grey, or a value for each channel."""
    sides = [picture[0], picture[-1], picture[1:-1, 0], picture[1:-1, -1]]
    return np.asarray(np.median(np.concatenate(sides), axis=0), np.uint8)


def ink_of(grey: Grey) -> Mask:
    """Pixels that differ from the background by more than Otsu's threshold of all differences; none of a blank picture.

    Dark on light and light on dark are the same. The threshold is that of Otsu (1979), on 256 levels.
    """
    away = np.abs(grey.astype(np.int16) - int(background_of(grey)))
    most = int(away.max())
    if most < FAINT:
        return np.zeros(grey.shape, np.bool_)
    return np.asarray(away > _otsu(np.bincount(away.ravel(), minlength=256)))


def _otsu(counts: NDArray[np.int64]) -> float:
    levels = np.arange(len(counts))
    below, sums = counts.cumsum().astype(float), (counts * levels).cumsum().astype(float)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (sums[-1] * below / below[-1] - sums) ** 2 / (below * above)
    between[~np.isfinite(between)] = 0
    return float(np.flatnonzero(between >= between.max() * (1 - 1e-9)).mean())


def runs(on: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(start, end) of every stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def box_of(ink: Mask) -> Box | None:
    """The least box with all ink but specks; None where there is none."""
    rows, columns = _extent(ink.sum(1)), _extent(ink.sum(0))
    return None if rows is None or columns is None else Box(*rows, *columns)


def _extent(counts: NDArray[np.int64]) -> tuple[int, int] | None:
    parts = runs(counts > 0)
    if not parts:
        return None
    least = SPECK * counts.sum()
    kept = [part for part in parts if counts[slice(*part)].sum() >= least] or parts
    return kept[0][0], kept[-1][1]


def without_frame(ink: Mask, box: Box) -> Box:
    """What is inside a frame of four lines along the edges of `box`; `box` itself where there is none."""
    inside = box.of(ink)
    rows, columns = inside.mean(1) >= FULL, inside.mean(0) >= FULL
    thick = [_leading(rows), _leading(rows[::-1]), _leading(columns), _leading(columns[::-1])]
    if not all(thick) or 2 * max(thick) >= min(inside.shape):
        return box
    return Box(box.top + thick[0], box.bottom - thick[1], box.left + thick[2], box.right - thick[3])


def _leading(on: NDArray[np.bool_]) -> int:
    """How many are True before the first False, from the first True among the first three on; 0 if none is."""
    start = int(on[:3].argmax())
    if not on[start : start + 1].any():
        return 0
    ends = np.flatnonzero(~on[start:])
    return start + (int(ends[0]) if len(ends) else len(on) - start)


def underline_of(ink: Mask, box: Box) -> tuple[int, int] | None:
    """Rows (start, end) of a thin rule along the lower part of `box`, or None.

    The head line of Devanagari and its kin stands in the upper part, and is none.
    """
    inside = box.of(ink)
    height = len(inside)
    low = height // 2
    for start, end in runs(inside[low:].mean(1) >= RULE):
        above = inside[max(0, low + start - 2) : low + start].mean() if low + start else 1.0
        if end - start <= max(2, THIN * height) and above < RULE / 2 and low + start > 0.6 * height:
            return box.top + low + start, box.top + low + end
    return None
