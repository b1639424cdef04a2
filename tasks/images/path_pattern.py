"""Labels from paths: `{script}/{font_style}/*.png` says which part of a file's path is which label."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.images.file_kinds import why_left_out
from unfont.errors import UserError

NO_MATCH = "does not match the pattern"
_PARTS = re.compile(r"\{(?P<name>[^{}]*)\}|(?P<deep>(?:\*\*/)+)|(?P<any>\*+)|(?P<one>\?)|(?P<other>[^{}*?]+|[{}])")


@dataclass(frozen=True, kw_only=True)
class Found:
    """A file of a folder: its labels by placeholder, or the reason why it cannot be used."""

    path: Path
    name: str
    labels: dict[str, str]
    reason: str | None = None


def compile_pattern(pattern: str, *, columns: Sequence[str], required: str) -> re.Pattern[str]:
    """A regular expression for paths inside a folder, with `/` between their parts.

    `{column}` is a label: one or more characters of one part, as few as the pattern allows; `*` and `?` are as in a
    shell, `**/` is any number of folders.

    Raises:
        UserError: a placeholder is not one of `columns`, is there twice, or `required` is missing.
    """
    where = f"pattern '{pattern}'"
    known = ", ".join(f"{{{column}}}" for column in columns)
    expression, used = "", set()
    for part in _PARTS.finditer(pattern.removeprefix("./")):
        name = part["name"]
        if name is None:
            wild = {"deep": "(?:[^/]+/)*", "any": "[^/]*", "one": "[^/]"}
            expression += wild.get(str(part.lastgroup), re.escape(part[0]))
            continue
        if name not in columns or not name.isidentifier():
            raise UserError(f"there is no placeholder {{{name}}}", where=where, fix=f"use {known}")
        if name in used:
            raise UserError(f"{{{name}}} is there twice", where=where, fix="name each label once")
        used.add(name)
        expression += f"(?P<{name}>[^/]+?)"
    if required not in used:
        raise UserError(
            f"{{{required}}} is missing", where=where, fix=f"say where it stands, as in '{{{required}}}/*.png'"
        )
    return re.compile(expression, re.DOTALL)  # a file's name may hold a line break


def find_files(folder: Path, expression: re.Pattern[str], *, any_suffix: bool = True) -> Iterator[Found]:
    """Every file below `folder`, sorted by path, with its labels or the reason why it has none.

    Links are followed if they end inside of the folder; linked folders are never entered. Without `any_suffix` only
    files with a picture's suffix, or with none, are pictures (`tasks.images.file_kinds.why_left_out`).

    Raises:
        UserError: `folder` is no folder, or cannot be read.
    """
    if not folder.is_dir():
        fix = "name the folder that holds the pictures; unpack an archive first"
        raise UserError("this is no folder", where=folder, fix=fix)
    root = folder.resolve()
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        match = expression.fullmatch(name)
        reason = why_not(path, root)
        left_out = why_left_out(name, matches=match is not None, any_suffix=any_suffix)
        if path.is_dir():
            yield Found(path=path, name=name, labels={}, reason=reason or "is a linked folder")
        elif match is None or left_out:
            yield Found(path=path, name=name, labels={}, reason=left_out or NO_MATCH)
        else:
            yield Found(path=path, name=name, labels={} if reason else match.groupdict(), reason=reason)


def why_not(path: Path, root: Path) -> str | None:
    """Why a file below the resolved folder `root` must not be opened; None where it may be."""
    try:
        inside = path.resolve().is_relative_to(root)
    except (OSError, RuntimeError, ValueError):  # circular links, impossible names
        return "there is no such file"
    return None if inside else "leads out of the folder"


def _walk(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise UserError(f"cannot read: {error.strerror}", where=error.filename, fix="make it readable")

    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders.sort()
        linked = [name for name in folders if Path(parent, name).is_symlink()]
        for name in sorted([*files, *linked]):
            yield Path(parent) / name
