"""Import a user's pictures from a folder, an archive or a manifest into a few Parquet files with their labels."""

import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.common.errors import UserError
from tasks.common.files import written_whole
from tasks.common.params import ProblemSettings
from tasks.common.text import storable
from tasks.crop_table.shards import label_columns, shard_name
from tasks.images.archive import clean_name, leads_out, read_archive
from tasks.images.manifest import IMAGE_COLUMNS, SUFFIXES, Listed, label_of, read_manifest
from tasks.images.path_pattern import NO_MATCH, compile_pattern, find_files, why_not
from tasks.images.read_image import read_file

TEXT, PAIR = "text", "pair"
GROUP_BYTES = 16 * 2**20  # of a Parquet row group: what a reader holds at a time
SHARD_BYTES = 256 * 2**20
SHARD_ROWS = 100_000

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


def picture_schema(problem: ProblemSettings) -> pa.Schema:
    """Columns of imported pictures; `image` holds the file unchanged, `reason` is null if it is usable."""
    names = ["name", *picture_columns(problem), "reason"]
    return pa.schema([pa.field("image", pa.binary()), *(pa.field(name, pa.string()) for name in names)])


def bring_pictures(
    source: Path | None,
    *,
    problem: ProblemSettings,
    out: Path,
    pattern: str | None = None,
    manifest: Path | None = None,
    columns: Mapping[str, str] | None = None,
) -> dict[str, float]:
    """Write a user's pictures, as they are, with their labels to the folder `out`; what was there is replaced.

    Args:
        source: a folder or an archive (tar, zip) of pictures; or a manifest. Null: the manifest's folder.
        pattern: where the labels are in a file's path (`tasks.images.path_pattern.compile_pattern`); by default the
            problem's own, else `{target}/*`.
        manifest: a CSV or Parquet file that lists the pictures below `source`, or holds them.
        columns: the pattern's or manifest's name of a column, by its name here.

    Returns: how many pictures were `given`, `accepted` and `rejected`. Rejected ones are rows too, with a reason and
        no bytes.

    Raises:
        UserError: source, pattern or manifest are wrong, or no picture can be used.
    """
    reasons: Counter[str | None] = Counter()

    def counted(pictures: Iterator[Picture]) -> Iterator[Picture]:
        for picture in pictures:
            reasons[picture.reason] += 1
            yield picture

    given = given_pictures(source, problem=problem, pattern=pattern, manifest=manifest, columns=columns)
    with written_whole(out) as beside:
        write_pictures(beside, counted(given), picture_schema(problem))
        if not reasons[None]:
            raise _nothing(reasons, manifest or source)
    accepted, total = reasons[None], reasons.total()
    return {"given": float(total), "accepted": float(accepted), "rejected": float(total - accepted)}


def given_pictures(
    source: Path | None,
    *,
    problem: ProblemSettings,
    pattern: str | None = None,
    manifest: Path | None = None,
    columns: Mapping[str, str] | None = None,
) -> Iterator[Picture]:
    """Every file of a folder or an archive, or every row of a manifest: as `bring_pictures` writes them.

    Raises:
        UserError: as `bring_pictures`.
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


def write_pictures(folder: Path, pictures: Iterator[Picture], schema: pa.Schema) -> None:
    """Write `pictures`, in order, as few big shards in the new folder `folder`, in bounded memory."""
    folder.mkdir(parents=True)
    shards = 0
    writer, rows, size = None, 0, 0
    try:
        for table, bytes_in in _row_groups(pictures, schema):
            if writer is None or rows + table.num_rows > SHARD_ROWS or size + bytes_in > SHARD_BYTES:
                if writer is not None:
                    writer.close()
                writer, rows, size = _writer(folder / shard_name(shards), schema), 0, 0
                shards += 1
            writer.write_table(table)
            rows, size = rows + table.num_rows, size + bytes_in
    finally:
        if writer is not None:
            writer.close()


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    # Pictures are compressed already.
    names = [name for name in schema.names if name != "image"]
    return pq.ParquetWriter(
        path, schema, compression={"image": "NONE"} | dict.fromkeys(names, "ZSTD"), use_dictionary=names
    )


def _row_groups(pictures: Iterator[Picture], schema: pa.Schema) -> Iterator[tuple[pa.Table, int]]:
    rows, size = [], 0
    for picture in pictures:
        rows.append({"image": picture.data, "name": picture.name, **picture.labels, "reason": picture.reason})
        size += len(picture.data or b"")
        if size >= GROUP_BYTES or len(rows) == 4096:
            yield pa.Table.from_pylist(rows, schema=schema), size
            rows, size = [], 0
    if rows:
        yield pa.Table.from_pylist(rows, schema=schema), size


def _check(
    source: Path | None, manifest: Path | None, pattern: str | None, renamed: dict[str, str], problem: ProblemSettings
) -> None:
    if source is None and manifest is None:
        raise UserError("there is nothing to bring in", where="tag", mend="name a folder, an archive or a manifest")
    if source is not None and not source.exists():
        raise UserError("there is no such folder or archive", where=source, mend="mend the path")
    if manifest is not None and pattern is not None:
        raise UserError("a manifest and a pattern both say the labels", where=manifest, mend="give one of them")
    known = picture_columns(problem) + (list(IMAGE_COLUMNS) if manifest is not None else [])
    for ours in renamed:
        if ours not in known:
            raise UserError(f"there is no column '{ours}'", where="--columns", mend=f"use {', '.join(known)}")


def _nothing(reasons: Counter[str | None], where: Path | None) -> UserError:
    if not reasons:
        return UserError("there are no pictures", where=where, mend="name a folder, archive or manifest that has some")
    most, _ = min(reasons.items(), key=lambda item: (-item[1], str(item[0])))
    return UserError(
        f"none of {reasons.total()} pictures can be used, most often: {most}",
        where=where,
        mend="mend the pattern, the manifest or the pictures",
    )


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
