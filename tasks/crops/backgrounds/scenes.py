"""Backgrounds as the world shows them where a detector looks for words: fences, bricks, branches, cables, roads."""

import math

import numpy as np
from numpy.random import Generator
from PIL import ImageDraw

from tasks.crops.backgrounds.canvas import Grey, along, axes, drawn, pencil

# Outline of a leaf, along its midrib and across it.
_LEAF = [(0, 0), (0.2, 0.6), (0.4, 0.95), (0.6, 0.95), (0.8, 0.6), (1, 0),
         (0.8, -0.6), (0.6, -0.95), (0.4, -0.95), (0.2, -0.6)]  # fmt: skip


def fences(random: Generator, height: int, width: int) -> Grey:
    """Pickets with pointed or flat tops before two rails."""
    image, pen = pencil(height, width)
    step = random.uniform(0.3, 1.2) * height
    thick, top, point = step * random.uniform(0.3, 0.7), random.uniform(-0.2, 0.6) * height, random.uniform(0, height)
    tone = int(random.integers(0, 120))
    for rail in random.uniform(0.3, 1.9, 2) * height:
        pen.line([(0, rail), (2 * width, rail)], fill=tone, width=max(1, int(thick / 3)))
    for x in np.arange(random.uniform(-step, 0), 2 * width, step):
        middle, right = x + thick / 2, x + thick
        pen.polygon([(x, 3 * height), (x, top + point), (middle, top), (right, top + point), (right, 3 * height)], tone)
    return drawn(image)


def fabric(random: Generator, height: int, width: int) -> Grey:
    """Woven cloth: threads over and under, in twill, basket or plaid."""
    rows, columns = axes(height, width)
    step = random.uniform(2.5, 8)
    slant = int(random.integers(1, 4))
    over = (np.floor(columns / step) + slant * np.floor(rows / step)) % (slant + 1) < 1
    warp, weft = np.abs(np.sin(np.pi * columns / step)), np.abs(np.sin(np.pi * rows / step))
    plaid = np.sin(columns / random.uniform(5, 25)) + np.sin(rows / random.uniform(5, 25))
    return np.where(over, warp, 0.7 * weft) + random.uniform(0, 0.5) * plaid


def gradients(random: Generator, height: int, width: int) -> Grey:
    """Glossy and dull light: slopes and round glows in steps or smooth, with grain."""
    rows, columns = axes(height, width)
    light = random.uniform(-1, 1) * along(random, height, width) / width
    for _ in range(int(random.integers(0, 3))):
        middle = random.uniform(-0.2, 1.2, 2) * (height, width)
        reach = random.uniform(0.3, 2) * height
        light += random.uniform(-1, 1) * np.exp(-((rows - middle[0]) ** 2 + (columns - middle[1]) ** 2) / reach**2)
    if random.random() < 0.4:
        light = np.floor(light * random.uniform(4, 20))
    spread = float(np.ptp(light)) or 1.0
    return light / spread + random.normal(0, random.uniform(0.01, 0.15), (height, width)).astype(np.float32)


def markings(random: Generator, height: int, width: int) -> Grey:
    """Paint on a road: broken lines, kerbs, zebra crossings, seen aslant."""
    rows, columns = axes(height, width)
    far = 1 + random.uniform(0, 1.5) * rows / height
    across = (columns - random.uniform(0, width)) * far + random.uniform(-0.8, 0.8) * rows
    paint = np.zeros((height, width), bool)
    if random.random() < 0.5:
        step = random.uniform(10, 40)
        paint |= (across % step) < step * random.uniform(0.3, 0.6)
        paint &= (rows > random.uniform(-0.3, 0.4) * height) & (rows < random.uniform(0.6, 1.4) * height)
    else:
        level = rows - random.uniform(0.2, 0.8) * height + random.uniform(-0.15, 0.15) * columns
        dash = random.uniform(15, 60)
        paint |= (np.abs(level) < random.uniform(1, 4)) & ((columns % dash) < dash * random.uniform(0.4, 1.2))
        paint |= np.abs(level - random.uniform(6, 20)) < random.uniform(0.5, 2.5)
    return paint + random.normal(0, random.uniform(0.05, 0.2), (height, width)).astype(np.float32)


def branches(random: Generator, height: int, width: int) -> Grey:
    """Twigs that fork and fork again."""
    image, pen = pencil(height, width)
    for _ in range(int(random.integers(1, 4))):
        start = (random.uniform(0, 2 * width), 2 * height * random.choice([0.0, 1.0]))
        up = -math.pi / 2 if start[1] else math.pi / 2
        _fork(random, pen, start, up + random.uniform(-0.9, 0.9), height * random.uniform(0.5, 1.2), 4)
    return drawn(image)


def _fork(
    random: Generator, pen: ImageDraw.ImageDraw, start: tuple[float, float], angle: float, reach: float, thick: int
) -> None:
    end = (start[0] + reach * math.cos(angle), start[1] + reach * math.sin(angle))
    pen.line([start, end], fill=0, width=thick)
    if thick > 1:
        for turn in (random.uniform(0.15, 0.9), -random.uniform(0.15, 0.9)):
            _fork(random, pen, end, angle + turn, reach * random.uniform(0.55, 0.8), thick - 1)


def bricks(random: Generator, height: int, width: int) -> Grey:
    """A wall: courses of bricks set off by half, each of its own tone."""
    rows, columns = axes(height, width)
    tall = random.uniform(5, 16)
    long, joint = tall * random.uniform(1.8, 3.5), random.uniform(0.8, 2.2)
    tilt = random.uniform(-0.06, 0.06)
    down = (rows + tilt * columns + random.uniform(0, tall)) / tall
    course = np.floor(down)
    across = (columns - tilt * rows) / long + 0.5 * (course % 2) + random.uniform(0, 1)
    tones = random.uniform(0, random.uniform(0.05, 0.6), 64).astype(np.float32)
    tone = tones[((7 * course + np.floor(across)) % 64).astype(np.int64)]
    mortar = ((down - course) * tall < joint) | ((across - np.floor(across)) * long < joint)
    return np.where(mortar, 1.0, tone) + random.normal(0, 0.04, (height, width)).astype(np.float32)


def railings(random: Generator, height: int, width: int) -> Grey:
    """Thin even bars under a handrail, some with rings or knobs."""
    image, pen = pencil(height, width)
    step, thick = random.uniform(8, 30), int(random.integers(2, 7))
    top = random.uniform(0.05, 0.6) * height
    lean, knob = random.uniform(-0.25, 0.25) * height, random.random() < 0.5
    pen.line([(0, top), (2 * width, top + lean)], fill=0, width=thick + 3)
    for x in np.arange(random.uniform(-step, 0), 2 * width, step):
        start = top + lean * x / (2 * width)
        pen.line([(x, start), (x, 2 * height)], fill=30, width=thick)
        if knob:
            middle = start + 0.5 * (2 * height - start)
            pen.ellipse((x - step / 4, middle - step / 4, x + step / 4, middle + step / 4), outline=30, width=thick)
    return drawn(image)


def waves(random: Generator, height: int, width: int) -> Grey:
    """Rows of waves: water, dunes, corrugated iron, security print."""
    rows, columns = axes(height, width)
    pitch, crest = random.uniform(3, 12), random.uniform(0.5, 6)
    bent = rows + crest * np.sin(columns / random.uniform(2, 14) + random.uniform(0, 6))
    bent += random.uniform(0, 4) * np.sin(columns / random.uniform(15, 60))
    return np.clip(random.uniform(1, 4) * np.sin(2 * np.pi * bent / pitch), -1, 1)


def leaves(random: Generator, height: int, width: int) -> Grey:
    """Pointed leaves, each with its midrib, strewn or on a stalk."""
    image, pen = pencil(height, width)
    stalk = random.random() < 0.5
    level = random.uniform(0.6, 1.4) * height
    if stalk:
        pen.line([(0, level), (2 * width, level + random.uniform(-10, 10))], fill=0, width=3)
    for number in range(int(random.integers(4, 14))):
        x, y = random.uniform(0, 2 * width), level if stalk else random.uniform(0, 2 * height)
        long, wide = random.uniform(0.3, 1.0) * height, random.uniform(0.12, 0.3)
        turn = random.uniform(0.3, 1.2) * (1 if number % 2 else -1) if stalk else random.uniform(0, 2 * math.pi)
        cos, sin = long * math.cos(turn), long * math.sin(turn)
        points = [(x + far * cos - wide * up * sin, y + far * sin + wide * up * cos) for far, up in _LEAF]
        pen.polygon(points, fill=int(random.integers(0, 150)))
        pen.line([(x, y), (x + cos, y + sin)], fill=200, width=1)
    return drawn(image)


def windows(random: Generator, height: int, width: int) -> Grey:
    """Rows of windows in a front, lit and dark, with bars and sills."""
    image, pen = pencil(height, width)
    wide, tall = random.uniform(0.3, 1.0) * height, random.uniform(0.4, 1.3) * height
    gap, sill, bars = random.uniform(0.15, 0.6) * height, random.random() < 0.5, int(random.integers(0, 3))
    for y in np.arange(random.uniform(-tall, gap), 2 * height, tall + gap):
        for x in np.arange(random.uniform(-wide, gap), 2 * width, wide + gap):
            tone = int(random.integers(0, 110))
            pen.rectangle((x, y, x + wide, y + tall), fill=tone, outline=140, width=2)
            for bar in range(bars):
                at = x + wide * (bar + 1) / (bars + 1)
                pen.line([(at, y), (at, y + tall)], fill=200, width=2)
            if sill:
                pen.line([(x - 4, y + tall + 3), (x + wide + 4, y + tall + 3)], fill=40, width=3)
    return drawn(image)


def cables(random: Generator, height: int, width: int) -> Grey:
    """Wires that hang between masts, or run side by side and cross."""
    image, pen = pencil(height, width)
    at = np.linspace(0, 2 * width, 24)
    for _ in range(int(random.integers(2, 8))):
        level, slope = random.uniform(-0.2, 1.8) * height, random.uniform(-0.15, 0.15)
        span, sag = random.uniform(0.6, 2.5) * width, random.uniform(0, 0.8) * height
        hang = (((at - random.uniform(0, span)) % span) / span - 0.5) ** 2
        y = level + slope * at + sag * (0.25 - hang) * 4
        wire = np.stack([at, y], 1).ravel().tolist()
        pen.line(wire, fill=int(random.integers(0, 100)), width=int(random.integers(1, 6)))
    if random.random() < 0.5:
        x = random.uniform(0, 2 * width)
        pen.line([(x, 0), (x + random.uniform(-6, 6), 2 * height)], fill=0, width=int(random.integers(4, 14)))
    return drawn(image)
