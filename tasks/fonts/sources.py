"""The font files: those of the pinned packages, or those of a user's folder."""

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from fontTools.ttLib import TTFont

from tasks.common.params import SYMBOLS
from tasks.fonts.font_file import SUFFIXES, draws, family_of, is_slanted, licence_of, open_font, style_of, weight_of
from tasks.fonts.metadata import ICONS, Package, read_package
from tasks.fonts.npm import read_manifest
from unfont.errors import UserError

log = logging.getLogger("unfont")

SCRIPT_OF_SUBSET = {
    "arabic": "Arab", "armenian": "Armn", "bengali": "Beng", "chinese-hongkong": "Hani",
    "chinese-simplified": "Hani", "chinese-traditional": "Hani", "cyrillic": "Cyrl", "devanagari": "Deva",
    "ethiopic": "Ethi", "georgian": "Geor", "greek": "Grek", "gujarati": "Gujr", "gurmukhi": "Guru",
    "hebrew": "Hebr", "japanese": "Jpan", "kannada": "Knda", "khmer": "Khmr", "korean": "Kore", "lao": "Laoo",
    "latin": "Latn", "malayalam": "Mlym", "myanmar": "Mymr", "oriya": "Orya", "sinhala": "Sinh", "tamil": "Taml",
    "telugu": "Telu", "thai": "Thai", "tibetan": "Tibt",
}  # fmt: skip
SYMBOL_FAMILIES = ("noto-emoji", "noto-sans-symbols", "noto-sans-symbols-2")  # besides those of category `icons`
SYMBOL_SUBSETS = ("symbols", "emoji", "latin")  # where their icons are: the first of these that a package has
WITH = {"latin": ("latin-ext", "vietnamese"), "cyrillic": ("cyrillic-ext",), "greek": ("greek-ext",)}
SIGNS = "latin"  # the subset that has digits, punctuation and symbols


@dataclass(frozen=True, kw_only=True, order=True)
class FontSource:
    """One font file and the script that it is used for; `parts` are further subset files of the same font."""

    family: str
    script: str
    weight: int
    path: Path
    font_style: str
    licence: str
    parts: tuple[Path, ...] = ()


def packaged_fonts(
    root: Path, *, scripts: list[str], weights: list[int], optional: bool = False, font_style: str | None = None
) -> list[FontSource]:
    """Upright fonts of the families that `root`/package.json depends on, sorted by family, script and weight.

    A family's style is its package's `category`, or where that is none, what its fonts say (else `font_style`); each
    of its files is a Unicode subset: a script. Fonts of icons come besides, as script `Zsym`, and serve no other
    script. `optional` takes the optional packages too. Packages that draw none of `scripts` are named in the log.

    Raises:
        UserError: a package lacks what every package has, or a font of no category says no style.
    """
    names = _listed(root / "package.json", ["dependencies", *(["optionalDependencies"] if optional else [])])
    found: list[FontSource] = []
    unused = []
    for name in sorted(names):
        fonts = _fonts_of_package(root / "node_modules" / name, [*scripts, SYMBOLS], weights, font_style)
        found += fonts
        unused += [] if fonts else [name]
    if unused:
        log.warning("font packages that draw none of the scripts are left out: %s", ", ".join(unused))
    return sorted(found)


def _listed(path: Path, keys: list[str]) -> set[str]:
    """The packages that a package.json lists under `keys`."""
    manifest = read_manifest(path)
    lists = {key: manifest.get(key) or {} for key in keys}
    if wrong := [key for key, packages in lists.items() if not isinstance(packages, dict)]:
        raise UserError(f"`{wrong[0]}` maps no package to a version", where=path, fix="restore it from git")
    return set().union(*lists.values())


def _fonts_of_package(folder: Path, scripts: list[str], weights: list[int], font_style: str | None) -> list[FontSource]:
    package = read_package(folder)
    return [
        FontSource(
            family=package.family,
            script=script,
            weight=weight,
            path=path,
            font_style=package.category or (ICONS if script == SYMBOLS else _style_in(path, font_style)),
            licence=package.licence,
            parts=tuple(parts),
        )
        for weight in nearest(package.files, weights)
        for script, (path, *parts) in _by_script(package, weight).items()
        if script in scripts
    ]


def _style_in(path: Path, font_style: str | None) -> str:
    with open_font(path) as font:
        return _style_of(
            font, path, font_style, silent="neither metadata.json (`category`) nor the font says its style"
        )


def _style_of(
    font: TTFont, path: Path, font_style: str | None, *, silent: str = "the font does not say its style"
) -> str:
    style = style_of(font) or font_style
    if style is None:
        raise UserError(
            silent, where=path, fix="name one for such fonts, --font-style sans-serif (params.yaml: fonts.font_style)"
        )
    return style


def _by_script(package: Package, weight: int) -> dict[str, list[Path]]:
    """Script → its file, followed by the files with other characters that its texts may contain."""
    paths = package.files[weight]
    if package.category == ICONS or package.family in SYMBOL_FAMILIES:
        files = [paths[subset] for subset in SYMBOL_SUBSETS if subset in paths]
        return {SYMBOLS: files[:1]} if files else {}
    if package.subsetted:
        return {
            SCRIPT_OF_SUBSET[subset]: [path, *_parts(subset, paths)]
            for subset, path in sorted(paths.items(), reverse=True)
            if subset in SCRIPT_OF_SUBSET
        }
    # Packages of other foundries hold the whole font in one file, whatever the subset in its name.
    return {script: [path] for path in paths.values() for script in _scripts_of(path)}


def _parts(subset: str, paths: Mapping[str, Path]) -> list[Path]:
    wanted = dict.fromkeys([*WITH.get(subset, ()), SIGNS])
    return [paths[name] for name in wanted if name in paths and name != subset]


def _scripts_of(path: Path, scripts: Iterable[str] = tuple(SCRIPT_OF_SUBSET.values())) -> list[str]:
    with open_font(path) as font:
        coverage = set(font.getBestCmap())
    return sorted({script for script in scripts if draws(coverage, script)})


def nearest(there: Iterable[int], wanted: Iterable[int]) -> list[int]:
    """The weights `there` nearest to the `wanted` ones, each once, sorted; of two equally near, the lighter.

    >>> nearest([300, 500, 900], [400, 700])
    [300, 500]
    """
    weights = sorted(there)
    return sorted({min(weights, key=lambda weight: abs(weight - want)) for want in wanted})


def fonts_in(
    folder: Path, *, scripts: list[str], weights: list[int], font_style: str | None = None
) -> list[FontSource]:
    """Fonts of the files under `folder`, sorted by family, script and weight; links are not followed.

    Style, family and weight are those in the font's tables; the scripts are those whose letters it has. An italic is
    taken only where its family has no upright font; of two files with the same family, script and weight, the first by
    path. `font_style` is the style of fonts whose tables name none.

    Raises:
        UserError: the folder is missing or has no fonts, a file does not open, or a font has no style.
    """
    if not folder.is_dir():
        raise UserError(
            "there is no such folder of fonts",
            where=f"params.yaml: fonts.source {folder}",
            fix="name a folder, or `fontsource` for the pinned packages",
        )
    paths = sorted(Path(top, name) for top, _, names in os.walk(folder) for name in names)
    paths = [path for path in paths if path.suffix.lower() in SUFFIXES]
    if not paths:
        raise UserError(f"no {', '.join(SUFFIXES)} file", where=folder, fix="put fonts there, or name another folder")
    found = sorted(entry for path in paths for entry in _fonts_of_file(path, scripts, font_style))
    chosen = []
    for _, group in groupby(found, key=lambda entry: (entry[0].family, entry[0].script)):
        fonts = list(group)
        upright = [font for font, slanted in fonts if not slanted] or [font for font, _ in fonts]
        first = {font.weight: font for font in reversed(upright)}
        chosen += [first[weight] for weight in nearest(first, weights)]
    return chosen


def _fonts_of_file(path: Path, scripts: list[str], font_style: str | None) -> list[tuple[FontSource, bool]]:
    """The file, once for each script that it covers, and whether it is italic."""
    with open_font(path) as font:
        coverage = set(font.getBestCmap())
        drawn = [script for script in scripts if draws(coverage, script)]
        whole = FontSource(
            family=family_of(font, path),
            script="",
            weight=weight_of(font),
            path=path,
            font_style=_style_of(font, path, font_style) if drawn else "",
            licence=licence_of(font),
        )
        slanted = is_slanted(font)
    return [(replace(whole, script=script), slanted) for script in drawn]
