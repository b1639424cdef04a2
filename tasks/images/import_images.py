"""Import a user's pictures from a folder, an archive or a manifest into a few Parquet files with their labels."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.common.files import written_whole
from tasks.common.params import ProblemSettings
from tasks.crop_table.shards import shard_name
from tasks.images.file_kinds import counted, left_out_notes, other_suffixes_hint
from tasks.images.given_pictures import NO_FILE, Picture, given_pictures, pattern_of
from tasks.images.label_names import LabelNames
from tasks.images.path_pattern import NO_MATCH
from tasks.images.picture_table import picture_columns, picture_schema
from tasks.images.tally import COPY, Tally
from tasks.images.wider_pattern import wider_pattern
from unfont.errors import UserError
from unfont.text import clip

GROUP_BYTES = 16 * 2**20  # of a Parquet row group: what a reader holds at a time
SHARD_BYTES = 256 * 2**20
SHARD_ROWS = 100_000


Hints = Mapping[str, str]  # how to mend what a reason says, by reason


@dataclass(frozen=True, kw_only=True)
class Brought:
    """How many pictures were given, and accepted or rejected; `notes` are lines for the user."""

    given: int
    accepted: int
    rejected: int
    notes: list[str]


def bring_pictures(
    source: Path | None,
    *,
    problem: ProblemSettings,
    out: Path,
    pattern: str | None = None,
    manifest: Path | None = None,
    columns: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    known: Collection[str] = (),
    check: Callable[[Path, Hints], list[str]] | None = None,
) -> Brought:
    """Write a user's pictures, as they are, with their labels to the folder `out`; what was there is replaced.

    Rejected pictures are rows too, with a reason and no bytes. Files that are no pictures (`tasks.images.file_kinds`)
    are counted in `notes` alone.

    Args:
        source: a folder or an archive (tar, zip) of pictures; or a manifest. Null: the manifest's folder.
        pattern: where the labels are in a file's path (`tasks.images.path_pattern.compile_pattern`); by default the
            problem's own, else `{target}/*`.
        manifest: a CSV or Parquet file that lists the pictures below `source`, or holds them.
        columns: the pattern's or manifest's name of a column, by its name here.
        labels: the target's label, by the name that the pictures have for it.
        known: the problem's labels, as far as they are known: which folder names the target is seen by them.
        check: called with the new folder and hints before it replaces the old one; what it raises leaves all as it
            was, what it returns are notes.

    Raises:
        UserError: source, pattern, manifest or labels are wrong, or no picture can be used.
    """
    tally, names = Tally(), LabelNames(labels or {})
    given = given_pictures(source, problem=problem, pattern=pattern, manifest=manifest, columns=columns)
    where = manifest or source
    with written_whole(out) as beside:
        write_pictures(beside, tally.pictures(names.mapped(given, problem.target)), picture_schema(problem))
        hints, copies = {}, tally.copies()
        if copies:
            hints[COPY] = f"{copies}: keep one of each"
        if NO_FILE in tally.example:
            hints[NO_FILE] = _how_to_find(tally.example[NO_FILE], source, manifest)
        if tally.outside:
            hints[NO_MATCH] = _how_to_match(tally, pattern_of(pattern, problem), problem, columns or {}, known)
        if not tally.reasons[None]:
            raise _nothing(tally, where, hints, problem.target)
        notes = left_out_notes(tally.system, tally.others, problem.target) + names.unused()
        if copies:
            notes.append(f"note: {copies}; one of each is kept")
        if tally.outside:
            outside = counted(tally.reasons[NO_MATCH], "picture")
            notes.append(f"note: outside the pattern: {outside}, such as {clip(tally.outside[0])}; {hints[NO_MATCH]}")
        notes += check(beside, hints) if check is not None else []
    accepted, total = tally.reasons[None], tally.reasons.total()
    return Brought(given=total, accepted=accepted, rejected=total - accepted, notes=notes)


def _how_to_find(name: str, source: Path | None, manifest: Path | None) -> str:
    """Where a manifest's file would be found."""
    places = [path.parent for path in (source, manifest) if path is not None]
    found = next((place for place in (*places, Path()) if os.path.lexists(place / name)), None)
    what = "paths are relative to --from, or to the manifest's folder"
    return what if found is None else f"{what}: say --from {found}"


def _how_to_match(
    tally: Tally, pattern: str, problem: ProblemSettings, columns: Mapping[str, str], known: Collection[str]
) -> str:
    placeholders = [columns.get(name, name) for name in picture_columns(problem)]
    target = columns.get(problem.target, problem.target)
    wider = wider_pattern(pattern, tally.outside, target=target, columns=placeholders, known=known)
    if wider is None and not any("/" in name for name in tally.outside):
        return f"the pattern is '{pattern}': name the folder above this one, or fix the pattern"
    if wider is None:
        return f"fix the pattern, '{pattern}'"
    found, taken = wider
    every = "them all" if taken == len(tally.outside) else f"{taken} of {len(tally.outside)}"
    return f"--pattern '{found}' would take {every}"


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


def _nothing(tally: Tally, where: Path | None, hints: Hints, target: str) -> UserError:
    reasons = tally.reasons
    if not reasons.total():
        if tally.others:
            what = f"there are no pictures, only {counted(tally.others.total(), 'file')} with other suffixes"
            return UserError(what, where=where, fix=other_suffixes_hint(tally.others, target))
        return UserError("there are no pictures", where=where, fix="name a folder, archive or manifest that has some")
    most, _ = min(reasons.items(), key=lambda item: (-item[1], str(item[0])))
    return UserError(
        f"none of {counted(reasons.total(), 'picture')} can be used, most often: {most}, such as "
        f"{clip(tally.example[str(most)])}",
        where=where,
        fix=hints.get(str(most), "fix the pattern, the manifest or the pictures"),
    )
