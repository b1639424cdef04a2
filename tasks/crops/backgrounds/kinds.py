"""Non-text crops (`Zxxx`), of kinds that script classifiers mistake for text.

A kind is one painter, the function of its name (`tasks.crop_table.kinds`).
"""

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from tasks.crop_table.kinds import FREE, ICONS, TORN
from tasks.crops.backgrounds import from_glyphs, marks, scenes, shapes, textures
from tasks.crops.backgrounds.canvas import Grey, Painter
from tasks.crops.backgrounds.from_glyphs import GlyphPainter
from tasks.crops.backgrounds.glyph_ink import Glyphs
from unfont.ink import background_of
from unfont.reading import ground_beside


def _by_name(modules: Iterable[ModuleType], kinds: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """The function of each kind; an AttributeError where a kind has none."""
    functions = {name: function for module in modules for name, function in vars(module).items()}
    missing = [name for names in kinds.values() for name in names if name not in functions]
    if missing:
        raise AttributeError(f"no function draws {', '.join(missing)}")
    return {name: functions[name] for names in kinds.values() for name in names}


FREE_KINDS: dict[str, Painter] = _by_name((marks, scenes, shapes, textures), FREE)
TORN_KINDS: dict[str, GlyphPainter] = _by_name((from_glyphs,), TORN)
ICON_KINDS: dict[str, GlyphPainter] = _by_name((from_glyphs,), ICONS)
SHORT = 0.35  # fraction of the crops that are pieces of about a letter's or a short word's width
ASPECTS = (0.6, 2.2)  # their width, in heights
# Shapes and marks are not seen from nearer: one bar alone is an l.
SEEN = {kind for kind in FREE_KINDS if hasattr(scenes, kind) or hasattr(textures, kind)}
NEAR = 0.3  # fraction of their crops that are a part of the picture, enlarged
NEARER = (1.3, 4.0)  # … how many times: a wall fills a crop with thirty bricks or with three
KINDS = (*FREE_KINDS, *TORN_KINDS, *ICON_KINDS)


def draw_background(
    kind: str, rng: Generator, *, height: int, width: int, glyphs: Glyphs | None = None
) -> NDArray[np.uint8]:
    """One crop [height, width] of `kind`, with random grey levels of foreground and background.

    Raises:
        ValueError: the kind is drawn with letters or icons, and `glyphs` has none.
    """
    found = _draw(kind, rng, height, width, glyphs)
    if kind in SEEN and rng.random() < NEAR:
        found = _from_nearer(found, rng)
    found = found - found.min()
    most = float(found.max())
    found = found / most if most > 0 else np.ones_like(found)
    # Text is black on white: if no background were, contrast alone would separate the classes.
    strong = rng.random() < 0.4
    ground = 1.0 if strong else rng.uniform(0.75, 1.0)
    ink = 0.0 if strong else rng.uniform(0.0, ground - 0.25)
    picture = np.rint(255 * (ink + (ground - ink) * found)).astype(np.uint8)
    return _as_read(picture, rng) if rng.random() < SHORT else picture


def _from_nearer(picture: Grey, rng: Generator) -> Grey:
    """A part of the picture, anywhere in it, enlarged to its size; the whole where the part is all but empty."""
    height, width = picture.shape
    times = rng.uniform(*NEARER)
    high, wide = height / times, width / times
    top, left = rng.uniform(0, height - high), rng.uniform(0, width - wide)
    image = Image.fromarray(picture.astype(np.float32))
    box = (left, top, left + wide, top + high)
    part = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box))
    return picture if 4 * np.ptp(part) < np.ptp(picture) else part


def _as_read(picture: NDArray[np.uint8], rng: Generator) -> NDArray[np.uint8]:
    """A piece of the picture in the middle, and beside it what a reader puts there: so it shows short pictures.

    The whole picture, where there is next to nothing in that piece.
    """
    height, width = picture.shape
    wide = max(1, min(width - 2, round(height * rng.uniform(*ASPECTS))))
    left = (width - wide) // 2
    piece = picture[:, left : left + wide]
    if 2 * int(np.ptp(piece)) < int(np.ptp(picture)):
        return picture
    background = background_of(piece)
    before, behind = (ground_beside(piece, side, background) for side in (0, -1))
    return np.concatenate([before.repeat(left, 1), piece, behind.repeat(width - left - wide, 1)], axis=1)


def _draw(kind: str, rng: Generator, height: int, width: int, glyphs: Glyphs | None) -> Grey:
    if kind in FREE_KINDS:
        return FREE_KINDS[kind](rng, height, width)
    if glyphs is None or not (glyphs.letters if kind in TORN_KINDS else glyphs.icons):
        raise ValueError(f"'{kind}' is drawn with fonts, and none are given")
    return (TORN_KINDS | ICON_KINDS)[kind](rng, height, width, glyphs)
