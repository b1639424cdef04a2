"""The font files of a user's folder."""

import os
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from tasks.fonts.font_file import (
    SUFFIXES,
    draws,
    faces_in,
    family_of,
    is_slanted,
    licence_of,
    open_font,
    reading,
    weight_of,
)
from tasks.fonts.sources import REGULAR, FontSource, Wanted, nearest, style_or
from tasks.fonts.variable import locations_of
from unfont.errors import UserError

LITTER = "._"  # how names begin of what macOS writes beside files on foreign disks


def fonts_in(folder: Path, wanted: Wanted) -> list[FontSource]:
    """Fonts of the files under `folder`, sorted by family, script and weight; links are not followed.

    Style, family and weight are those in the font's tables; the scripts are those whose letters it has. Every face of
    a collection is a font. A variable font is taken at each weight and width as far as its axes go. An italic is
    taken for the scripts that get theirs, in the weight nearest to regular, and wherever its family has no upright
    font; of two files with the same family, script, weight and width, the first by path.

    Raises:
        UserError: the folder is missing or has no fonts, a file does not open, or a font has no style.
    """
    if not folder.is_dir():
        raise UserError(
            "there is no such folder of fonts",
            where=f"params.yaml: fonts.source {folder}",
            fix="name a folder, or `data/fonts` for the pinned packages",
        )
    paths = sorted(Path(top, name) for top, _, names in os.walk(folder) for name in names)
    paths = [path for path in paths if path.suffix.lower() in SUFFIXES and not path.name.startswith(LITTER)]
    if not paths:
        raise UserError(f"no {', '.join(SUFFIXES)} file", where=folder, fix="put fonts there, or name another folder")
    found = sorted(font for path in paths for face in range(faces_in(path)) for font in _fonts_of(path, face, wanted))
    chosen = []
    for (_, script), group in groupby(found, key=lambda font: (font.family, font.script)):
        chosen += _choose(list(group), wanted, italics=script in wanted.italics)
    return sorted(chosen)


def _fonts_of(path: Path, face: int, wanted: Wanted) -> list[FontSource]:
    """A font, once for each script that it covers and each place on its axes."""
    with open_font(path, face) as font, reading(path):
        coverage = set(font.getBestCmap())
        drawn = [script for script in wanted.scripts if draws(coverage, script)]
        whole = FontSource(
            family=family_of(font, path),
            script="",
            weight=weight_of(font),
            path=path,
            font_style=style_or(wanted.font_style, font, path) if drawn else "",
            licence=licence_of(font),
            face=face,
            italic=is_slanted(font),
        )
        locations = locations_of(font, wanted.weights, wanted.widths)
    placed = [replace(whole, location=place, weight=int(dict(place).get("wght", whole.weight))) for place in locations]
    return [replace(one, script=script) for script in drawn for one in placed]


def _choose(fonts: list[FontSource], wanted: Wanted, *, italics: bool) -> list[FontSource]:
    """Of a family's fonts of one script, those that are taken; an italic without an upright stands for it."""
    upright = [font for font in fonts if not font.italic]
    if not upright:
        return _nearest([replace(font, italic=False) for font in fonts], list(wanted.weights))
    slanted = [font for font in fonts if font.italic and italics]
    return _nearest(upright, list(wanted.weights)) + _nearest(slanted, [REGULAR])


def _nearest(fonts: list[FontSource], weights: list[int]) -> list[FontSource]:
    first: dict[tuple[int, float], FontSource] = {}
    for font in fonts:
        first.setdefault((font.weight, dict(font.location).get("wdth", 100)), font)
    taken = nearest((font.weight for font in fonts), weights if fonts else [])
    return [font for (weight, _), font in first.items() if weight in taken]
