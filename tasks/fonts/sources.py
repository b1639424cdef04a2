"""The font files of the pinned packages."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fontTools.ttLib import TTFont

from tasks.common.params import SYMBOLS
from tasks.crop_table.other_scripts import OTHER_SCRIPTS
from tasks.fonts.font_file import draws, open_font, style_of
from tasks.fonts.metadata import ICONS, Cut, Package, read_package
from tasks.fonts.npm import read_manifest
from tasks.fonts.styles import read_styles
from tasks.fonts.variable import Location, locations_of
from unfont.errors import UserError
from unfont.labels import UNKNOWN

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
OTHER_OF_SUBSET = {other.subset: script for script, other in OTHER_SCRIPTS.items()}
NOTO = re.compile("noto-(?:sans|serif)-(.+)")  # a family for one script, and the script's subset
SIGNS = "latin"  # the subset that has digits, punctuation and symbols
REGULAR = 400


@dataclass(frozen=True, kw_only=True, order=True)
class FontSource:
    """One font of a file and the script that it is used for; `parts` are further subset files of the same font.

    A script that is not learned is `Zzzz`, and `other` says which one.
    """

    family: str
    script: str
    weight: int
    path: Path
    font_style: str
    licence: str
    parts: tuple[Path, ...] = ()
    face: int = 0  # of a collection
    location: Location = ()  # of a variable font
    italic: bool = False  # and its family has an upright font of the script
    other: str = ""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which fonts of a family are taken; widths in percent of normal, `italics` the scripts that get theirs."""

    scripts: Sequence[str]
    weights: Sequence[int]
    widths: Sequence[int] = (100,)
    italics: Sequence[str] = ()
    font_style: str | None = None  # of fonts that do not say their own


def packaged_fonts(root: Path, wanted: Wanted, *, optional: bool = False) -> list[FontSource]:
    """Fonts of the families that `root`/package.json depends on, sorted by family, script and weight.

    A family's style is the one listed in `root`/styles.json, else its package's `category`, else what its fonts say
    (or the wanted `font_style`); each of its files is a Unicode subset: a script. A variable font is taken at each
    weight and width. Italics are taken in one weight, the one nearest to regular. Besides come fonts of icons, as
    script `Zsym`, and the Noto fonts of `OTHER_SCRIPTS`, as script `Zzzz`; neither serve another script. `optional`
    takes the optional packages too. Packages that draw none of the scripts are named in the log.

    Raises:
        UserError: a package lacks what every package has, or a font of no category says no style.
    """
    names = _listed(root / "package.json", ["dependencies", *(["optionalDependencies"] if optional else [])])
    styles = read_styles(root / "styles.json")
    found: list[FontSource] = []
    unused = []
    for name in sorted(names):
        fonts = _fonts_of_package(root / "node_modules" / name, wanted, styles)
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


def _fonts_of_package(folder: Path, wanted: Wanted, styles: Mapping[str, str]) -> list[FontSource]:
    package = read_package(folder)
    return [
        FontSource(
            family=package.family,
            script=script,
            weight=int(dict(location).get("wght", cut.weight or REGULAR)),
            path=path,
            font_style=styles.get(package.family)
            or package.category
            or (ICONS if script == SYMBOLS else _style_in(path, wanted.font_style)),
            licence=package.licence,
            parts=tuple(parts),
            location=location,
            italic=cut.italic,
            other=other,
        )
        for cut in _cuts(package, wanted.weights)
        for (script, other), (path, *parts) in _by_label(package, cut, wanted).items()
        for location in _locations(path, cut, wanted)
    ]


def _by_label(package: Package, cut: Cut, wanted: Wanted) -> dict[tuple[str, str], list[Path]]:
    """Script and other script → its files; of a family for a script that is not learned, that one alone."""
    found = _by_script(package, cut)
    unlearned = set() if cut.italic else OTHER_SCRIPTS.keys() - set(wanted.scripts)
    others = {(UNKNOWN, script): found[script][:1] for script in found if script in unlearned}
    if others and NOTO.fullmatch(package.family):
        return others
    kept = {*wanted.scripts, SYMBOLS}.intersection(wanted.italics if cut.italic else found)
    return {(script, ""): found[script] for script in found if script in kept} | others


def _cuts(package: Package, weights: Sequence[int]) -> list[Cut]:
    upright, italic = ([cut.weight for cut in package.files if cut.italic is slanted] for slanted in (False, True))
    chosen = [Cut(weight, False) for weight in nearest(upright, weights)]
    return chosen + [Cut(weight, True) for weight in nearest(italic, [REGULAR] if italic else [])]


def _locations(path: Path, cut: Cut, wanted: Wanted) -> list[Location]:
    if cut.weight:
        return [()]
    with open_font(path) as font:
        return locations_of(font, [REGULAR] if cut.italic else wanted.weights, wanted.widths)


def _style_in(path: Path, font_style: str | None) -> str:
    with open_font(path) as font:
        return style_or(font_style, font, path, silent="neither metadata.json (`category`) nor the font says its style")


def style_or(
    font_style: str | None, font: TTFont, path: Path, *, silent: str = "the font does not say its style"
) -> str:
    """The style that the font's tables say, else `font_style`.

    Raises:
        UserError: neither says one.
    """
    style = style_of(font) or font_style
    if style is None:
        raise UserError(
            silent, where=path, fix="name one for such fonts, --font-style sans-serif (params.yaml: fonts.font_style)"
        )
    return style


def _by_script(package: Package, cut: Cut) -> dict[str, list[Path]]:
    """Script → its file, followed by the files with other characters that its texts may contain."""
    paths = package.files[cut]
    if package.category == ICONS or package.family in SYMBOL_FAMILIES:
        files = [paths[subset] for subset in SYMBOL_SUBSETS if subset in paths]
        return {SYMBOLS: files[:1]} if files else {}
    if package.subsetted:
        found = {
            SCRIPT_OF_SUBSET[subset]: [path, *_parts(subset, paths)]
            for subset, path in sorted(paths.items(), reverse=True)
            if subset in SCRIPT_OF_SUBSET
        } | _other_scripts(package.family, paths)
        # A variable font takes seconds to cut, and is there for a script that has few others.
        return {script: own for script, own in found.items() if cut.weight or script != "Latn" or len(found) == 1}
    # Packages of other foundries hold the whole font in one file, whatever the subset in its name.
    return {script: [path] for path in paths.values() for script in _scripts_of(path)}


def _other_scripts(family: str, paths: Mapping[str, Path]) -> dict[str, list[Path]]:
    """The script that a Noto family is for, where it is one of `OTHER_SCRIPTS`; of traditional Chinese fonts Bopo."""
    noto = NOTO.fullmatch(family)
    subset = noto[1] if noto else OTHER_SCRIPTS["Bopo"].subset
    if subset not in OTHER_OF_SUBSET or subset not in paths:
        return {}
    return {OTHER_OF_SUBSET[subset]: [paths[subset], *_parts(subset, paths)]}


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
