"""Doctor, of the fetched font packages: is each the one that the lock pins, and is every font file whole?"""

import struct
from pathlib import Path
from typing import Any

from apps.doctor import Finding
from tasks.fonts.npm import read_manifest
from unfont.errors import UserError

WHAT = "font packages"
AGAIN = "remove its node_modules, then `unfont fonts`: it fetches them again"


def font_packages(root: Path, *, optional: bool) -> Finding:
    """Of the folder with package.json and its lock; with `optional` the optional packages count too.

    npm keeps no hash of single files. But each font file tells its own length, so one that was cut off or emptied is
    found without reading it whole.
    """
    try:
        wanted = {
            path: package
            for path, package in _locked(root / "package-lock.json").items()
            if path and (optional or not package.get("optional"))
        }
        if not (root / "node_modules").is_dir():
            return Finding(WHAT, f"{len(wanted)} are pinned, none is fetched: the first run fetches them")
        installed = _locked(root / "node_modules" / ".package-lock.json")
    except UserError as error:
        return Finding(WHAT, f"{error.what} ({error.where})", error.fix)
    others = [path for path in wanted if not _is_pinned(root / path, wanted[path], installed.get(path, {}))]
    files = [file for path in wanted for file in sorted((root / path).rglob("*")) if file.suffix in LENGTHS]
    cut = [str(file.relative_to(root / "node_modules")) for file in files if not is_whole(file)]
    if others:
        return Finding(WHAT, f"not as {root / 'package-lock.json'} pins them: {_first(others)}", AGAIN)
    if cut:
        return Finding(WHAT, f"font files are damaged in {root / 'node_modules'}: {_first(cut)}", AGAIN)
    return Finding(WHAT, f"{len(wanted)} as pinned, their {len(files)} font files whole")


def is_whole(file: Path) -> bool:
    """Whether a font file is as long as its own header says."""
    try:
        with file.open("rb") as font:
            return 0 <= file.stat().st_size - LENGTHS[file.suffix](font) < 4  # tables may be padded to four bytes
    except (OSError, struct.error, ValueError):
        return False


def _woff_length(font: Any) -> int:
    """The header's `length`: WOFF 1.0, section 4; WOFF 2.0, section 4.1."""
    signature, length = struct.unpack(">4s4xI", font.read(12))
    if signature not in (b"wOFF", b"wOF2"):
        raise ValueError("no WOFF file")
    return int(length)


def _sfnt_length(font: Any) -> int:
    """Where the last table ends (OpenType, table directory)."""
    (tables,) = struct.unpack(">4xH6x", font.read(12))
    ends = [offset + length for offset, length in (struct.unpack(">8xII", font.read(16)) for _ in range(tables))]
    return max(ends)


LENGTHS = {".woff": _woff_length, ".woff2": _woff_length, ".ttf": _sfnt_length, ".otf": _sfnt_length}


def _locked(path: Path) -> dict[str, dict[str, Any]]:
    return dict(read_manifest(path).get("packages") or {})


def _is_pinned(folder: Path, wanted: dict[str, Any], installed: dict[str, Any]) -> bool:
    """Whether npm wrote down the pinned hash, and the package says the pinned version of itself."""
    try:
        version = read_manifest(folder / "package.json").get("version")
    except UserError:
        return False
    return bool(installed.get("integrity") == wanted.get("integrity") and version == wanted.get("version"))


def _first(names: list[str]) -> str:
    shown = ", ".join(name.removeprefix("node_modules/") for name in names[:3])
    return shown + (f", and {len(names) - 3} more" if len(names) > 3 else "")
