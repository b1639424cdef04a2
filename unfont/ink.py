"""Where a picture has ink: its background told from writing, and frames, underlines and specks told from letters."""

import math
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

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
    background = int(background_of(grey))
    counts = np.array(Image.fromarray(grey).histogram(), np.int64)
    away = np.abs(np.arange(256) - background)
    if away[counts > 0].max() < FAINT:
        return np.zeros(grey.shape, np.bool_)
    least = math.floor(_otsu(np.bincount(away, counts, 256).astype(np.float64)))
    return np.asarray((grey > background + least) | (grey < background - least))


def _otsu(counts: NDArray[np.float64]) -> float:
    levels = np.arange(len(counts))
    below, sums = counts.cumsum(), (counts * levels).cumsum()
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (sums[-1] * below / below[-1] - sums) ** 2 / (below * above)
    between[~np.isfinite(between)] = 0
    return float(np.flatnonzero(between >= between.max() * (1 - 1e-9)).mean())


def runs(on: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(start, end) of every stretch of True."""
    padded = np.zeros(len(on) + 2, np.bool_)
    padded[1:-1] = on
    edges = np.flatnonzero(padded[1:] != padded[:-1]).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def per_row(ink: Mask) -> NDArray[np.int64]:
    """How many pixels of each row are ink."""
    return np.add.reduce(ink.view(np.uint8), 1, dtype=np.uint32).astype(np.int64)


def per_column(ink: Mask) -> NDArray[np.int64]:
    """How many pixels of each column are ink."""
    return np.add.reduce(ink.view(np.uint8), 0, dtype=np.uint32).astype(np.int64)


def box_of(ink: Mask) -> Box | None:
    """The least box with all ink but specks; None where there is none."""
    rows, columns = _extent(per_row(ink)), _extent(per_column(ink))
    return None if rows is None or columns is None else Box(*rows, *columns)


def _extent(counts: NDArray[np.int64]) -> tuple[int, int] | None:
    parts = runs(counts > 0)
    if not parts:
        return None
    sums = np.add.reduceat(counts, [start for start, _ in parts])  # between the parts all is 0
    kept = np.flatnonzero(sums >= SPECK * sums.sum())
    first, last = (kept[0], kept[-1]) if len(kept) else (0, -1)
    return parts[first][0], parts[last][1]


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
