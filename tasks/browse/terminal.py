"""A crop as text: half blocks in 24-bit colours, or shades of plain characters."""

import math
import os
from typing import TextIO

import numpy as np
from PIL import Image

from tasks.crop_table.png import Pixels

WIDEST = 100  # characters
SHADES = "@%#*+=-:. "  # from black to white, as on paper
HALF = "▀"  # its upper half has the foreground's colour, its lower half the background's
RESET = "\x1b[0m"


def shows_colour(stream: TextIO) -> bool:
    """Whether `stream` is a terminal with colours; NO_COLOR (no-color.org) switches them off."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def render_picture(pixels: Pixels, *, colour: bool, columns: int = WIDEST) -> str:
    """`pixels` uint8 [height, width] or [height, width, 3] as lines of at most `columns` characters.

    A character shows two pixels, one above the other; a wider crop is scaled down, its aspect ratio kept.
    """
    image = Image.fromarray(pixels)
    scale = min(1.0, columns / image.width)
    width, height = max(1, math.floor(scale * image.width)), max(1, round(scale * image.height))
    if colour:
        return _half_blocks(np.asarray(_resized(image.convert("RGB"), width, height)))
    return _shades(np.asarray(_resized(image.convert("L"), width, math.ceil(height / 2))))


def _resized(image: Image.Image, width: int, height: int) -> Image.Image:
    return image if image.size == (width, height) else image.resize((width, height), Image.Resampling.BOX)


def _half_blocks(pixels: Pixels) -> str:
    """Lines of half blocks of RGB [height, width, 3]; below an odd last row the terminal's background shows."""
    lines = []
    for top in range(0, len(pixels), 2):
        upper = [f"38;2;{r};{g};{b}" for r, g, b in pixels[top]]
        lower = [f"48;2;{r};{g};{b}" for row in pixels[top + 1 : top + 2] for r, g, b in row]
        codes = [f"\x1b[{';'.join(both)}m" for both in (zip(upper, lower, strict=True) if lower else zip(upper))]
        # A colour is kept until the next one: most of a crop is background.
        cells = [HALF if number and code == codes[number - 1] else f"{code}{HALF}" for number, code in enumerate(codes)]
        lines.append("".join(cells) + RESET)
    return "\n".join(lines)


def _shades(pixels: Pixels) -> str:
    """Lines of shades of grey [height, width]."""
    shades = pixels.astype(int) * len(SHADES) // 256
    return "\n".join("".join(SHADES[shade] for shade in row).rstrip() for row in shades)
