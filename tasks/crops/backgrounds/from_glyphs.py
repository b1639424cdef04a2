"""Backgrounds made of glyphs: parts of letters too small to read, and icons of symbol fonts."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFilter

from tasks.crops.backgrounds.canvas import Grey
from tasks.crops.backgrounds.glyph_ink import Glyphs, Ink

GlyphPainter = Callable[[Generator, int, int, Glyphs], Grey]


def torn_fragment(rng: Generator, height: int, width: int, glyphs: Glyphs) -> Grey:
    """A scrap of one letter, less than an eighth of it, enlarged until it fills the crop."""
    ink = glyphs.letter(rng)
    down = max(2, round(len(ink) * rng.uniform(0.12, 0.25)))
    across = max(2, round(ink.shape[1] * rng.uniform(0.25, 0.5)))
    piece = ink
    for _ in range(6):  # prefer a scrap with an edge in it
        top, left = int(rng.integers(len(ink) - down + 1)), int(rng.integers(ink.shape[1] - across + 1))
        piece = ink[top : top + down, left : left + across]
        if 0.15 < piece.mean() / 255 < 0.85:
            break
    return _paper(_resized(piece, height, width))


def torn_shards(rng: Generator, height: int, width: int, glyphs: Glyphs) -> Grey:
    """Scraps of many letters, turned and strewn."""
    paper = np.zeros((height, width), np.uint8)
    scale = height / 32
    places = rng.random((int(rng.integers(6, 16)), 7)).tolist()
    for long, wide, upright, across, turn, y, x in places:
        ink = glyphs.letter(rng)
        down = min(len(ink), int((4 + 7 * long) * scale))
        over = min(ink.shape[1], int(down * (0.8 + 0.8 * wide)))
        top, left = int(upright * (len(ink) - down + 1)), int(across * (ink.shape[1] - over + 1))
        piece = ink[top : top + down, left : left + over]
        _lay(paper, piece.T if turn < 0.5 else piece[::-1, ::-1], int(y * (height + 4)) - 4, int(x * (width + 4)) - 4)
    return _paper(paper)


def torn_strip(rng: Generator, height: int, width: int, glyphs: Glyphs) -> Grey:
    """A thin strip of a line of letters, torn from it along ragged edges, on blank paper or stretched over the crop."""
    line = glyphs.line(rng, int(rng.integers(4, 9)))
    down = max(3, round(len(line) * rng.uniform(0.07, 0.14)))
    inked = np.flatnonzero(line.mean(axis=1) > 0.4 * line.mean())  # through the letters, not above them
    top = min(int(inked[int(rng.integers(len(inked)))]), len(line) - down) if len(inked) else 0
    # A low strip: stretched further, the rest of the letters would look like bars.
    tall = max(2, round(height * rng.uniform(0.12, 0.3)))
    strip = _resized(line[top : top + down], tall, width)
    ragged = np.cumsum(rng.normal(0, 1, (2, width)), axis=1)
    ragged -= ragged.min(axis=1, keepdims=True)
    ragged *= rng.uniform(0, 0.35) * tall / np.maximum(ragged.max(axis=1, keepdims=True), 1)
    rows = np.arange(tall)[:, None]
    torn = (rows >= ragged[0]) & (rows <= tall - 1 - ragged[1])
    paper = np.zeros((height, width), np.uint8)
    _lay(paper, np.where(torn, strip, 0).astype(np.uint8), int(rng.integers(0, height - tall + 1)), 0)
    return _paper(paper)


def torn_between(rng: Generator, height: int, width: int, glyphs: Glyphs) -> Grey:
    """What stands between two lines of text: the feet of one above, the tips of the next below."""
    paper = np.zeros((height, width), np.uint8)
    for below in (False, True):
        line = glyphs.line(rng, int(rng.integers(5, 10)))
        part = max(2, round(len(line) * rng.uniform(0.08, 0.16)))
        tall = max(2, round(height * rng.uniform(0.07, 0.16)))
        strip = _resized(line[:part] if below else line[-part:], tall, width)
        _lay(paper, strip, height - tall if below else 0, 0)
    return _paper(paper)


def icon(rng: Generator, height: int, width: int, glyphs: Glyphs) -> Grey:
    """One icon anywhere in the crop, whole."""
    paper = np.zeros((height, width), np.uint8)
    picture = _scaled(glyphs.icon(rng), round(height * rng.uniform(0.5, 1)), width)
    _lay(paper, picture, *_anywhere(rng, paper, picture))
    return _paper(paper)


def icon_row(rng: Generator, height: int, width: int, glyphs: Glyphs) -> Grey:
    """A row of icons with even gaps, like a bar of tools; it may run out of the crop."""
    paper = np.zeros((height, width), np.uint8)
    size = round(height * rng.uniform(0.4, 0.85))
    step = size * rng.uniform(1.15, 2.2)
    top = int(rng.integers(0, height - size + 1))
    left = rng.uniform(-0.3, 0.5) * size
    while left < width:
        picture = _scaled(glyphs.icon(rng), size, size)
        _lay(paper, picture, top + (size - len(picture)) // 2, int(left))
        left += step
    return _paper(paper)


def icon_framed(rng: Generator, height: int, width: int, glyphs: Glyphs) -> Grey:
    """An icon in a frame: a button, a road sign, a seal, dark on light or light on dark."""
    size = round(height * rng.uniform(0.7, 1))
    wide = min(width, round(size * rng.choice([1.0, 1.0, 1.6, 2.5])))
    frame = Image.new("L", (2 * wide, 2 * size), 0)
    pen = ImageDraw.Draw(frame)
    filled = rng.random() < 0.5
    box = (1, 1, 2 * wide - 2, 2 * size - 2)
    radius = rng.uniform(0, size)
    pen.rounded_rectangle(box, radius, fill=255 if filled else 0, outline=255, width=int(rng.integers(2, 6)))
    sign = np.asarray(frame.reduce(2)).copy()
    picture = _scaled(glyphs.icon(rng), round(0.65 * size), round(0.65 * wide))
    across, down = (wide - picture.shape[1]) // 2, (size - len(picture)) // 2
    inside = sign[down : down + len(picture), across : across + picture.shape[1]]
    inside[:] = inside - np.minimum(inside, picture) if filled else np.maximum(inside, picture)
    paper = np.zeros((height, width), np.uint8)
    _lay(paper, sign, *_anywhere(rng, paper, sign))
    return _paper(paper)


def icon_scatter(rng: Generator, height: int, width: int, glyphs: Glyphs) -> Grey:
    """Icons of many sizes strewn over the crop, some blurred, some cut by its edges."""
    paper = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(3, 9))):
        picture = _scaled(glyphs.icon(rng), round(height * rng.uniform(0.25, 0.8)), width)
        top = int(rng.integers(-len(picture) // 4, max(1, height - len(picture) * 3 // 4)))
        left = int(rng.integers(-picture.shape[1] // 4, max(1, width - picture.shape[1] * 3 // 4)))
        _lay(paper, picture, top, left)
    if rng.random() < 0.3:
        paper = np.asarray(Image.fromarray(paper).filter(ImageFilter.BoxBlur(rng.uniform(0.4, 1.2))))
    return _paper(paper)


def _paper(ink: Ink) -> Grey:
    return 1 - ink.astype(np.float32) / 255


def _resized(ink: Ink, height: int, width: int) -> Ink:
    return np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR))


def _scaled(ink: Ink, height: int, width: int) -> Ink:
    """The picture in its own proportions, as large as fits."""
    scale = min(height / len(ink), width / ink.shape[1])
    return _resized(ink, max(1, int(scale * len(ink))), max(1, int(scale * ink.shape[1])))


def _anywhere(rng: Generator, paper: Ink, picture: Ink) -> tuple[int, int]:
    """Random top and left at which the whole picture is on the paper."""
    room = (len(paper) - len(picture), paper.shape[1] - picture.shape[1])
    return int(rng.integers(0, room[0] + 1)), int(rng.integers(0, room[1] + 1))


def _lay(paper: Ink, ink: Ink, top: int, left: int) -> None:
    """Lay ink on paper; ink outside of the paper is cropped."""
    from_top, from_left = max(0, -top), max(0, -left)
    part = ink[from_top : len(paper) - top, from_left : paper.shape[1] - left]
    where = paper[top + from_top :, left + from_left :][: len(part), : part.shape[1]]
    np.maximum(where, part, out=where)
