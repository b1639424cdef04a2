"""A picture of a word, a line, a column or a few lines, as the windows that a network reads.

The ink is found and cut out of its margins, frames and underlines are left out, skew is taken back, a block is cut
into lines, a column is laid out as a line, and each line is scaled by the height of its writing. A short line is
one window, a longer one several that overlap by half. Every line is read at several scales: training renders words
that fill the window or leave margins, and a line's ink is higher than most of its words'.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unfont.ink import Box, Grey, Mask, background_of, box_of, ink_of, underline_of, without_frame
from unfont.layout import cells_of, is_column, lines_of, skew_of, whole_lines

Picture = NDArray[np.uint8]  # [height, width] grey, or [height, width, 3]

SCALES = (0.7, 1.0, 1.4)  # heights of the ink, in windows' heights: their mean reads better than any one
OVERLAP = 0.5  # of a window with the next one, in widths
MARGIN = 2  # pixels of background beside the ink of a line
LARGEST = 1024  # pixels of the longer side of the copy in which ink is looked for, where the shorter has SMALLEST left
SMALLEST = 96
SMOOTHED = 9  # pixels of a window over which the ground at a strip's edge is smoothed, where it goes on beside it
INKED = 0.7  # of the largest distance from the background: from this one on, a pixel of the edge is ink
INKED_COLUMN = 0.5  # of the largest distance from the background in a line: from this one on, a column has ink
GAP = 0.08  # of a window's columns: with ink in fewer it shows a gap, as before a page's number
FRAMES = 3  # one in another, at most, that are taken off
PAGE = 0.6  # of a box: from this fraction of ink on, it is no writing but a page
MOST_LINES = 24  # of a block: the largest are read
MOST_WINDOWS = 64  # of a line at one scale: of longer ones, so many, evenly spread


class Reading(NamedTuple):
    """What a network is shown of a picture: `windows` uint8 [n, height, width] or [..., 3].

    `length` is how many times its height the writing is long, all lines together; None where the picture is shown
    whole, as there is no writing in it or it is a crop already.
    """

    windows: Picture
    length: float | None = None


@dataclass(frozen=True)
class Writing:
    """A picture with its writing found: `boxes` are the lines, in the picture's own pixels; none if it is blank."""

    picture: Picture
    boxes: list[Box]

    @property
    def length(self) -> float | None:
        """How many times its height the writing is long, all lines together; None if there is none."""
        if not self.boxes:
            return None
        return sum((box.right - box.left) / max(1, box.bottom - box.top) for box in self.boxes)


def read(picture: Picture, *, height: int, width: int, scales: Sequence[float] = SCALES) -> Reading:
    """The windows of a picture: `cut` of what `find` finds in it."""
    return cut(find(picture), height=height, width=width, scales=scales)


def cut(
    writing: Writing, *, height: int, width: int, scales: Sequence[float] = SCALES, overlap: float = OVERLAP
) -> Reading:
    """The windows of writing; of a blank picture, the whole picture as one window.

    A window shows a part of a line, scaled, and background where the line ends before the window does.

    Args:
        scales: heights of the ink, in windows' heights; each line is read at all of them.
        overlap: of a window with the next one, at least, in widths; 0 to less than 1.
    """
    windows = [
        window
        for box in writing.boxes
        for scale in scales
        for window in _windows(writing.picture, box, scale, (height, width), overlap)
    ]
    if not windows:
        return Reading(fit(writing.picture, height=height, width=width)[None])
    return Reading(np.stack(windows), writing.length)


def fit(picture: Picture, *, height: int, width: int) -> Picture:
    """Scale a whole picture to fit into [height, width], aspect kept, centred on its own background.

    A picture of that very size comes back as it is. The background is the median of the picture's border: a
    word crop's border is mostly background, be it light or dark.
    """
    own_height, own_width = picture.shape[:2]
    scale = min(height / own_height, width / own_width)
    size = min(width, max(1, round(own_width * scale))), min(height, max(1, round(own_height * scale)))
    image = Image.fromarray(picture)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BILINEAR)  # in Pillow it smooths where it shrinks
    crop = _background(picture, height, width)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    crop[top : top + size[1], left : left + size[0]] = np.asarray(image)
    return crop


def find(picture: Picture) -> Writing:
    """The writing of a picture, out of its margins and frames, level, its lines told apart, a column laid out."""
    whole = picture
    picture, ink, factor = _inside_frame(picture)
    box = box_of(ink)
    if box is None:
        return Writing(whole, [])
    wide = box.right - box.left > box.bottom - box.top
    degrees = skew_of(box.of(ink)) if wide else 0.0
    if degrees:
        picture, ink, factor = _inside_frame(_turned(_scaled_box(box, factor, picture).of(picture), degrees))
        box = box_of(ink)
        if box is None:
            return Writing(whole, [])
    rule = underline_of(ink, box) if wide else None
    if rule is not None:
        picture, ink = _without_rows(picture, ink, rule, factor)
        box = box_of(ink) or box
    lines = lines_of(ink, box)
    if is_column(lines, box):
        picture = _laid_out(picture, [_scaled_box(cell, factor, picture) for cell in cells_of(ink, box)])
        return Writing(picture, [Box(0, picture.shape[0], 0, picture.shape[1])])
    lines = sorted(whole_lines(lines, len(ink)), key=lambda line: line.top - line.bottom)[:MOST_LINES]
    return Writing(picture, [_scaled_box(line, factor, picture) for line in sorted(lines)])


def _inside_frame(picture: Picture) -> tuple[Picture, Mask, float]:
    """The picture without a frame around its writing, and the ink in a copy of it that is `factor` times smaller.

    Inside of a frame the background is another: that of a black border is not the page's.
    """
    for _ in range(FRAMES):
        grey, factor = _small(picture)
        ink = ink_of(grey)
        box = box_of(ink)
        if box is None:
            return picture, ink, factor
        # Where most of it is ink, what differs from the border is a page, and the border a dark frame or a table.
        page = box.of(ink).mean() > PAGE
        inner = box if page else without_frame(ink, box)
        if inner == Box(0, ink.shape[0], 0, ink.shape[1]) or (inner == box and not page):
            return picture, ink, factor
        picture = _scaled_box(inner, factor, picture).of(picture)
    grey, factor = _small(picture)
    return picture, ink_of(grey), factor


def _small(picture: Picture) -> tuple[Grey, float]:
    grey = _grey(picture)
    high, wide = grey.shape
    factor = max(1.0, min(max(high, wide) / LARGEST, min(high, wide) / SMALLEST))
    if factor > 1:
        size = max(1, round(wide / factor)), max(1, round(high / factor))
        grey = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX))
    return grey, factor


def _without_rows(picture: Picture, ink: Mask, rows: tuple[int, int], factor: float) -> tuple[Picture, Mask]:
    """Ground in place of `rows` of the ink, and of those beside them, which a smooth rule fades into."""
    picture, ink = picture.copy(), ink.copy()
    ink[rows[0] : rows[1]] = False
    picture[max(0, int(rows[0] * factor) - 1) : int(np.ceil(rows[1] * factor)) + 1] = background_of(picture)
    return picture, ink


def _grey(picture: Picture) -> Grey:
    return picture if picture.ndim == 2 else np.asarray(Image.fromarray(picture).convert("L"))


def _scaled_box(box: Box, factor: float, picture: Picture) -> Box:
    high, wide = picture.shape[:2]
    top, left = int(box.top * factor), int(box.left * factor)
    return Box(top, min(high, int(np.ceil(box.bottom * factor))), left, min(wide, int(np.ceil(box.right * factor))))


def _turned(picture: Picture, degrees: float) -> Picture:
    background = tuple(np.atleast_1d(background_of(picture)).tolist())
    image = Image.fromarray(picture)
    fill = background[0] if picture.ndim == 2 else background
    return np.asarray(image.rotate(degrees, Image.Resampling.BILINEAR, expand=True, fillcolor=fill))


def _laid_out(picture: Picture, cells: list[Box]) -> Picture:
    """The cells of a column side by side, from the first to the last, each in the middle of the height."""
    high = max(cell.bottom - cell.top for cell in cells)
    strips = []
    for cell in cells:
        strip = _background(picture, high, cell.right - cell.left)
        top = (high - (cell.bottom - cell.top)) // 2
        strip[top : top + cell.bottom - cell.top] = cell.of(picture)
        strips.append(strip)
    return np.concatenate(strips, axis=1)


def _windows(picture: Picture, box: Box, scale: float, size: tuple[int, int], overlap: float) -> list[Picture]:
    """A line's windows, its ink `scale` times as high as they are: of higher ink they show the middle."""
    height, width = size
    high = max(1, box.bottom - box.top)
    pixels = scale * height / high
    seen = height / pixels  # rows of the picture that a window shows
    middle = (box.top + box.bottom) / 2
    long = max(1, round((box.right - box.left) * pixels))
    strip = _strip(picture, middle - seen / 2, middle + seen / 2, box.left, box.right, (long, height))
    total = max(width, long + 2 * MARGIN)
    left = (total - long) // 2
    whole = np.empty((height, total, *picture.shape[2:]), np.uint8)
    whole[:, left : left + long] = strip
    background = background_of(picture)
    whole[:, :left] = ground_beside(strip, 0, background)
    whole[:, left + long :] = ground_beside(strip, -1, background)
    count = min(MOST_WINDOWS, math.ceil((total - width) / ((1 - overlap) * width)) + 1)
    starts = np.linspace(0, total - width, count).round().astype(int)
    return _with_ink([whole[:, start : start + width] for start in starts], background)


def _with_ink(windows: list[Picture], background: NDArray[np.uint8]) -> list[Picture]:
    """The windows of a line without those that show a gap in it; all of them where each shows as little ink."""
    far = [np.abs(one.astype(np.int16) - background).reshape(*one.shape[:2], -1).max(2).max(0) for one in windows]
    inked = np.mean(np.array(far) > INKED_COLUMN * np.max(far), axis=1)
    return [one for one, share in zip(windows, inked, strict=True) if share >= GAP or inked.max() < GAP]


def ground_beside(strip: Picture, side: int, background: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What goes on beside a strip, [height, 1] or [height, 1, 3]: its first or last column, smoothed; no ink.

    Of a wall or a sign, plain background would make a box about the letters. Where the column is ink, it is background.
    """
    far = np.abs(strip.astype(np.int16) - background)
    inked = far[:, side] > INKED * far.max()
    column = np.where(inked, background, strip[:, side]).reshape(len(strip), -1).astype(np.float64)
    half = SMOOTHED // 2
    sums = np.cumsum(np.pad(column, ((half + 1, half), (0, 0)), mode="edge"), axis=0)
    smooth = (sums[SMOOTHED:] - sums[:-SMOOTHED]) / SMOOTHED
    return smooth.round().astype(np.uint8).reshape(len(strip), 1, *strip.shape[2:])


def _strip(picture: Picture, top: float, bottom: float, left: int, right: int, size: tuple[int, int]) -> Picture:
    """Rows `top` to `bottom` of the picture, background where they are outside of it, resized to `size`."""
    first, last = int(np.floor(top)), int(np.ceil(bottom))
    padded = _background(picture, last - first, right - left)
    inside = slice(max(0, first), min(picture.shape[0], last))
    padded[inside.start - first : inside.stop - first] = picture[inside, left:right]
    box = (0, top - first, right - left, bottom - first)
    return np.asarray(Image.fromarray(padded).resize(size, Image.Resampling.BILINEAR, box=box))


def _background(picture: Picture, height: int, width: int) -> Picture:
    background = np.empty((height, width, *picture.shape[2:]), np.uint8)
    background[:] = background_of(picture)
    return background
