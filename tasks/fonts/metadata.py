"""What a font package of npm says of itself, and which files it has.

`metadata.json` differs between packages and years: old ones spell weights as strings, or have no category. So only
what nothing else tells is taken from it; weights and subsets are those in the names of the files.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.fonts.font_file import STYLES
from tasks.fonts.npm import read_manifest
from unfont.errors import UserError

ICONS = "icons"  # the category of icon fonts
# .woff, not .woff2: its tables are stored as they are, and open in a tenth of the time.
UPRIGHT = r"-([\w-]+)-(\d{3,4})-normal\.woff"  # after the family: subset and weight
REMOVE = "take it out of package.json, or pin a version that has it"


@dataclass(frozen=True, kw_only=True)
class Package:
    """A font package: `files` by weight and subset; `category` is a style or `icons`, None where it is neither."""

    family: str
    category: str | None
    licence: str
    subsetted: bool  # one font cut by Unicode range, a file a subset; else each file is a font of its own
    files: Mapping[int, Mapping[str, Path]]


def read_package(folder: Path) -> Package:
    """The package in `folder`, a folder of node_modules.

    Raises:
        UserError: it has no upright font, its metadata.json or package.json is no JSON object, or neither names a
            licence.
    """
    again = f"{REMOVE}; if others lack it too, remove node_modules and run again"
    metadata, package = (read_manifest(folder / name, fix=again) for name in ("metadata.json", "package.json"))
    licence = next(filter(None, map(_licence_in, (package.get("license"), metadata.get("license")))), None)
    if licence is None:
        raise UserError("the package names no `license`", where=folder / "package.json", fix=REMOVE)
    category = re.sub(r"[\s_]+", "-", _word(metadata.get("category")))
    return Package(
        family=folder.name,
        category=category if category in (*STYLES, ICONS) else None,
        licence=licence,
        subsetted=_word(metadata.get("type")) == "google",
        files=_files_in(folder),
    )


def _word(value: Any) -> str:
    return value.strip().lower() if isinstance(value, str) else ""


def _licence_in(value: Any) -> str:
    """The licence in `license`: a name, an object whose `type` is the name, or a list of these; else empty."""
    several = value if isinstance(value, list) else [value]
    names = [one.get("type") if isinstance(one, dict) else one for one in several]
    return " OR ".join(name.strip() for name in names if isinstance(name, str) and name.isprintable() and name.strip())


def _files_in(folder: Path) -> dict[int, dict[str, Path]]:
    try:
        paths = sorted((folder / "files").iterdir())
    except OSError as error:
        raise UserError(f"the package has no fonts: {error.strerror}", where=folder / "files", fix=REMOVE) from error
    files: dict[int, dict[str, Path]] = {}
    for path in paths:
        if named := re.fullmatch(re.escape(folder.name) + UPRIGHT, path.name, re.ASCII):
            files.setdefault(int(named[2]), {})[named[1]] = path
    if not files:
        raise UserError(
            f"the package has no upright .woff, {folder.name}-<subset>-<weight>-normal.woff",
            where=folder / "files",
            fix=f"{REMOVE} (packages of variable fonts have none: take the one of fixed weights)",
        )
    return files
