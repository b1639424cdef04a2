"""Backgrounds as the world shows them where a detector looks for words: fences, bricks, branches, cables, roads."""

import math

import numpy as np
from numpy.random import Generator
from PIL import ImageDraw

from tasks.crops.backgrounds.canvas import Grey, along, axes, new_canvas, to_grey

# Outline of a leaf, along its midrib and across it.
_LEAF = [(0, 0), (0.2, 0.6), (0.4, 0.95), (0.6, 0.95), (0.8, 0.6), (1, 0),
         (0.8, -0.6), (0.6, -0.95), (0.4, -0.95), (0.2, -0.6)]  # fmt: skip


def fences(rng: Generator, height: int, width: int) -> Grey:
    """Pickets with pointed or flat tops before two rails."""
    image, pen = new_canvas(height, width)
    step = rng.uniform(0.3, 1.2) * height
    thick, top, point = step * rng.uniform(0.3, 0.7), rng.uniform(-0.2, 0.6) * height, rng.uniform(0, height)
    tone = int(rng.integers(0, 120))
    for rail in rng.uniform(0.3, 1.9, 2) * height:
        pen.line([(0, rail), (2 * width, rail)], fill=tone, width=max(1, int(thick / 3)))
    for x in np.arange(rng.uniform(-step, 0), 2 * width, step):
        middle, right = x + thick / 2, x + thick
        pen.polygon([(x, 3 * height), (x, top + point), (middle, top), (right, top + point), (right, 3 * height)], tone)
    return to_grey(image)


def fabric(rng: Generator, height: int, width: int) -> Grey:
    """Woven cloth: threads over and under, in twill, basket or plaid."""
    rows, columns = axes(height, width)
    step = rng.uniform(2.5, 8)
    slant = int(rng.integers(1, 4))
    over = (np.floor(columns / step) + slant * np.floor(rows / step)) % (slant + 1) < 1
    warp, weft = np.abs(np.sin(np.pi * columns / step)), np.abs(np.sin(np.pi * rows / step))
    plaid = np.sin(columns / rng.uniform(5, 25)) + np.sin(rows / rng.uniform(5, 25))
    return np.where(over, warp, 0.7 * weft) + rng.uniform(0, 0.5) * plaid


def things(rng: Generator, height: int, width: int) -> Grey:
    """Things in front of one another, few large and many small ones, each of its own tone and lit from its own side.

    Such "dead leaves" have the statistics of photographs (Lee, Mumford & Huang, Occlusion Models for Natural Images,
    2001).
    """
    rows, columns = axes(height, width)
    picture = rng.uniform(0, 1) + 0.3 * along(rng, height, width) / width
    smallest, power = rng.uniform(1.5, 5), rng.uniform(0.8, 1.6)
    for size in np.sort(np.minimum(smallest * rng.random(int(rng.integers(8, 36))) ** -power, 1.5 * height))[::-1]:
        top, left = rng.uniform(-0.2, 1.2, 2) * (height, width)
        angle, thin = rng.uniform(0, np.pi), rng.uniform(0.25, 1)
        u = np.cos(angle) * (columns - left) + np.sin(angle) * (rows - top)
        v = (np.cos(angle) * (rows - top) - np.sin(angle) * (columns - left)) / thin
        inside = np.hypot(u, v) < size if rng.random() < 0.6 else np.maximum(np.abs(u), np.abs(v)) < size
        lit = rng.uniform(0, 1) + rng.uniform(-0.5, 0.5) * (u + v) / size
        picture = np.where(inside, lit, picture)
    return picture + rng.normal(0, rng.uniform(0.01, 0.12), (height, width)).astype(np.float32)


def gradients(rng: Generator, height: int, width: int) -> Grey:
    """Glossy and dull light: slopes and round glows in steps or smooth, with grain."""
    rows, columns = axes(height, width)
    light = rng.uniform(-1, 1) * along(rng, height, width) / width
    for _ in range(int(rng.integers(0, 3))):
        middle = rng.uniform(-0.2, 1.2, 2) * (height, width)
        reach = rng.uniform(0.3, 2) * height
        light += rng.uniform(-1, 1) * np.exp(-((rows - middle[0]) ** 2 + (columns - middle[1]) ** 2) / reach**2)
    if rng.random() < 0.4:
        light = np.floor(light * rng.uniform(4, 20))
    spread = float(np.ptp(light)) or 1.0
    return light / spread + rng.normal(0, rng.uniform(0.01, 0.15), (height, width)).astype(np.float32)


def markings(rng: Generator, height: int, width: int) -> Grey:
    """Paint on a road: broken lines, kerbs, zebra crossings, seen aslant."""
    rows, columns = axes(height, width)
    far = 1 + rng.uniform(0, 1.5) * rows / height
    across = (columns - rng.uniform(0, width)) * far + rng.uniform(-0.8, 0.8) * rows
    paint = np.zeros((height, width), bool)
    if rng.random() < 0.5:
        step = rng.uniform(10, 40)
        paint |= (across % step) < step * rng.uniform(0.3, 0.6)
        paint &= (rows > rng.uniform(-0.3, 0.4) * height) & (rows < rng.uniform(0.6, 1.4) * height)
    else:
        level = rows - rng.uniform(0.2, 0.8) * height + rng.uniform(-0.15, 0.15) * columns
        dash = rng.uniform(15, 60)
        paint |= (np.abs(level) < rng.uniform(1, 4)) & ((columns % dash) < dash * rng.uniform(0.4, 1.2))
        paint |= np.abs(level - rng.uniform(6, 20)) < rng.uniform(0.5, 2.5)
    return paint + rng.normal(0, rng.uniform(0.05, 0.2), (height, width)).astype(np.float32)


def branches(rng: Generator, height: int, width: int) -> Grey:
    """Twigs that fork and fork again."""
    image, pen = new_canvas(height, width)
    for _ in range(int(rng.integers(1, 4))):
        start = (rng.uniform(0, 2 * width), 2 * height * rng.choice([0.0, 1.0]))
        up = -math.pi / 2 if start[1] else math.pi / 2
        _fork(rng, pen, start, up + rng.uniform(-0.9, 0.9), height * rng.uniform(0.5, 1.2), 4)
    return to_grey(image)


def _fork(
    rng: Generator, pen: ImageDraw.ImageDraw, start: tuple[float, float], angle: float, reach: float, thick: int
) -> None:
    end = (start[0] + reach * math.cos(angle), start[1] + reach * math.sin(angle))
    pen.line([start, end], fill=0, width=thick)
    if thick > 1:
        for turn in (rng.uniform(0.15, 0.9), -rng.uniform(0.15, 0.9)):
            _fork(rng, pen, end, angle + turn, reach * rng.uniform(0.55, 0.8), thick - 1)


def bricks(rng: Generator, height: int, width: int) -> Grey:
    """A wall: courses of bricks set off by half, each of its own tone."""
    rows, columns = axes(height, width)
    tall = rng.uniform(5, 16)
    long, joint = tall * rng.uniform(1.8, 3.5), rng.uniform(0.8, 2.2)
    tilt = rng.uniform(-0.06, 0.06)
    down = (rows + tilt * columns + rng.uniform(0, tall)) / tall
    course = np.floor(down)
    across = (columns - tilt * rows) / long + 0.5 * (course % 2) + rng.uniform(0, 1)
    tones = rng.uniform(0, rng.uniform(0.05, 0.6), 64).astype(np.float32)
    tone = tones[((7 * course + np.floor(across)) % 64).astype(np.int64)]
    mortar = ((down - course) * tall < joint) | ((across - np.floor(across)) * long < joint)
    return np.where(mortar, 1.0, tone) + rng.normal(0, 0.04, (height, width)).astype(np.float32)


def railings(rng: Generator, height: int, width: int) -> Grey:
    """Thin even bars under a handrail, some with rings or knobs."""
    image, pen = new_canvas(height, width)
    step, thick = rng.uniform(8, 30), int(rng.integers(2, 7))
    top = rng.uniform(0.05, 0.6) * height
    lean, knob = rng.uniform(-0.25, 0.25) * height, rng.random() < 0.5
    pen.line([(0, top), (2 * width, top + lean)], fill=0, width=thick + 3)
    for x in np.arange(rng.uniform(-step, 0), 2 * width, step):
        start = top + lean * x / (2 * width)
        pen.line([(x, start), (x, 2 * height)], fill=30, width=thick)
        if knob:
            middle = start + 0.5 * (2 * height - start)
            pen.ellipse((x - step / 4, middle - step / 4, x + step / 4, middle + step / 4), outline=30, width=thick)
    return to_grey(image)


def waves(rng: Generator, height: int, width: int) -> Grey:
    """Rows of waves: water, dunes, corrugated iron, security print."""
    rows, columns = axes(height, width)
    pitch, crest = rng.uniform(3, 12), rng.uniform(0.5, 6)
    bent = rows + crest * np.sin(columns / rng.uniform(2, 14) + rng.uniform(0, 6))
    bent += rng.uniform(0, 4) * np.sin(columns / rng.uniform(15, 60))
    return np.clip(rng.uniform(1, 4) * np.sin(2 * np.pi * bent / pitch), -1, 1)


def leaves(rng: Generator, height: int, width: int) -> Grey:
    """Pointed leaves, each with its midrib, strewn or on a stalk."""
    image, pen = new_canvas(height, width)
    stalk = rng.random() < 0.5
    level = rng.uniform(0.6, 1.4) * height
    if stalk:
        pen.line([(0, level), (2 * width, level + rng.uniform(-10, 10))], fill=0, width=3)
    for number in range(int(rng.integers(4, 14))):
        x, y = rng.uniform(0, 2 * width), level if stalk else rng.uniform(0, 2 * height)
        long, wide = rng.uniform(0.3, 1.0) * height, rng.uniform(0.12, 0.3)
        turn = rng.uniform(0.3, 1.2) * (1 if number % 2 else -1) if stalk else rng.uniform(0, 2 * math.pi)
        cos, sin = long * math.cos(turn), long * math.sin(turn)
        points = [(x + far * cos - wide * up * sin, y + far * sin + wide * up * cos) for far, up in _LEAF]
        pen.polygon(points, fill=int(rng.integers(0, 150)))
        pen.line([(x, y), (x + cos, y + sin)], fill=200, width=1)
    return to_grey(image)


def windows(rng: Generator, height: int, width: int) -> Grey:
    """Rows of windows in a front, lit and dark, with bars and sills."""
    image, pen = new_canvas(height, width)
    wide, tall = rng.uniform(0.3, 1.0) * height, rng.uniform(0.4, 1.3) * height
    gap, sill, bars = rng.uniform(0.15, 0.6) * height, rng.random() < 0.5, int(rng.integers(0, 3))
    for y in np.arange(rng.uniform(-tall, gap), 2 * height, tall + gap):
        for x in np.arange(rng.uniform(-wide, gap), 2 * width, wide + gap):
            tone = int(rng.integers(0, 110))
            pen.rectangle((x, y, x + wide, y + tall), fill=tone, outline=140, width=2)
            for bar in range(bars):
                at = x + wide * (bar + 1) / (bars + 1)
                pen.line([(at, y), (at, y + tall)], fill=200, width=2)
            if sill:
                pen.line([(x - 4, y + tall + 3), (x + wide + 4, y + tall + 3)], fill=40, width=3)
    return to_grey(image)


def cables(rng: Generator, height: int, width: int) -> Grey:
    """Wires that hang between masts, or run side by side and cross."""
    image, pen = new_canvas(height, width)
    at = np.linspace(0, 2 * width, 24)
    for _ in range(int(rng.integers(2, 8))):
        level, slope = rng.uniform(-0.2, 1.8) * height, rng.uniform(-0.15, 0.15)
        span, sag = rng.uniform(0.6, 2.5) * width, rng.uniform(0, 0.8) * height
        hang = (((at - rng.uniform(0, span)) % span) / span - 0.5) ** 2
        y = level + slope * at + sag * (0.25 - hang) * 4
        wire = np.stack([at, y], 1).ravel().tolist()
        pen.line(wire, fill=int(rng.integers(0, 100)), width=int(rng.integers(1, 6)))
    if rng.random() < 0.5:
        x = rng.uniform(0, 2 * width)
        pen.line([(x, 0), (x + rng.uniform(-6, 6), 2 * height)], fill=0, width=int(rng.integers(4, 14)))
    return to_grey(image)
