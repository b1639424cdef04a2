"""Backgrounds that people print and draw and nobody reads: codes, arrows, keys, staves, badges, charts."""

import numpy as np
from numpy.random import Generator
from PIL import ImageDraw

from tasks.crops.backgrounds.canvas import Grey, new_canvas, to_grey


def barcode(rng: Generator, height: int, width: int) -> Grey:
    """A barcode in modules of one to four, with a quiet zone and longer bars at its guards; no digits."""
    module = rng.uniform(0.8, 2.2) * max(1.0, height / 32)
    runs = rng.choice([1, 1, 2, 3, 4], 3 * width)
    place = np.searchsorted(np.cumsum(runs), np.arange(width) / module)
    bars = (place % 2).astype(np.float32)
    quiet = int(rng.integers(0, width // 5 + 1))
    bars[:quiet] = 1
    bars[width - int(rng.integers(0, width // 5 + 1)) :] = 1
    marks = np.repeat(bars[None], height, axis=0)
    guard = (place % int(rng.integers(12, 30))) < 3
    foot = height - int(rng.integers(1, height // 5 + 2))
    marks[foot:, ~guard] = 1
    marks[: int(rng.integers(0, height // 4))] = 1
    return marks


def keys(rng: Generator, height: int, width: int) -> Grey:
    """Blank keys, tiles or drawers: a grid of boxes with cut corners, set off row by row or not."""
    image, pen = new_canvas(height, width)
    tall = rng.uniform(0.6, 1.3) * height
    wide, gap, shift = tall * rng.uniform(0.8, 2), rng.uniform(2, 10), rng.uniform(0, 0.5) * tall
    filled = rng.random() < 0.5
    radius = rng.uniform(0, 0.3) * tall
    y, row = rng.uniform(-tall, gap), 0
    while y < 2 * height:
        x = rng.uniform(-wide, 0) + row * shift
        while x < 2 * width:
            long = wide * (2.2 if rng.random() < 0.1 else 1)
            tone = int(rng.integers(0, 140))
            pen.polygon(_chamfered(x, y, long, tall, radius), fill=tone if filled else None, outline=30, width=3)
            x += long + gap
        y, row = y + tall + gap, row + 1
    return to_grey(image)


def _chamfered(x: float, y: float, wide: float, tall: float, cut: float) -> list[float]:
    """A box without its corners: drawn in a fifth of the time of a rounded one."""
    right, foot = x + wide, y + tall
    return [x + cut, y, right - cut, y, right, y + cut, right, foot - cut,
            right - cut, foot, x + cut, foot, x, foot - cut, x, y + cut]  # fmt: skip


def logos(rng: Generator, height: int, width: int) -> Grey:
    """A badge of a few simple shapes set into each other: discs, wedges, shields, stars; never a bare ring."""
    image, pen = new_canvas(height, width)
    x, y = rng.uniform(0.5, 1.5) * width, float(height)
    size = rng.uniform(0.6, 0.95) * height
    tone, last = 0, "disc"
    for _ in range(int(rng.integers(2, 5))):
        # A disc in a disc is an O, a wedge that shows a disc a C.
        last = str(rng.choice([name for name in ("disc", "wedge", "shield", "star", "star") if name != last]))
        if last == "wedge" and not tone:
            last = "shield"
        _badge(rng, pen, last, (x, y), size, tone)
        tone, size = 255 - tone, size * rng.uniform(0.45, 0.75)
        x, y = x + rng.uniform(-0.2, 0.2) * size, y + rng.uniform(-0.2, 0.2) * size
    return to_grey(image)


def _badge(
    rng: Generator, pen: ImageDraw.ImageDraw, shape: str, middle: tuple[float, float], size: float, tone: int
) -> None:
    x, y = middle
    box = (x - size, y - size, x + size, y + size)
    if shape == "disc":
        pen.ellipse(box, fill=tone)
    elif shape == "wedge":
        start = rng.uniform(0, 360)
        pen.pieslice(box, start, start + rng.uniform(60, 300), fill=tone)
    elif shape == "shield":
        pen.polygon(_chamfered(*box[:2], 2 * size, 2 * size, size * rng.uniform(0.1, 0.7)), fill=tone)
    else:
        corners = int(rng.integers(3, 9)) * 2
        reach = np.where(np.arange(corners) % 2, size * rng.uniform(0.4, 0.9), size)
        turn = np.arange(corners) * 2 * np.pi / corners + rng.uniform(0, 3)
        pen.polygon(np.stack([x + reach * np.cos(turn), y + reach * np.sin(turn)], 1).ravel().tolist(), fill=tone)


def arrows(rng: Generator, height: int, width: int) -> Grey:
    """Long arrows with one head or two, straight or with a corner."""
    image, pen = new_canvas(height, width)
    for _ in range(int(rng.integers(1, 4))):
        thick, head = int(rng.integers(2, 12)), rng.uniform(0.25, 0.6) * height
        left, right = rng.uniform(0.05, 0.4) * width, rng.uniform(1.2, 1.95) * width
        y = rng.uniform(0.3, 1.7) * height
        lift = rng.choice([0.0, 0.0, rng.uniform(-1, 1) * height])
        pen.line([(left, y), (right, y), (right, y + lift)] if lift else [(left, y), (right, y)], fill=0, width=thick)
        for at, sign in ((left, -1), (right, 1)):
            if rng.random() < 0.7 and not (sign == 1 and lift):
                pen.polygon([(at + sign * head, y), (at, y - head / 2), (at, y + head / 2)], fill=0)
    return to_grey(image)


def underlines(rng: Generator, height: int, width: int) -> Grey:
    """What is left where no word is: a line to write on, a handle, a bracket, rows of dots that lead on."""
    image, pen = new_canvas(height, width)
    y, left, right = rng.uniform(0.7, 1.8) * height, rng.uniform(0, 0.5) * width, rng.uniform(1.2, 2) * width
    thick = int(rng.integers(2, 8))
    way = int(rng.integers(4))
    if way == 0:
        pen.line([(left, y), (right, y + rng.uniform(-4, 4))], fill=0, width=thick)
        if rng.random() < 0.4:
            pen.line([(left, y + 3 * thick), (right, y + 3 * thick)], fill=0, width=max(1, thick // 2))
    elif way == 1:
        for x in np.arange(left, right, rng.uniform(8, 20)):
            pen.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=0)
    elif way == 2:
        drop = rng.uniform(0.2, 0.6) * height
        pen.line([(left, y), (left, y - drop), (right, y - drop), (right, y)], fill=0, width=thick, joint="curve")
    else:
        at = np.linspace(left, right, 40)
        swing = rng.uniform(2, 8) * np.sin(at / rng.uniform(4, 25))
        pen.line(np.stack([at, y + swing], 1).ravel().tolist(), fill=0, width=thick)
    return to_grey(image)


def staff(rng: Generator, height: int, width: int) -> Grey:
    """Five lines of a staff with note heads and stems, no clef."""
    image, pen = new_canvas(height, width)
    space = rng.uniform(0.16, 0.34) * height
    top = rng.uniform(0.1, 0.5) * height
    for line in range(5):
        pen.line([(0, top + line * space), (2 * width, top + line * space)], fill=40, width=2)
    x = rng.uniform(10, 40)
    while x < 2 * width:
        y, wide = top + space * int(rng.integers(0, 9)) / 2, 0.62 * space
        hollow = rng.random() < 0.2
        pen.ellipse((x - wide, y - space / 2, x + wide, y + space / 2), fill=None if hollow else 0, outline=0, width=2)
        up = y > top + 2 * space
        side, tip = (x + wide, y - 3.2 * space) if up else (x - wide, y + 3.2 * space)
        pen.line([(side, y), (side, tip)], fill=0, width=2)
        x += rng.uniform(2, 6) * space
    return to_grey(image)


def charts(rng: Generator, height: int, width: int) -> Grey:
    """Charts without a word: columns, a jagged line, points, on axes or none."""
    image, pen = new_canvas(height, width)
    count = int(rng.integers(6, 24))
    at = np.linspace(8, 2 * width - 8, count)
    walk = np.cumsum(rng.normal(0, 1, count))
    values = 2 * height * (0.9 - 0.8 * (walk - walk.min()) / max(float(np.ptp(walk)), 1e-6))
    way = int(rng.integers(3))
    if way == 0:
        half = width / count * rng.uniform(0.4, 0.9)
        for x, y in zip(at.tolist(), values.tolist(), strict=True):
            pen.rectangle((x - half, y, x + half, 1.9 * height), fill=int(rng.integers(0, 90)))
    elif way == 1:
        pen.line(np.stack([at, values], 1).ravel().tolist(), fill=0, width=int(rng.integers(2, 6)), joint="curve")
    if way == 2 or (way == 1 and rng.random() < 0.4):
        size = rng.uniform(3, 7)
        for x, y in zip(at.tolist(), values.tolist(), strict=True):
            pen.ellipse((x - size, y - size, x + size, y + size), fill=0)
    if rng.random() < 0.6:
        pen.line([(4, 0), (4, 1.9 * height), (2 * width, 1.9 * height)], fill=60, width=3)
    return to_grey(image)


def modules(rng: Generator, height: int, width: int) -> Grey:
    """Square black and white modules, as of a part of a QR or data matrix code, with a finder or without."""
    size = max(1, round(rng.uniform(1.5, 5) * height / 32))
    rows, columns = -(-height // size), -(-width // size)
    cells = (rng.random((rows, columns)) < rng.uniform(0.4, 0.6)).astype(np.float32)
    if rng.random() < 0.6 and min(rows, columns) >= 8:
        finder = np.zeros((7, 7), np.float32)
        finder[1:-1, 1:-1] = 1
        finder[2:-2, 2:-2] = 0
        top, left = int(rng.integers(0, rows - 7 + 1)), int(rng.integers(0, columns - 7 + 1))
        cells[top : top + 7, left : left + 7] = finder
    return np.kron(cells, np.ones((size, size), np.float32))[:height, :width]
