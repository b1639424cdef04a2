"""`unfont predict`: answers of as many pictures as there are, written as they come."""

import logging
import os
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.common.files import written_whole
from tasks.predict.formats import PARQUET, format_of, text_of, write_parquet
from tasks.predict.sources import Found, find_pictures
from unfont.rank import Record, check_options

if TYPE_CHECKING:
    from tasks.predict.open_model import ModelSource

FEW = 256  # pictures that this process answers before others would be ready
EVERY = 10.0  # seconds between two lines of progress

log = logging.getLogger("unfont")


def predict(
    sources: list[str],
    *,
    source_of: Callable[[], "ModelSource"],
    top: int,
    among: list[str] | None,
    abstain_below: float,
    workers: int | None,
    output_format: str | None,
    out: Path | None,
) -> int:
    """Print the answer of every picture, or write it to `out`; the status, 2 where one cannot be read.

    Args:
        sources: see `tasks.predict.sources.find_pictures`.
        source_of: which model answers; asked when the paths are known to be right.
        top, among, abstain_below: see `unfont.rank.answer`.
        workers: processes, 1 for this one alone; as many as there are CPUs unless given.
        output_format, out: see `tasks.predict.formats.format_of`.

    Raises:
        UserError: a source, an option or the model is wrong; nothing is written then.
    """
    chosen = format_of(output_format, out)
    found = find_pictures(sources, listing=lambda: sys.stdin.buffer.read())
    # Read by torch and numpy when they are imported, here and in the workers: a CPU each has a process of its own.
    os.environ["OMP_NUM_THREADS"] = "1"
    source = source_of()
    model = source.open()
    options: dict[str, Any] = {"top": top, "among": among, "abstain_below": abstain_below}
    check_options(model.labels, **options)
    print(f"unfont: model {source.name}", file=sys.stderr)
    records = _records(found, model, source, workers, options)
    seen = _Seen(found.total)
    with closing(records):
        _write(seen.each(records, report=_is_watched(found, out)), chosen, out, target=model.target, top=top)
    if seen.unread:
        pictures = f"{seen.unread:,} of {seen.done:,} pictures"
        print(f"unfont: {pictures} could not be read: see `error`", file=sys.stderr)
    return 2 if seen.unread else 0


def _records(
    found: Found, model: Any, source: "ModelSource", workers: int | None, options: dict[str, Any]
) -> Generator[Record, None, None]:
    from tasks.predict.predict import predict_in_processes, predict_items, usable_cpus

    workers = min(workers or usable_cpus(), -(-found.total // FEW))
    if workers <= 1:
        return predict_items(found.items(), model=model, **options)
    return predict_in_processes(found.items(), source, target=model.target, workers=workers, **options)


def _write(records: Iterable[Record], output_format: str, out: Path | None, *, target: str, top: int) -> None:
    if out is None:
        for text in text_of(records, output_format, target=target, top=top):
            print(text, end="", flush=True)  # whoever reads a pipe need not wait
        return
    with written_whole(out) as beside:
        if output_format == PARQUET:
            write_parquet(beside, records, target=target)
            return
        with beside.open("w", encoding="utf-8", newline="") as file:
            file.writelines(text_of(records, output_format, target=target, top=top))


def _is_watched(found: Found, out: Path | None) -> bool:
    """Whether somebody waits for many pictures and does not see the answers pass."""
    return found.total > FEW and sys.stderr.isatty() and (out is not None or not sys.stdout.isatty())


class _Seen:
    """How many records went by, and how many of them say that a picture could not be read."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.unread = total, 0, 0

    def each(self, records: Iterable[Record], *, report: bool) -> Iterator[Record]:
        start = reported = time.monotonic()
        for record in records:
            self.done += 1
            self.unread += "error" in record
            now = time.monotonic()
            if report and (now - reported >= EVERY or self.done == self.total):
                reported, rate = now, self.done / max(now - start, 1e-9)
                left = (self.total - self.done) / rate
                log.info(f"{self.done:,} of {self.total:,} pictures; {rate:,.0f} pictures/s, {left:,.0f} s left")
            yield record
