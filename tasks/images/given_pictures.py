"""A user's pictures as they are given: the files of a folder or an archive, or the rows of a manifest."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasks.common.params import ProblemSettings
from tasks.crop_table.shards import label_columns
from tasks.images.archive import clean_name, leads_out, read_archive
from tasks.images.manifest import IMAGE_COLUMNS, SUFFIXES, Listed, label_of, read_manifest
from tasks.images.path_pattern import NO_MATCH, compile_pattern, find_files, why_not
from unfont.errors import UserError
from unfont.picture import read_file
from unfont.text import storable

TEXT, PAIR = "text", "pair"

Labels = dict[str, str | None]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture as given: its file's bytes and labels, or the reason why it cannot be used."""

    name: str
    data: bytes | None = None
    labels: Mapping[str, str | None]
    reason: str | None = None


def picture_columns(problem: ProblemSettings) -> list[str]:
    """What a user may give for a picture: the problem's labels, the text that it shows, and the name of its pair."""
    return [*label_columns(problem), TEXT, PAIR]


def given_pictures(
    source: Path | None,
    *,
    problem: ProblemSettings,
    pattern: str | None = None,
    manifest: Path | None = None,
    columns: Mapping[str, str] | None = None,
) -> Iterator[Picture]:
    """Every file of a folder or an archive, or every row of a manifest, one that cannot be used with its reason.

    Args:
        source: and the others: as `tasks.images.import_images.bring_pictures` has them.

    Raises:
        UserError: source, pattern or manifest are wrong.
    """
    renamed = dict(columns or {})
    if source is not None and manifest is None and source.suffix.lower() in SUFFIXES and source.is_file():
        source, manifest = None, source
    _check(source, manifest, pattern, renamed, problem)
    if manifest is not None:
        given = _of_manifest(source or manifest.parent, manifest, problem, renamed)
    else:
        assert source is not None
        given = _of_pattern(source, pattern or problem.pattern or f"{{{problem.target}}}/*", problem, renamed)
    return (_finished(picture, problem) for picture in given)


def _check(
    source: Path | None, manifest: Path | None, pattern: str | None, renamed: dict[str, str], problem: ProblemSettings
) -> None:
    if source is None and manifest is None:
        raise UserError("there is nothing to bring in", where="tag", fix="name a folder, an archive or a manifest")
    if source is not None and not source.exists():
        raise UserError("there is no such folder or archive", where=source, fix="fix the path")
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

    if source.is_dir():
        for file in find_files(source, expression):
            yield _read(file.name, file.path, labels_of(file.labels), file.reason)
        return
    for member in read_archive(source, wanted=lambda name: expression.fullmatch(name) is not None):
        match = expression.fullmatch(member.name)
        reason = member.reason or (NO_MATCH if match is None else None)
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
    rows = read_manifest(manifest, columns=picture_columns(problem), required=problem.target, renamed=renamed)
    if source.is_dir():
        root = source.resolve()
        for row in _each_once(rows):
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
    for row in rows:
        if isinstance(row, Picture):
            yield row
        elif leads_out(str(row.path)):
            yield Picture(name=str(row.path), labels=row.labels, reason="leads out of the archive")
        else:
            wanted[clean_name(str(row.path))] = row
    for member in read_archive(source, wanted=wanted.__contains__):
        found = wanted.pop(member.name, None)
        if found is not None:
            yield Picture(name=member.name, data=member.data, labels=found.labels, reason=member.reason)
    for name, row in wanted.items():
        yield Picture(name=name, labels=row.labels, reason="there is no such file")


def _each_once(rows: Iterator[Listed]) -> Iterator[Picture | Listed]:
    """Rows that name a file, each file once; of the others, the picture that they hold or what is wrong."""
    seen: set[str] = set()
    for row in rows:
        number = f"row {row.number}"
        if row.data is not None:
            yield Picture(name=f"{number}: {row.path}" if row.path else number, data=row.data, labels=row.labels)
        elif row.path is None:
            yield Picture(name=number, labels=row.labels, reason="names no picture")
        elif (name := posixpath.normpath(row.path)) in seen:
            yield Picture(name=row.path, labels=row.labels, reason="is listed twice")
        else:
            seen.add(name)
            yield row
