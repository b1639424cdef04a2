"""A user's pictures as they are given: the files of a folder or an archive, or the rows of a manifest."""

import os
import posixpath
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.common.params import ProblemSettings
from tasks.images.archive import clean_name, leads_out, read_archive
from tasks.images.file_kinds import is_picture_name, names_suffix, why_left_out
from tasks.images.manifest import IMAGE_COLUMNS, NOT_READ, SUFFIXES, Listed, label_of, read_manifest
from tasks.images.path_pattern import NO_MATCH, compile_pattern, find_files, why_not
from tasks.images.picture_table import picture_columns
from unfont.errors import UserError
from unfont.picture import read_file
from unfont.text import storable

NO_FILE = "there is no such file"
Labels = dict[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture as given: its file's bytes and labels, or the reason why it cannot be used."""

    name: str
    data: bytes | None = None
    labels: Mapping[str, str | None]
    reason: str | None = None


def pattern_of(pattern: str | None, problem: ProblemSettings) -> str:
    """The pattern that is used where `pattern` is given, or is not."""
    return pattern or problem.pattern or f"{{{problem.target}}}/*"


def given_pictures(
    source: Path | None,
    *,
    problem: ProblemSettings,
    pattern: str | None = None,
    manifest: Path | None = None,
    columns: Mapping[str, str] | None = None,
) -> Iterator[Picture]:
    """Every file of a folder or an archive, or every row of a manifest, one that cannot be used with its reason.

    Files that are no pictures at all have the reasons of `tasks.images.file_kinds`.

    Args:
        source: and the others: as `tasks.images.import_images.bring_pictures` has them.

    Raises:
        UserError: source, pattern or manifest are wrong.
    """
    renamed = dict(columns or {})
    if source is not None and manifest is None and source.suffix.lower() in (*SUFFIXES, *NOT_READ) and source.is_file():
        source, manifest = None, source
    _check(source, manifest, pattern, renamed, problem)
    if manifest is not None:
        given = _of_manifest(source or manifest.parent, manifest, problem, renamed)
    else:
        assert source is not None
        given = _of_pattern(source, pattern_of(pattern, problem), problem, renamed)
    return (_finished(picture, problem) for picture in given)


def _check(
    source: Path | None, manifest: Path | None, pattern: str | None, renamed: dict[str, str], problem: ProblemSettings
) -> None:
    if source is None and manifest is None:
        raise UserError("there is nothing to bring in", where="tag", fix="name a folder, an archive or a manifest")
    if source is not None and not source.exists():
        raise UserError("there is no such folder or archive", where=source, fix="fix the path")
    if source is not None and manifest is None and source.is_file() and is_picture_name(source.name):
        raise UserError("this is one picture", where=source, fix="name the folder that holds the pictures")
    if manifest is not None and pattern is not None:
        raise UserError("a manifest and a pattern both say the labels", where=manifest, fix="give one of them")
    known = picture_columns(problem) + (list(IMAGE_COLUMNS) if manifest is not None else [])
    for ours in renamed:
        if ours not in known:
            raise UserError(f"there is no column '{ours}'", where="--columns", fix=f"use {', '.join(known)}")


def _finished(picture: Picture, problem: ProblemSettings) -> Picture:
    """The picture as written: with every label, no bytes if it cannot be used, and a name that UTF-8 can store."""
    labels = {name: picture.labels.get(name) for name in picture_columns(problem)}
    reason = picture.reason
    if reason is None and labels[problem.target] is None:
        reason = f"its {problem.target} is empty"
    return Picture(name=storable(picture.name), data=None if reason else picture.data, labels=labels, reason=reason)


def _of_pattern(source: Path, pattern: str, problem: ProblemSettings, renamed: dict[str, str]) -> Iterator[Picture]:
    """Every file of a folder or an archive, with the labels of its path."""
    placeholders = {renamed.get(name, name): name for name in picture_columns(problem)}
    required = renamed.get(problem.target, problem.target)
    expression = compile_pattern(pattern, columns=list(placeholders), required=required)

    def labels_of(found: Mapping[str, str]) -> Labels:
        return {placeholders[name]: label_of(value) for name, value in found.items()}

    any_suffix = names_suffix(pattern)
    if source.is_dir():
        for file in find_files(source, expression, any_suffix=any_suffix):
            yield _read(file.name, file.path, labels_of(file.labels), file.reason)
        return

    def left_out(name: str) -> str | None:
        return why_left_out(name, matches=expression.fullmatch(name) is not None, any_suffix=any_suffix)

    def wanted(name: str) -> bool:
        return expression.fullmatch(name) is not None and not left_out(name)

    for member in read_archive(source, wanted=wanted):
        match = expression.fullmatch(member.name)
        reason = left_out(member.name) or member.reason or (NO_MATCH if match is None else None)
        labels = labels_of(match.groupdict()) if match else {}
        yield Picture(name=member.name, data=member.data, labels=labels, reason=reason)


def _read(name: str, path: Path, labels: Labels, reason: str | None) -> Picture:
    data = None
    if reason is None:
        try:
            data = read_file(path)
        except UserError as error:
            reason = error.what
    return Picture(name=name, data=data, labels=labels, reason=reason)


def _of_manifest(source: Path, manifest: Path, problem: ProblemSettings, renamed: dict[str, str]) -> Iterator[Picture]:
    """Every row of a manifest, with its picture from the row itself, the folder or the archive `source`."""
    rows = read_manifest(
        manifest,
        columns=picture_columns(problem),
        required=problem.target,
        renamed=renamed,
        exists=lambda name: (source / name).is_file(),
    )
    if source.is_dir():
        root = source.resolve()
        for row in _each_once(_spelled(row, lambda name: os.path.lexists(source / name)) for row in rows):
            if isinstance(row, Picture):
                yield row
            else:
                path = source / str(row.path)
                yield _read(str(row.path), path, row.labels, why_not(path, root))
        return
    yield from _of_listed_archive(source, _each_once(rows))


def _of_listed_archive(source: Path, rows: Iterator[Picture | Listed]) -> Iterator[Picture]:
    # An archive is read in its own order: first every row, then every file.
    wanted: dict[str, Listed] = {}
    listed = []
    for row in rows:
        if isinstance(row, Picture):
            yield row
        elif leads_out(str(row.path)):
            yield Picture(name=str(row.path), labels=row.labels, reason="leads out of the archive")
        else:
            listed.append(row)
            wanted |= {clean_name(name): row for name in reversed(_spellings(str(row.path)))}
    found = set()
    for member in read_archive(source, wanted=wanted.__contains__):
        at = wanted.get(member.name)
        if at is not None and at.number not in found:
            found.add(at.number)
            yield Picture(name=member.name, data=member.data, labels=at.labels, reason=member.reason)
    for at in listed:
        if at.number not in found:
            yield Picture(name=clean_name(str(at.path)), labels=at.labels, reason=NO_FILE)


def _spelled(row: Listed, exists: Callable[[str], bool]) -> Listed:
    """The row with its path as the file is called, where one is."""
    if row.path is None or row.data is not None:
        return row
    return replace(row, path=next(filter(exists, _spellings(row.path)), row.path))


def _spellings(path: str) -> list[str]:
    """A path as it is written, and as other systems write it: blanks around it, backslashes, accents (macOS)."""
    slashes = path.strip().replace("\\", "/")
    accents = [unicodedata.normalize(form, slashes) for form in ("NFC", "NFD")]
    return list(dict.fromkeys(name for name in (path, path.strip(), slashes, *accents) if name))


def _each_once(rows: Iterable[Listed]) -> Iterator[Picture | Listed]:
    """Rows that name a file, each file once; of the others, the picture that they hold or what is wrong."""
    seen: set[str] = set()
    for row in rows:
        number = f"row {row.number}"
        if row.data is not None:
            yield Picture(name=f"{number}: {row.path}" if row.path else number, data=row.data, labels=row.labels)
        elif row.path is None or not row.path.strip():
            yield Picture(name=number, labels=row.labels, reason="names no picture")
        elif (name := posixpath.normpath(row.path.replace("\\", "/"))) in seen:
            yield Picture(name=row.path, labels=row.labels, reason="is listed twice")
        else:
            seen.add(name)
            yield row
