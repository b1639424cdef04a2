"""Backgrounds of shapes drawn with a pencil: spots, strokes, corners, polygons."""

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageFilter

from tasks.crops.backgrounds.canvas import Grey, new_canvas, scatter, to_grey


def bars(rng: Generator, height: int, width: int) -> Grey:
    """Upright bars of uneven width, like a barcode or a fence."""
    cuts = np.cumsum(rng.uniform(1, rng.uniform(3, 12), 2 * width))
    line = (np.searchsorted(cuts, np.arange(width)) % 2).astype(np.float32)
    marks = np.repeat(line[None], height, axis=0)
    if rng.random() < 0.5:
        marks[: int(rng.integers(0, height // 2))] = 1
        marks[height - int(rng.integers(0, height // 3)) :] = 1
    return marks


def blobs(rng: Generator, height: int, width: int) -> Grey:
    """Round and oval spots: pebbles, drops, bubbles."""
    image, pen = new_canvas(height, width)
    outline = rng.random() < 0.4
    for x, y in scatter(rng, int(rng.integers(3, 25)), height, width):
        across, down = rng.uniform(3, 24, 2)
        box = (x - across, y - down, x + across, y + down)
        pen.ellipse(box, fill=None if outline else int(rng.integers(0, 120)), outline=0, width=3)
    return to_grey(image)


def scratches(rng: Generator, height: int, width: int) -> Grey:
    """Straight strokes of any direction, some crossing."""
    image, pen = new_canvas(height, width)
    thick = int(rng.integers(1, 7))
    for start in scatter(rng, int(rng.integers(3, 16)), height, width):
        reach = rng.uniform(-60, 60, 2)
        pen.line([start, (start[0] + reach[0], start[1] + reach[1])], fill=int(rng.integers(0, 90)), width=thick)
    return to_grey(image)


def curves(rng: Generator, height: int, width: int) -> Grey:
    """A pen that wanders: loops and tangles that look like handwriting and say nothing."""
    image, pen = new_canvas(height, width)
    for _ in range(int(rng.integers(1, 4))):
        steps = int(rng.integers(60, 160))
        turn = np.cumsum(rng.normal(0, rng.uniform(0.1, 0.5), steps)) + rng.uniform(-0.15, 0.15)
        pace = rng.uniform(2, 6)
        x = rng.uniform(0, width) + np.cumsum(pace * np.cos(turn) + rng.uniform(-0.5, 1.5))
        y = height * rng.uniform(0.6, 1.4) + np.cumsum(pace * np.sin(turn))
        pen.line(np.stack([x, y], 1).ravel().tolist(), fill=0, width=int(rng.integers(2, 7)))
    return to_grey(image)


def dashes(rng: Generator, height: int, width: int) -> Grey:
    """Rows of short bars, as of text seen from too far away."""
    image, pen = new_canvas(height, width)
    rows = int(rng.integers(1, 6))
    pitch = 2 * height / rows
    for row in range(rows):
        x = rng.uniform(-20, 30)
        while x < 2 * width:
            long = rng.uniform(4, 50)
            top = pitch * (row + 0.25)
            pen.rectangle((x, top, x + long, top + pitch * rng.uniform(0.2, 0.5)), fill=int(rng.integers(0, 90)))
            x += long + rng.uniform(4, 20)
    return to_grey(image)


def spots(rng: Generator, height: int, width: int) -> Grey:
    """Dots in rows, evenly or thinned out: perforation, stitches, braille-like studs."""
    image, pen = new_canvas(height, width)
    step, size, kept = rng.uniform(8, 24), rng.uniform(1.5, 5), rng.uniform(0.4, 1)
    for y in np.arange(step / 2, 2 * height, step):
        for x in np.arange(step / 2, 2 * width, step):
            if rng.random() < kept:
                pen.ellipse((x - size, y - size, x + size, y + size), fill=0)
    return to_grey(image)


def tables(rng: Generator, height: int, width: int) -> Grey:
    """Corners and crossings of a table's rules, thick and thin, or a frame."""
    image, pen = new_canvas(height, width)
    for _ in range(int(rng.integers(1, 5))):
        (left, top), (right, bottom) = scatter(rng, 2, height, width)
        thick = int(rng.integers(2, 9))
        corner = [(left, bottom), (left, top), (right, top)]
        pen.line(corner if rng.random() < 0.5 else [*corner, (right, bottom), (left, bottom)], fill=0, width=thick)
    return to_grey(image)


def polygons(rng: Generator, height: int, width: int) -> Grey:
    """Filled shapes with straight sides: roofs, signs, broken glass."""
    image, pen = new_canvas(height, width)
    for x, y in scatter(rng, int(rng.integers(2, 10)), height, width):
        points = np.array([x, y]) + rng.uniform(-35, 35, (int(rng.integers(3, 7)), 2))
        pen.polygon([tuple(point) for point in points.tolist()], fill=int(rng.integers(0, 200)))
    return to_grey(image)


def blur(rng: Generator, height: int, width: int) -> Grey:
    """Shapes far out of focus."""
    image = Image.fromarray(np.rint(255 * polygons(rng, height, width)).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(2, 6))), np.float32)
