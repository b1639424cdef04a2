"""How writing lies in a picture: its skew, its lines, and columns set from top to bottom."""

import itertools
import math

import numpy as np

from unfont.ink import Box, Mask, box_of, per_column, per_row, runs

SKEW = 20  # degrees each way that are tried
POINTS = 400  # ink pixels that skew is measured on, at most
FLATTER = 0.75  # of the rows that it takes as it is: a picture that takes fewer when turned is turned
COLUMN = 2.5  # times its width: from this height on writing may be a column
WIDE = 2.0  # times its height: a part of a column wider than that is a line
LINE = 0.35  # of the highest line: a run of rows that is lower belongs to the one beside it
MARKS, CLOSE = 0.6, 0.05  # … and so does one lower than that which is so near: vowel signs over Tibetan letters
CUT = 0.7  # of the highest line: a lower one at the picture's edge is what its cut left of the line above or below
CELL = (0.7, 1.4)  # of a column's width: least and most height of the piece cut for a character


def skew_of(ink: Mask) -> float:
    """Degrees by which to turn the picture counter-clockwise so that its line lies level; 0 where that gains little.

    A line lies level where its ink is spread over the fewest rows: the span of 90% of it, over angles in whole degrees.
    """
    rows, columns = np.nonzero(ink)
    if len(rows) < 20:
        return 0.0
    step = -(-len(rows) // POINTS)
    y, x = rows[::step].astype(np.float32), columns[::step].astype(np.float32)
    angles = np.arange(-SKEW, SKEW + 1)
    radians = np.radians(angles, dtype=np.float32)[:, None]
    turned = np.sort(y * np.cos(radians) - x * np.sin(radians), axis=1)
    edge = len(y) // 20
    spans = turned[:, -1 - edge] - turned[:, edge]
    best = int(spans.argmin())
    return float(angles[best]) if spans[best] < FLATTER * spans[SKEW] else 0.0


def lines_of(ink: Mask, box: Box) -> list[Box]:
    """The lines in `box`, from the top: stretches of rows with ink, low ones (dots, accents) joined to the nearest."""
    profile = per_row(box.of(ink))
    least = 0.03 * np.percentile(profile[profile > 0], 90)
    parts = runs(profile > least)
    high = max(end - start for start, end in parts)
    while len(parts) > 1:
        low = min(range(len(parts)), key=lambda number: parts[number][1] - parts[number][0])
        before = parts[low][0] - parts[low - 1][1] if low else math.inf
        after = parts[low + 1][0] - parts[low][1] if low + 1 < len(parts) else math.inf
        if parts[low][1] - parts[low][0] >= (MARKS if min(before, after) <= CLOSE * high else LINE) * high:
            break
        first = low - 1 if before <= after else low
        parts[first : first + 2] = [(parts[first][0], parts[first + 1][1])]
        high = max(end - start for start, end in parts)
    if len(parts) == 1:
        return [box]
    boxes = [Box(box.top + start, box.top + end, box.left, box.right) for start, end in parts]
    # The bars of a letter such as Ξ are no lines: nothing is beside anything in them.
    if np.median([len(runs(per_column(line.of(ink)) > 0)) for line in boxes]) < 2:
        return [box]
    return [_narrowed(ink, line) for line in boxes]


def whole_lines(lines: list[Box], height: int) -> list[Box]:
    """The lines without those that the edge of a picture of `height` rows cuts through, where others are left."""
    high = max(line.bottom - line.top for line in lines)
    cut = [line for line in lines if (line.top == 0 or line.bottom == height) and line.bottom - line.top < CUT * high]
    return [line for line in lines if line not in cut]


def _narrowed(ink: Mask, line: Box) -> Box:
    found = box_of(line.of(ink))
    return line if found is None else Box(line.top, line.bottom, line.left + found.left, line.left + found.right)


def is_column(lines: list[Box], box: Box) -> bool:
    """Whether `box` holds one column of characters, one below the other, rather than lines."""
    if box.bottom - box.top < COLUMN * (box.right - box.left):
        return False
    wide = [(line.right - line.left) / max(1, line.bottom - line.top) for line in lines]
    return float(np.median(wide)) < WIDE


def cells_of(ink: Mask, box: Box) -> list[Box]:
    """A column cut into pieces about as high as it is wide, where its rows have least ink."""
    wide = box.right - box.left
    profile = per_row(box.of(ink)).astype(np.float64)
    cuts = [0]
    while len(profile) - cuts[-1] > CELL[1] * wide:
        first, last = cuts[-1] + max(1, int(CELL[0] * wide)), cuts[-1] + max(2, int(CELL[1] * wide) + 1)
        off = np.abs(np.arange(first, last) - cuts[-1] - wide)
        cuts.append(first + int((profile[first:last] + 0.05 * off).argmin()))
    cuts.append(len(profile))
    return [Box(box.top + a, box.top + b, box.left, box.right) for a, b in itertools.pairwise(cuts)]
