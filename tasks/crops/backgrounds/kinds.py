"""Non-text crops (`Zxxx`), of kinds that script classifiers mistake for text.

A kind is one painter, the function of its name (`tasks.crop_table.kinds`).
"""

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tasks.crop_table.kinds import FREE, ICONS, TORN
from tasks.crops.backgrounds import from_glyphs, marks, scenes, shapes, textures
from tasks.crops.backgrounds.canvas import Grey, Painter
from tasks.crops.backgrounds.from_glyphs import GlyphPainter
from tasks.crops.backgrounds.glyph_ink import Glyphs


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
KINDS = (*FREE_KINDS, *TORN_KINDS, *ICON_KINDS)


def draw_background(
    kind: str, rng: Generator, *, height: int, width: int, glyphs: Glyphs | None = None
) -> NDArray[np.uint8]:
    """One crop [height, width] of `kind`, with random grey levels of foreground and background.

    Raises:
        ValueError: the kind is drawn with letters or icons, and `glyphs` has none.
    """
    found = _draw(kind, rng, height, width, glyphs)
    found = found - found.min()
    most = float(found.max())
    found = found / most if most > 0 else np.ones_like(found)
    # Text is black on white: if no background were, contrast alone would separate the classes.
    strong = rng.random() < 0.4
    ground = 1.0 if strong else rng.uniform(0.75, 1.0)
    ink = 0.0 if strong else rng.uniform(0.0, ground - 0.25)
    return np.rint(255 * (ink + (ground - ink) * found)).astype(np.uint8)


def _draw(kind: str, rng: Generator, height: int, width: int, glyphs: Glyphs | None) -> Grey:
    if kind in FREE_KINDS:
        return FREE_KINDS[kind](rng, height, width)
    if glyphs is None or not (glyphs.letters if kind in TORN_KINDS else glyphs.icons):
        raise ValueError(f"'{kind}' is drawn with fonts, and none are given")
    return (TORN_KINDS | ICON_KINDS)[kind](rng, height, width, glyphs)
