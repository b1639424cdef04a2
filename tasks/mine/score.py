"""Scoring: a model's predictions on every crop of a split, in parts, on any number of workers."""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.common.determinism import deterministic
from tasks.common.parallel import FanOut
from tasks.crop_table.splits import POOL
from tasks.mine.score_part import Part, Piece, Scoring, score_part
from tasks.mine.score_table import fact_of, score_schema, write_scores
from tasks.train.card import read_card, weights_of
from unfont.errors import UserError

PART_ROWS = 16_000  # the most: a lost worker costs a few seconds, far more than starting an item costs
PARTS = 16  # the fewest, so that a few workers have as much to do each
SMALLEST = 1_000  # rows a part, or starting it would cost more than scoring it
REPORT_EVERY = 10.0  # seconds

log = logging.getLogger("unfont")


def score_pool(
    model: Path,
    *,
    table: Path,
    out: Path,
    work: Path,
    severity: str,
    nuisance: str | None,
    fan_out: FanOut,
    split: str = POOL,
    device: str = "auto",
    progress: Callable[[str], None] = log.info,
) -> int:
    """Score every crop of a split and write the score table (see `score_schema`) at `out`; returns its rows.

    The bytes are the same whatever `fan_out` is, and whether or not scoring was interrupted. Memory is bounded
    whatever the number of crops.

    Args:
        model: the model's folder.
        table: the crop table's folder.
        work: holds the parts that are scored; those of the same model and table are not scored again. It stays.
        severity: of the crops' degradation, which follows from their keys and is the same in every round.
        device: `auto`, `cpu` or `cuda`, where the crops are degraded and scored.
        nuisance: the crop table's column that becomes the score table's `nuisance`, if any.

    Raises:
        UserError: the model or the table is missing or broken, they do not fit, or the split has no crops.
        WorkerLostError: a part's worker was lost as often as it was tried.
    """
    card, weights = read_card(model), weights_of(model)
    # Absolute: workers of a cluster have another working directory.
    scoring = Scoring(
        model=model.resolve(),
        weights=weights,
        labels=card["labels"],
        target=card["target"],
        nuisance=nuisance,
        severity=severity,
        split=split,
        work=work.resolve(),
        device=device,
    )
    parts = plan_parts(table.resolve(), scoring)
    if not parts:
        raise UserError(f"there are no crops of split '{split}'", where=table, fix=f"give the {split} some crops")
    _score(parts, scoring, fan_out, progress)
    scored = (pq.read_table(scoring.path_of(part)) for part in parts)
    write_scores(out, scored, score_schema(scoring.labels, weights=weights, severity=severity))
    return _rows(parts)


def plan_parts(table: Path, scoring: Scoring) -> list[Part]:
    """The split cut into parts, in the table's order; the cuts depend on its size alone.

    Raises:
        UserError: there is no crop table, it cannot be read, or it lacks a column.
    """
    groups = list(_groups(table, scoring))
    total = sum(group.stop for group in groups)
    size = min(PART_ROWS, max(SMALLEST, -(-total // PARTS)))
    cut: list[list[Piece]] = [[] for _ in range(-(-total // size))]
    position = 0
    for group in groups:
        start = 0
        while start < group.stop:
            stop = min(group.stop, start + size - position % size)
            cut[position // size].append(Piece(group.shard, group.group, start, stop))
            position, start = position + stop - start, stop
    fingerprints = {shard: _fingerprint(shard) for shard in dict.fromkeys(group.shard for group in groups)}
    return [Part(number, tuple(pieces), _identity(pieces, scoring, fingerprints)) for number, pieces in enumerate(cut)]


def _groups(table: Path, scoring: Scoring) -> Iterator[Piece]:
    """The row groups that hold rows of the split, each as one piece of all of these rows."""
    shards = sorted(table.glob("part-*.parquet"))
    fix = "make it: unfont crops, then unfont tag"
    if not shards:
        raise UserError("there is no crop table", where=table, fix=fix)
    for shard in shards:
        try:
            with pq.ParquetFile(shard) as file:
                _check_columns(file, shard, scoring)
                for group in range(file.num_row_groups):
                    splits = file.read_row_group(group, columns=["split"])["split"].cast(pa.string())
                    if rows := pc.sum(pc.equal(splits, scoring.split)).as_py():
                        yield Piece(shard, group, 0, rows)
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError("the crop table cannot be read", where=shard, fix=fix) from error


def _check_columns(file: pq.ParquetFile, shard: Path, scoring: Scoring) -> None:
    wanted = {"image", "key", "kind", "split", scoring.target, *filter(None, [scoring.nuisance])}
    if missing := wanted - set(file.schema_arrow.names):
        what = f"the crop table has no column {', '.join(sorted(missing))}"
        raise UserError(what, where=shard, fix="make it again for this problem: unfont tag")


def _identity(pieces: list[Piece], scoring: Scoring, fingerprints: dict[Path, str]) -> str:
    """Hash of all that a part's scores depend on."""
    how = [scoring.weights, scoring.labels, scoring.target, scoring.nuisance, scoring.severity, scoring.split]
    what = [[piece.shard.name, fingerprints[piece.shard], piece.group, piece.start, piece.stop] for piece in pieces]
    return hashlib.sha256(json.dumps([how, what]).encode()).hexdigest()


def _fingerprint(shard: Path) -> str:
    """Hash of a shard's size and footer: sizes, and smallest and largest values, of every column of every row group.

    Hashing all of its bytes would take longer than reading the rows that are scored.
    """
    with shard.open("rb") as file:
        size = file.seek(-8, 2) + 8
        length = int.from_bytes(file.read(4), "little")
        file.seek(-8 - length, 2)
        return hashlib.sha256(size.to_bytes(8) + file.read(length)).hexdigest()


def _score(parts: list[Part], scoring: Scoring, fan_out: FanOut, progress: Callable[[str], None]) -> None:
    """Score the parts that are not there yet, and report progress."""
    missing = [part for part in parts if fact_of(scoring.path_of(part), "part") != part.identity]
    total, left = _rows(parts), _rows(missing)
    if left < total:
        progress(f"{total - left:,} of {total:,} crops are scored already")
    start = reported = time.monotonic()
    done = 0
    # A worker that is a thread of this process shares these settings.
    with deterministic(1):
        for rows in fan_out(partial(score_part, scoring=scoring), missing):
            done, now = done + rows, time.monotonic()
            if now - reported >= REPORT_EVERY or done == left:
                reported, rate = now, done / max(now - start, 1e-9)
                done_so_far = f"scored {total - left + done:,} of {total:,} crops"
                progress(f"{done_so_far}; {rate:,.0f} crops/s, {(left - done) / rate:,.0f} s left")


def _rows(parts: list[Part]) -> int:
    return sum(part.rows for part in parts)
