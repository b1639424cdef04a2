"""What the user names, as pictures: files, folders, patterns, a list on standard input, Parquet.

Nothing heavy is imported, so that a wrong path costs no waiting.
"""

import glob
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from unfont.errors import UserError
from unfont.text import shown

STDIN = "-"
SUFFIXES = {".bmp", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
PARQUET = ".parquet"
MACOS = "__MACOSX"  # what macOS adds to its archives: files named as the pictures, which are none


@dataclass(frozen=True)
class Item:
    """A picture to be read: what it is called, and its file, its file's bytes, or the reason why there is none."""

    name: str
    path: str | None = None
    data: bytes | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Found:
    """`paths` of pictures and of Parquet files, in order; `total` is the number of pictures, rows counted."""

    paths: list[str]
    total: int

    def items(self) -> Iterator[Item]:
        """The pictures one by one: those of a Parquet file are read as they are asked for."""
        for path in self.paths:
            if is_parquet(path):
                from tasks.predict.parquet_rows import items_of

                yield from items_of(path)
            else:
                yield Item(path, path)


def find_pictures(sources: Sequence[str], *, listing: Callable[[], bytes]) -> Found:
    """The pictures that `sources` name, in this order.

    Args:
        sources: files; folders, of which every picture is taken, at any depth; patterns such as `scans/**/*.png`;
            Parquet files (`tasks.predict.parquet_rows`); and `-`, a list of files on standard input, one a line or
            each ended by NUL. Files of a folder or a pattern come sorted, without hidden ones.
        listing: reads standard input.

    Raises:
        UserError: a source does not exist or holds no picture. A file of the list is not looked at here.
    """
    paths = [path for source in sources for path in _paths_of(source, listing)]
    return Found(paths, sum(_count(path) for path in paths))


def is_parquet(path: str) -> bool:
    return path[-len(PARQUET) :].lower() == PARQUET


def _count(path: str) -> int:
    if not is_parquet(path):
        return 1
    from tasks.predict.parquet_rows import rows_of

    return rows_of(path)


def _paths_of(source: str, listing: Callable[[], bytes]) -> list[str]:
    if source == STDIN:
        return _listed(listing())
    mode = _mode(source)
    if mode is not None:
        return _in_folder(source) if stat.S_ISDIR(mode) else [source]
    if glob.has_magic(source):
        return _matches(source)
    raise UserError("there is no such file", where=shown(source), fix="fix the path")


def _mode(path: str) -> int | None:
    try:
        return Path(path).stat().st_mode if path else None  # Path("") is the working folder
    except PermissionError as error:
        raise UserError(f"cannot read: {error.strerror}", where=shown(path), fix="make it readable") from None
    except (OSError, ValueError):
        return None


def _in_folder(folder: str) -> list[str]:
    def refuse(error: OSError) -> None:
        raise UserError(f"cannot read: {error.strerror}", where=shown(error.filename), fix="make it readable")

    found = []
    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if _is_taken(name)]
        found += [str(Path(parent, name)) for name in files if _is_taken(name) and _is_picture(name)]
    if not found:
        fix = f"name another folder; of Parquet, '{shown(folder)}/*{PARQUET}'"
        raise UserError("the folder holds no pictures", where=shown(folder), fix=fix)
    return sorted(found)


def _matches(pattern: str) -> list[str]:
    # Path.glob takes no absolute pattern, and gives hidden files.
    matches = glob.glob(pattern, recursive=True)  # noqa: PTH207
    found = [path for path in matches if Path(path).is_file() and MACOS not in path]
    if not found:
        raise UserError("no file matches", where=shown(pattern), fix="fix the pattern")
    return sorted(found)


def _is_taken(name: str) -> bool:
    return not name.startswith(".") and name != MACOS


def _is_picture(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES


def _listed(data: bytes) -> list[str]:
    """Paths as `find -print0` writes them or, where there is no NUL, one a line."""
    parts = data.split(b"\0") if b"\0" in data else [line.removesuffix(b"\r") for line in data.split(b"\n")]
    paths = [os.fsdecode(part) for part in parts if part.strip()]
    if not paths:
        raise UserError("standard input lists no file", where=STDIN, fix="give it one path a line")
    return paths
