"""Backgrounds of shapes drawn with a pencil: spots, strokes, corners, polygons."""

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageFilter

from tasks.crops.backgrounds.canvas import Grey, drawn, pencil, places


def bars(random: Generator, height: int, width: int) -> Grey:
    """Upright bars of uneven width, like a barcode or a fence."""
    cuts = np.cumsum(random.uniform(1, random.uniform(3, 12), 2 * width))
    line = (np.searchsorted(cuts, np.arange(width)) % 2).astype(np.float32)
    marks = np.repeat(line[None], height, axis=0)
    if random.random() < 0.5:
        marks[: int(random.integers(0, height // 2))] = 1
        marks[height - int(random.integers(0, height // 3)) :] = 1
    return marks


def blobs(random: Generator, height: int, width: int) -> Grey:
    """Round and oval spots: pebbles, drops, bubbles."""
    image, pen = pencil(height, width)
    outline = random.random() < 0.4
    for x, y in places(random, int(random.integers(3, 25)), height, width):
        across, down = random.uniform(3, 24, 2)
        box = (x - across, y - down, x + across, y + down)
        pen.ellipse(box, fill=None if outline else int(random.integers(0, 120)), outline=0, width=3)
    return drawn(image)


def scratches(random: Generator, height: int, width: int) -> Grey:
    """Straight strokes of any direction, some crossing."""
    image, pen = pencil(height, width)
    thick = int(random.integers(1, 7))
    for start in places(random, int(random.integers(3, 16)), height, width):
        reach = random.uniform(-60, 60, 2)
        pen.line([start, (start[0] + reach[0], start[1] + reach[1])], fill=int(random.integers(0, 90)), width=thick)
    return drawn(image)


def curves(random: Generator, height: int, width: int) -> Grey:
    """A pen that wanders: loops and tangles that look like handwriting and say nothing."""
    image, pen = pencil(height, width)
    for _ in range(int(random.integers(1, 4))):
        steps = int(random.integers(60, 160))
        turn = np.cumsum(random.normal(0, random.uniform(0.1, 0.5), steps)) + random.uniform(-0.15, 0.15)
        pace = random.uniform(2, 6)
        x = random.uniform(0, width) + np.cumsum(pace * np.cos(turn) + random.uniform(-0.5, 1.5))
        y = height * random.uniform(0.6, 1.4) + np.cumsum(pace * np.sin(turn))
        pen.line(np.stack([x, y], 1).ravel().tolist(), fill=0, width=int(random.integers(2, 7)))
    return drawn(image)


def dashes(random: Generator, height: int, width: int) -> Grey:
    """Rows of short bars, as of text seen from too far away."""
    image, pen = pencil(height, width)
    rows = int(random.integers(1, 6))
    pitch = 2 * height / rows
    for row in range(rows):
        x = random.uniform(-20, 30)
        while x < 2 * width:
            long = random.uniform(4, 50)
            top = pitch * (row + 0.25)
            pen.rectangle((x, top, x + long, top + pitch * random.uniform(0.2, 0.5)), fill=int(random.integers(0, 90)))
            x += long + random.uniform(4, 20)
    return drawn(image)


def spots(random: Generator, height: int, width: int) -> Grey:
    """Dots in rows, evenly or thinned out: perforation, stitches, braille-like studs."""
    image, pen = pencil(height, width)
    step, size, kept = random.uniform(8, 24), random.uniform(1.5, 5), random.uniform(0.4, 1)
    for y in np.arange(step / 2, 2 * height, step):
        for x in np.arange(step / 2, 2 * width, step):
            if random.random() < kept:
                pen.ellipse((x - size, y - size, x + size, y + size), fill=0)
    return drawn(image)


def tables(random: Generator, height: int, width: int) -> Grey:
    """Corners and crossings of a table's rules, thick and thin, or a frame."""
    image, pen = pencil(height, width)
    for _ in range(int(random.integers(1, 5))):
        (left, top), (right, bottom) = places(random, 2, height, width)
        thick = int(random.integers(2, 9))
        corner = [(left, bottom), (left, top), (right, top)]
        pen.line(
            corner if random.random() < 0.5 else [*corner, (right, bottom), (left, bottom)],
            fill=0,
            width=thick,
        )
    return drawn(image)


def polygons(random: Generator, height: int, width: int) -> Grey:
    """Filled shapes with straight sides: roofs, signs, broken glass."""
    image, pen = pencil(height, width)
    for x, y in places(random, int(random.integers(2, 10)), height, width):
        points = np.array([x, y]) + random.uniform(-35, 35, (int(random.integers(3, 7)), 2))
        pen.polygon([tuple(point) for point in points.tolist()], fill=int(random.integers(0, 200)))
    return drawn(image)


def blur(random: Generator, height: int, width: int) -> Grey:
    """Shapes far out of focus."""
    image = Image.fromarray(np.rint(255 * polygons(random, height, width)).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(random.uniform(2, 6))), np.float32)
