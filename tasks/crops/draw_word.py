"""Render one word or a piece of a line: shaped by HarfBuzz, rasterised larger than needed, scaled into the crop."""

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFont, _imaging

from tasks.crops.cut import Cut
from tasks.crops.surroundings import add_ink, add_surroundings

Box = tuple[int, int, int, int]  # left, top, right, bottom, in pixels

OVERSIZE = 1.5  # the size that fonts are opened at, in crop heights: rasterised larger, then scaled down
LARGEST = 4 / 3  # the largest scale, as more would blur: a word of dashes stays low
LARGEST_LETTER = 2.0  # … of a letter alone, which readers enlarge: no larger, as there are letters like dots
IDLE = b"\xb0\x00\x21" * 4  # a TrueType program that does nothing: push 0, pop, four times
EDGE = 2  # pixels of background before and behind a line, as it is read
LEAST_INK = 64  # of 255: if the darkest pixel is fainter, there is no word


def open_font(data: bytes, height: int) -> ImageFont.FreeTypeFont:
    """The font, at the size for rendering crops of `height` pixels."""
    size = round(OVERSIZE * height)
    return ImageFont.truetype(io.BytesIO(_as_hinted(data)), size, layout_engine=ImageFont.Layout.RAQM)


def _as_hinted(data: bytes) -> bytes:
    """The font, with an idle `prep` program where it has no hinting programs.

    FreeType auto-hints fonts without programs longer than 7 bytes: that takes two thirds of the rendering time, and
    moves outlines to the pixels of a size that is scaled down afterwards.
    """
    (count,) = struct.unpack_from(">H", data, 4)
    entries = [struct.unpack_from(">4sIII", data, 12 + 16 * n) for n in range(count)]
    lengths = {tag: length for tag, _, _, length in entries}
    if b"glyf" not in lengths or max(lengths.get(b"fpgm", 0), lengths.get(b"prep", 0)) > 7:
        return data
    kept = [entry for entry in entries if entry[0] != b"prep"]
    moved = 16 * (len(kept) + 1 - count)
    table = [(tag, checksum, offset + moved, length) for tag, checksum, offset, length in kept]
    table.append((b"prep", 0, len(data) + moved, len(IDLE)))
    head = data[:4] + struct.pack(">H", len(table)) + data[6:12]
    return head + b"".join(struct.pack(">4sIII", *entry) for entry in sorted(table)) + data[12 + 16 * count :] + IDLE


def draw_word(
    font: ImageFont.FreeTypeFont, text: str, cut: Cut, *, height: int, width: int, vertical: bool = False
) -> NDArray[np.uint8] | None:
    """A crop [height, width], dark ink (0) on light ground (255), or None when `text` leaves no ink.

    With `vertical` the text is set from top to bottom and scaled into the same crop. A word's aspect is kept, and
    it is never cut at its sides; of a line's window and of a letter alone, all is shown that falls into the crop.
    """
    mask = font.getmask(text, direction="ttb" if vertical else None)
    box = mask.getbbox()
    if box is None:
        return None
    drawn = _window_of if cut.window or cut.letter else _word_of
    ink = drawn(mask, box, cut, height, width)
    if ink is None:
        return None
    small, left = ink
    # Higher ink than the crop is cut above and below.
    top = round(cut.upright * (height - len(small)))
    crop = np.zeros((height, width), np.uint8)
    add_ink(crop, small, top, left)
    add_surroundings(crop, small, top, left, cut)
    return 255 - crop


def _word_of(mask: Any, box: Box, cut: Cut, height: int, width: int) -> tuple[NDArray[np.uint8], int] | None:
    """The word's ink, scaled to fit into the width, and its left edge."""
    if cut.slope or cut.lean or cut.arch:
        mask, box = _on_a_slope(mask, box, cut)
    ink_width, ink_height = box[2] - box[0], box[3] - box[1]
    edge = 1 + int(4 * cut.margin)  # pixels left free on each side, at least
    most = width - 2 * edge
    scale = min(height * cut.fill / ink_height, most / ink_width, LARGEST)
    size = max(1, min(most, round(scale * ink_width))), max(1, round(scale * ink_height))
    small = mask.resize(size, Image.Resampling.HAMMING, box)
    if small.getextrema()[1] < LEAST_INK:
        return None
    return _pixels_of(small), edge + _left(cut.across, most - size[0])


def _on_a_slope(mask: Any, box: Box, cut: Cut) -> tuple[Any, Box]:
    """The ink turned, leaning or arched, and its box."""
    level = Image.fromarray(_pixels_of(mask)).crop(box)
    if cut.slope:
        risen = level.rotate(cut.slope, Image.Resampling.BILINEAR, expand=True)
    else:
        along = np.linspace(0, 1, level.width)
        rise = along * np.tan(np.radians(cut.lean)) + 4 * along * (1 - along) * cut.arch
        risen = Image.fromarray(_raised(np.asarray(level), rise * level.width))
    return risen.im, risen.getbbox() or (0, 0, *risen.size)


def _raised(ink: NDArray[np.uint8], rise: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The ink, each column moved up by its `rise`, in pixels, in a picture as high as that needs."""
    down = np.rint(rise.max() - rise).astype(int)
    height, width = ink.shape
    paper = np.zeros((height + down.max(), width), np.uint8)
    paper[np.arange(height)[:, None] + down, np.arange(width)] = ink
    return paper


def _window_of(mask: Any, box: Box, cut: Cut, height: int, width: int) -> tuple[NDArray[np.uint8], int] | None:
    """The ink of the piece of a line that a window shows, or of a letter, and its left edge."""
    scale = min(height * cut.fill / (box[3] - box[1]), LARGEST_LETTER if cut.letter else LARGEST)
    long = (box[2] - box[0]) * scale
    # Windows begin anywhere from `EDGE` pixels before the line to where they end as many behind it.
    start = cut.across * (long + 2 * EDGE - width) - EDGE
    first, last = max(0.0, start), min(long, start + width)
    size = max(1, min(width, round(last - first))), max(1, round(scale * (box[3] - box[1])))
    piece = box[0] + first / scale, box[1], box[0] + last / scale, box[3]
    small = mask.resize(size, Image.Resampling.HAMMING, piece)
    if small.getextrema()[1] < LEAST_INK:
        return None
    return _pixels_of(small), min(width - size[0], max(0, round(-start)))


def _pixels_of(mask: Any) -> NDArray[np.uint8]:
    """The mask's pixels [height, width], as `Image.tobytes` gives them, in half the time."""
    width, height = mask.size
    encoder = _imaging.raw_encoder("L", "L", 0, 1)
    encoder.setimage(mask, (0, 0, width, height))
    return np.frombuffer(encoder.encode(width * height)[2], np.uint8).reshape(height, width)


def _left(uniform: float, room: int) -> int:
    """Left edge: left, centred or uniform, for a third of the crops each; `room` is in pixels."""
    if uniform < 1 / 3:
        return 0
    if uniform < 2 / 3:
        return room // 2
    return int((3 * uniform - 2) * (room + 1))
