"""`Zxxx`: crops with no text in them, of the kinds that make a script reader see words where there are none.

A kind is one generator. Whole kinds are held out: a model that has learned "no hatching" has not learned
"no text". docs/background.md lists them.
"""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tasks.crops.backgrounds import from_glyphs as of_glyphs
from tasks.crops.backgrounds import marks, scenes, shapes, textures
from tasks.crops.backgrounds.canvas import Draw, Grey
from tasks.crops.backgrounds.from_glyphs import GlyphDraw
from tasks.crops.backgrounds.glyph_ink import Glyphs

_TRAIN: list[Draw] = [
    textures.noise, textures.clouds, shapes.bars, textures.grid, shapes.blobs, textures.halftone, textures.edges,
    shapes.scratches, shapes.curves, shapes.dashes, textures.plain,
    marks.barcode, marks.keys, marks.logos, marks.arrows, marks.underlines, marks.staff,
    scenes.fences, scenes.fabric, scenes.gradients, scenes.markings, scenes.branches,
]  # fmt: skip
_VALIDATION: list[Draw] = [
    textures.checker, textures.stains, textures.ruled, shapes.spots,
    marks.charts, scenes.bricks, scenes.railings, scenes.waves,
]  # fmt: skip
_TEST_UNSEEN: list[Draw] = [
    textures.hatching, textures.arcs, shapes.tables, shapes.polygons, shapes.blur,
    marks.modules, scenes.leaves, scenes.windows, scenes.cables,
]  # fmt: skip
# Torn letters and icons are drawn with fonts of the split's own side.
_TORN: dict[str, list[GlyphDraw]] = {
    "train": [of_glyphs.torn_fragment, of_glyphs.torn_shards],
    "validation": [of_glyphs.torn_strip],
    "test_unseen": [of_glyphs.torn_between],
}
_ICONS: dict[str, list[GlyphDraw]] = {
    "train": [of_glyphs.icon, of_glyphs.icon_row],
    "validation": [of_glyphs.icon_framed],
    "test_unseen": [of_glyphs.icon_scatter],
}
_SIDES = {"train": _TRAIN, "validation": _VALIDATION, "test_unseen": _TEST_UNSEEN}

FREE_KINDS = {draw.__name__: draw for draws in _SIDES.values() for draw in draws}
TORN_KINDS = {draw.__name__: draw for draws in _TORN.values() for draw in draws}
ICON_KINDS = {draw.__name__: draw for draws in _ICONS.values() for draw in draws}
KINDS = (*FREE_KINDS, *TORN_KINDS, *ICON_KINDS)


def kinds_of(split: str, glyphs: Glyphs | None = None) -> list[str]:
    """Kinds that a split may show; validation and test_unseen have kinds of their own.

    With `glyphs`, those alone that can be drawn with them: no icons where there is no symbol font.
    """
    side = split if split in _SIDES else "train"
    kinds = [draw.__name__ for draw in _SIDES[side]]
    if glyphs is None or glyphs.letters:
        kinds += [draw.__name__ for draw in _TORN[side]]
    if glyphs is None or glyphs.icons:
        kinds += [draw.__name__ for draw in _ICONS[side]]
    return kinds


def draw_background(
    kind: str, random: Generator, *, height: int, width: int, glyphs: Glyphs | None = None
) -> NDArray[np.uint8]:
    """One crop [height, width] of `kind`, with ink and ground of chance.

    Raises:
        ValueError: the kind is drawn with letters or icons, and `glyphs` has none.
    """
    found = _draw(kind, random, height, width, glyphs)
    found = found - found.min()
    most = float(found.max())
    found = found / most if most > 0 else np.ones_like(found)
    # Text is drawn black on white: were no background, contrast alone would tell the two apart.
    strong = random.random() < 0.4
    ground = 1.0 if strong else random.uniform(0.75, 1.0)
    ink = 0.0 if strong else random.uniform(0.0, ground - 0.25)
    return np.rint(255 * (ink + (ground - ink) * found)).astype(np.uint8)


def _draw(kind: str, random: Generator, height: int, width: int, glyphs: Glyphs | None) -> Grey:
    if kind in FREE_KINDS:
        return FREE_KINDS[kind](random, height, width)
    if glyphs is None or not (glyphs.letters if kind in TORN_KINDS else glyphs.icons):
        raise ValueError(f"'{kind}' is drawn with fonts, and none are given")
    return (TORN_KINDS | ICON_KINDS)[kind](random, height, width, glyphs)
