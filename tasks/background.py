"""`Zxxx`: crops with no text in them, of the kinds that make a script reader see words where there are none.

A kind is one generator. Whole kinds are held out: a model that has learned "no hatching" has not learned
"no text". Images are grey [height, width] in [0, 1], dark marks on a light ground.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Grey = NDArray[Any]  # of floats; in which precision is no matter
Draw = Callable[[Generator, int, int], Grey]


def draw_background(kind: str, random: Generator, *, height: int, width: int) -> NDArray[np.uint8]:
    """One crop [height, width] of `kind`, with ink and ground of chance."""
    marks = KINDS[kind](random, height, width)
    marks = marks - marks.min()
    marks = marks / max(float(marks.max()), 1e-6)
    # Text is drawn black on white: were no background, contrast alone would tell the two apart.
    strong = random.random() < 0.4
    ground = 1.0 if strong else random.uniform(0.75, 1.0)
    ink = 0.0 if strong else random.uniform(0.0, ground - 0.25)
    return np.rint(255 * (ink + (ground - ink) * marks)).astype(np.uint8)


def kinds_of(split: str) -> list[str]:
    """Kinds that a split may show; validation and test_unseen have kinds of their own."""
    return {"validation": VALIDATION_KINDS, "test_unseen": TEST_UNSEEN_KINDS}.get(split, TRAIN_KINDS)


def _axes(height: int, width: int) -> tuple[Grey, Grey]:
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    return rows, columns


def _along(random: Generator, height: int, width: int, tilt: float = np.pi) -> Grey:
    """Distance in pixels along a direction of chance."""
    rows, columns = _axes(height, width)
    angle = random.uniform(-tilt, tilt)
    return np.cos(angle) * columns + np.sin(angle) * rows


def _pencil(height: int, width: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A canvas of twice the size, so that what is drawn comes out smooth."""
    image = Image.new("L", (2 * width, 2 * height), 255)
    return image, ImageDraw.Draw(image)


def _drawn(image: Image.Image) -> Grey:
    return np.asarray(image.reduce(2), np.float32) / 255


def _places(random: Generator, count: int, height: int, width: int) -> list[tuple[float, float]]:
    spread = random.uniform(-0.2, 1.2, (count, 2)) * (2 * width, 2 * height)
    return [(float(x), float(y)) for x, y in spread]


def noise(random: Generator, height: int, width: int) -> Grey:
    """White noise, finer or coarser."""
    grain = int(random.integers(1, 5))
    small = random.random((-(-height // grain), -(-width // grain)), np.float32) ** random.uniform(0.5, 3)
    return np.kron(small, np.ones((grain, grain), np.float32))[:height, :width]


def clouds(random: Generator, height: int, width: int) -> Grey:
    """Value noise of several octaves: paper, marble, skin."""
    total = np.zeros((height, width), np.float32)
    for octave in range(int(random.integers(1, 4)), 6):
        size = (2 + 2 ** (octave + 1), 2 + 2**octave)
        layer = Image.fromarray((random.random(size[::-1]) * 255).astype(np.uint8))
        total += np.asarray(layer.resize((width, height), Image.Resampling.BICUBIC), np.float32) / 1.8**octave
    return total


def bars(random: Generator, height: int, width: int) -> Grey:
    """Upright bars of uneven width, like a barcode or a fence."""
    cuts = np.cumsum(random.uniform(1, random.uniform(3, 12), 2 * width))
    line = (np.searchsorted(cuts, np.arange(width)) % 2).astype(np.float32)
    marks = np.repeat(line[None], height, axis=0)
    if random.random() < 0.5:
        marks[: int(random.integers(0, height // 2))] = 1
        marks[height - int(random.integers(0, height // 3)) :] = 1
    return marks


def grid(random: Generator, height: int, width: int) -> Grey:
    """Squared paper, mesh, windows."""
    rows, columns = _axes(height, width)
    step, thick = random.uniform(4, 20, 2), random.uniform(0.7, 3)
    start = random.uniform(0, 20, 2)
    tilt = random.uniform(-0.1, 0.1)
    lines = ((columns + tilt * rows + start[0]) % step[0] < thick) | (
        (rows - tilt * columns + start[1]) % step[1] < thick
    )
    return 1 - lines.astype(np.float32)


def blobs(random: Generator, height: int, width: int) -> Grey:
    """Round and oval spots: pebbles, drops, bubbles."""
    image, pencil = _pencil(height, width)
    outline = random.random() < 0.4
    for x, y in _places(random, int(random.integers(3, 25)), height, width):
        across, down = random.uniform(3, 24, 2)
        box = (x - across, y - down, x + across, y + down)
        pencil.ellipse(box, fill=None if outline else int(random.integers(0, 120)), outline=0, width=3)
    return _drawn(image)


def halftone(random: Generator, height: int, width: int) -> Grey:
    """A screen of printer's dots whose size follows a slope."""
    rows, columns = _axes(height, width)
    angle, step = random.uniform(0, np.pi / 2), random.uniform(3, 8)
    across = np.cos(angle) * columns + np.sin(angle) * rows
    down = np.cos(angle) * rows - np.sin(angle) * columns
    wave = np.cos(2 * np.pi * across / step) + np.cos(2 * np.pi * down / step)
    tone = _along(random, height, width) / width * random.uniform(0.5, 3) + random.uniform(-1, 1)
    return 1 / (1 + np.exp(-3 * (wave + tone)))


def edges(random: Generator, height: int, width: int) -> Grey:
    """A few hard and soft edges: corners of things, shadows."""
    total = np.zeros((height, width), np.float32)
    for _ in range(int(random.integers(1, 5))):
        along = _along(random, height, width)
        middle = along[int(random.integers(height)), int(random.integers(width))]
        total += random.uniform(-1, 1) / (1 + np.exp(np.clip((middle - along) / random.uniform(0.3, 12), -30, 30)))
    return total


def scratches(random: Generator, height: int, width: int) -> Grey:
    """Straight strokes of any direction, some crossing."""
    image, pencil = _pencil(height, width)
    thick = int(random.integers(1, 7))
    for start in _places(random, int(random.integers(3, 16)), height, width):
        reach = random.uniform(-60, 60, 2)
        pencil.line([start, (start[0] + reach[0], start[1] + reach[1])], fill=int(random.integers(0, 90)), width=thick)
    return _drawn(image)


def curves(random: Generator, height: int, width: int) -> Grey:
    """A pen that wanders: loops and tangles that look like handwriting and say nothing."""
    image, pencil = _pencil(height, width)
    for _ in range(int(random.integers(1, 4))):
        steps = int(random.integers(60, 160))
        turn = np.cumsum(random.normal(0, random.uniform(0.1, 0.5), steps)) + random.uniform(-0.15, 0.15)
        pace = random.uniform(2, 6)
        x = random.uniform(0, width) + np.cumsum(pace * np.cos(turn) + random.uniform(-0.5, 1.5))
        y = height * random.uniform(0.6, 1.4) + np.cumsum(pace * np.sin(turn))
        pencil.line(np.stack([x, y], 1).ravel().tolist(), fill=0, width=int(random.integers(2, 7)), joint="curve")
    return _drawn(image)


def dashes(random: Generator, height: int, width: int) -> Grey:
    """Rows of short bars, as of text seen from too far away."""
    image, pencil = _pencil(height, width)
    rows = int(random.integers(1, 6))
    pitch = 2 * height / rows
    for row in range(rows):
        x = random.uniform(-20, 30)
        while x < 2 * width:
            long = random.uniform(4, 50)
            top = pitch * (row + 0.25)
            pencil.rectangle(
                (x, top, x + long, top + pitch * random.uniform(0.2, 0.5)), fill=int(random.integers(0, 90))
            )
            x += long + random.uniform(4, 20)
    return _drawn(image)


def plain(random: Generator, height: int, width: int) -> Grey:
    """Nothing but an even slope of light and a little grain."""
    slope = _along(random, height, width) / width
    return slope + random.normal(0, random.uniform(0.01, 0.5), (height, width)).astype(np.float32)


def checker(random: Generator, height: int, width: int) -> Grey:
    """A chequered floor, tilted."""
    rows, columns = _axes(height, width)
    across, down = random.uniform(3, 18, 2)
    tilt = random.uniform(-0.5, 0.5)
    fields = np.floor((columns + tilt * rows) / across) + np.floor((rows - tilt * columns) / down)
    return (fields % 2).astype(np.float32)


def stains(random: Generator, height: int, width: int) -> Grey:
    """Soft-edged spots of clouds cut at a level: ink, mould, camouflage."""
    field = clouds(random, height, width)
    level = np.quantile(field, random.uniform(0.2, 0.8))
    return 1 / (1 + np.exp(np.clip((field - level) / (field.std() * random.uniform(0.02, 0.3)), -30, 30)))


def ruled(random: Generator, height: int, width: int) -> Grey:
    """Ruled paper: lines nearly level, sometimes with a margin."""
    rows, columns = _axes(height, width)
    step, thick, tilt = random.uniform(4, 18), random.uniform(0.8, 3), random.uniform(-0.08, 0.08)
    marks = ((rows + tilt * columns + random.uniform(0, 18)) % step) < thick
    if random.random() < 0.5:
        marks |= np.abs(columns - random.uniform(0, width)) < random.uniform(0.6, 2)
    return 1 - marks + random.normal(0, 0.05, marks.shape).astype(np.float32)


def spots(random: Generator, height: int, width: int) -> Grey:
    """Dots in rows, evenly or thinned out: perforation, stitches, braille-like studs."""
    image, pencil = _pencil(height, width)
    step, size, kept = random.uniform(8, 24), random.uniform(1.5, 5), random.uniform(0.4, 1)
    for y in np.arange(step / 2, 2 * height, step):
        for x in np.arange(step / 2, 2 * width, step):
            if random.random() < kept:
                pencil.ellipse((x - size, y - size, x + size, y + size), fill=0)
    return _drawn(image)


def hatching(random: Generator, height: int, width: int) -> Grey:
    """Slanting parallel lines, once or crosswise."""
    marks = np.ones((height, width), np.float32)
    for _ in range(int(random.integers(1, 3))):
        step = random.uniform(3, 10)
        marks *= (_along(random, height, width) % step) > random.uniform(0.2, 0.6) * step
    return marks


def arcs(random: Generator, height: int, width: int) -> Grey:
    """Rings around a centre in or near the crop: wood, ripples, targets."""
    rows, columns = _axes(height, width)
    middle = random.uniform(-0.5, 1.5, 2) * (height, width)
    distance = np.hypot(rows - middle[0], (columns - middle[1]) * random.uniform(0.5, 1.5))
    return np.clip(random.uniform(1, 4) * np.sin(2 * np.pi * distance / random.uniform(4, 20)), -1, 1)


def tables(random: Generator, height: int, width: int) -> Grey:
    """Corners and crossings of a table's rules, thick and thin, or a frame."""
    image, pencil = _pencil(height, width)
    for _ in range(int(random.integers(1, 5))):
        (left, top), (right, bottom) = _places(random, 2, height, width)
        thick = int(random.integers(2, 9))
        corner = [(left, bottom), (left, top), (right, top)]
        pencil.line(
            corner if random.random() < 0.5 else [*corner, (right, bottom), (left, bottom)],
            fill=0,
            width=thick,
        )
    return _drawn(image)


def polygons(random: Generator, height: int, width: int) -> Grey:
    """Filled shapes with straight sides: roofs, signs, broken glass."""
    image, pencil = _pencil(height, width)
    for x, y in _places(random, int(random.integers(2, 10)), height, width):
        points = np.array([x, y]) + random.uniform(-35, 35, (int(random.integers(3, 7)), 2))
        pencil.polygon([tuple(point) for point in points.tolist()], fill=int(random.integers(0, 200)))
    return _drawn(image)


def blur(random: Generator, height: int, width: int) -> Grey:
    """Shapes far out of focus."""
    image = Image.fromarray(np.rint(255 * polygons(random, height, width)).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(random.uniform(2, 6))), np.float32)


_TRAIN: list[Draw] = [noise, clouds, bars, grid, blobs, halftone, edges, scratches, curves, dashes, plain]
_VALIDATION: list[Draw] = [checker, stains, ruled, spots]
_TEST_UNSEEN: list[Draw] = [hatching, arcs, tables, polygons, blur]

TRAIN_KINDS = [draw.__name__ for draw in _TRAIN]
VALIDATION_KINDS = [draw.__name__ for draw in _VALIDATION]
TEST_UNSEEN_KINDS = [draw.__name__ for draw in _TEST_UNSEEN]
KINDS = {draw.__name__: draw for draw in [*_TRAIN, *_VALIDATION, *_TEST_UNSEEN]}
