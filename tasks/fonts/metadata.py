"""What a font package of npm says of itself, and which files it has.

`metadata.json` differs between packages and years: old ones spell weights as strings, or have no category. So only
what nothing else tells is taken from it; weights and subsets are those in the names of the files.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tasks.fonts.font_file import STYLES, SUFFIXES, is_slanted, open_font, weight_of
from tasks.fonts.npm import read_manifest
from unfont.errors import UserError

ICONS = "icons"  # the category of icon fonts
STATIC, VARIABLE = "@fontsource", "@fontsource-variable"  # scopes whose files have such names; others are searched
# After the family: subset, weight or axes, and slope. .woff where it is to be had: its tables are stored as they are,
# and open in a tenth of the time of .woff2.
NAMES = {
    STATIC: r"-([\w-]+)-(\d{3,4})-(normal|italic)\.woff",
    VARIABLE: r"-([\w-]+)-(standard|wght|full)-(normal|italic)\.woff2",
}
AXES = ("standard", "full", "wght")  # of a variable font's files the first of these: weight and width, all, weight
REMOVE = "take it out of package.json, or pin a version that has it"


class Cut(NamedTuple):
    """One weight and slope of a family; the weight of a variable font is 0: it has many."""

    weight: int
    italic: bool


@dataclass(frozen=True, kw_only=True)
class Package:
    """A font package: `files` by cut and subset; `category` is a style or `icons`, None where it is neither."""

    family: str
    category: str | None
    licence: str
    subsetted: bool  # one font cut by Unicode range, a file a subset; else each file is a font of its own
    files: Mapping[Cut, Mapping[str, Path]]


def read_package(folder: Path) -> Package:
    """The package in `folder`, a folder of node_modules.

    Raises:
        UserError: it has no upright font, its metadata.json or package.json is no JSON object, or neither names a
            licence.
    """
    again = f"{REMOVE}; if others lack it too, remove node_modules and run again"
    scope = folder.parent.name
    package = read_manifest(folder / "package.json", fix=again)
    said = folder / "metadata.json"
    metadata = read_manifest(said, fix=again) if scope in NAMES or said.is_file() else {}
    licence = next(filter(None, map(_licence_in, (package.get("license"), metadata.get("license")))), None)
    if licence is None:
        raise UserError("the package names no `license`", where=folder / "package.json", fix=REMOVE)
    category = re.sub(r"[\s_]+", "-", _word(metadata.get("category")))
    return Package(
        family=folder.name,
        category=category if category in (*STYLES, ICONS) else None,
        licence=licence,
        subsetted=_word(metadata.get("type")) == "google",
        files=_named_files(folder, scope) if scope in NAMES else _any_files(folder),
    )


def _word(value: Any) -> str:
    return value.strip().lower() if isinstance(value, str) else ""


def _licence_in(value: Any) -> str:
    """The licence in `license`: a name, an object whose `type` is the name, or a list of these; else empty."""
    several = value if isinstance(value, list) else [value]
    names = [one.get("type") if isinstance(one, dict) else one for one in several]
    return " OR ".join(name.strip() for name in names if isinstance(name, str) and name.isprintable() and name.strip())


def _named_files(folder: Path, scope: str) -> dict[Cut, dict[str, Path]]:
    try:
        paths = sorted((folder / "files").iterdir())
    except OSError as error:
        raise UserError(f"the package has no fonts: {error.strerror}", where=folder / "files", fix=REMOVE) from error
    pattern = re.compile(re.escape(folder.name) + NAMES[scope], re.ASCII)
    found = [
        (match[1], match[2], match[3] == "italic", path) for path in paths if (match := pattern.fullmatch(path.name))
    ]
    if scope == VARIABLE:
        found.sort(key=lambda one: AXES.index(one[1]), reverse=True)
    files: dict[Cut, dict[str, Path]] = {}
    for subset, weight, italic, path in found:
        files.setdefault(Cut(0 if scope == VARIABLE else int(weight), italic), {})[subset] = path
    if all(cut.italic for cut in files):
        suffix = "<axes>-normal.woff2" if scope == VARIABLE else "<weight>-normal.woff"
        raise UserError(
            f"the package has no upright font, {folder.name}-<subset>-{suffix}", where=folder / "files", fix=REMOVE
        )
    return files


def _any_files(folder: Path) -> dict[Cut, dict[str, Path]]:
    """The font files of a package that names them in its own way: each is a font, and says its weight itself."""
    files: dict[Cut, dict[str, Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            with open_font(path) as font:
                files.setdefault(Cut(weight_of(font), is_slanted(font)), {})[path.name] = path
    if all(cut.italic for cut in files):
        raise UserError("the package has no upright font", where=folder, fix=REMOVE)
    return files
