"""Predict: the labels of a user's pictures, and the model's confidence, a record a picture."""

import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import cache, partial
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from tasks.common.parallel import AHEAD, WorkerLostError, in_order, processes
from tasks.predict.open_model import ONNX, ModelSource
from tasks.predict.sources import Item
from unfont.answers import BATCH, Model, answers
from unfont.errors import UserError
from unfont.picture import picture_of, read_picture
from unfont.rank import Record
from unfont.reading import Picture
from unfont.text import shown

T = TypeVar("T")

CHUNK_BYTES = 8 * 2**20  # of pictures that travel to another process at a time
PIXELS = 2**24  # of the pictures that are answered at a time: with more, fewer than BATCH
TRIES = 2  # processes that the same pictures may cost before they are halved


def predict_items(
    items: Iterable[Item],
    *,
    model: Model,
    top: int = 3,
    among: Sequence[str] | None = None,
    abstain_below: float = 0.0,
) -> Generator[Record, None, None]:
    """A record of every item, in their order, as they come.

    Args:
        items: pictures; a few are in memory at a time.
        model: what predicts.
        top, among, abstain_below: see `unfont.rank.answer`.

    Returns:
        `file`, the item's name, and what `unfont.answers.answers` gives. Of a picture that cannot be read, the answer
        and `p` are None, `top` is empty, `windows` and `agree` are 0, and `error` says why.

    Raises:
        UserError: an option is wrong.
    """
    for name, found in _answered(items, model, top=top, among=among, abstain_below=abstain_below):
        yield _unread(name, model.target, found.what) if isinstance(found, UserError) else found


def predict_files(files: Iterable[Path], *, model: Model, **options: Any) -> tuple[list[Record], list[UserError]]:
    """The records of the files that can be read, as `predict_items` has them, and one error for each other file."""
    answered = list(_answered((Item(str(file), str(file)) for file in files), model, **options))
    problems = [found for _, found in answered if isinstance(found, UserError)]
    return [found for _, found in answered if not isinstance(found, UserError)], problems


def predict_in_processes(
    items: Iterable[Item], source: ModelSource, *, target: str, workers: int, **options: Any
) -> Generator[Record, None, None]:
    """`predict_items` in so many processes, each of which opens the model once and uses one thread.

    Pictures that their process does not survive are records with `error`, the others beside them are answered.
    """
    work = partial(_in_worker, source=source, options=options)
    with ExitStack() as stack:
        run = stack.enter_context(processes(work, workers=workers, tries=TRIES))
        threads = stack.enter_context(ThreadPoolExecutor(workers))

        def submit(chunk: list[Item]) -> Any:
            return threads.submit(_survived, chunk, run, target)

        for records in in_order(submit, chunks_of(items), ahead=AHEAD * workers):
            yield from records


def usable_cpus() -> int:
    """The CPUs that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chunks_of(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Parts of at most BATCH items, fewer where they carry many bytes."""
    return _parts(items, lambda item: len(item.data or b""), CHUNK_BYTES)


def _answered(items: Iterable[Item], model: Model, **options: Any) -> Iterator[tuple[str, Record | UserError]]:
    """Names with their records, or with what is wrong."""
    read = ((item.name, _read(item, model.shape[2])) for item in items)
    for batch in _parts(read, lambda one: 0 if isinstance(one[1], UserError) else one[1].size, PIXELS):
        found = iter(answers(model, [one for _, one in batch if not isinstance(one, UserError)], **options))
        for name, one in batch:
            yield name, one if isinstance(one, UserError) else {"file": name} | next(found)


def _parts(things: Iterable[T], size: Callable[[T], int], most: int) -> Iterator[list[T]]:
    part: list[T] = []
    total = 0
    for thing in things:
        part.append(thing)
        total += size(thing)
        if len(part) == BATCH or total >= most:
            yield part
            part, total = [], 0
    if part:
        yield part


def _read(item: Item, channels: int) -> Picture | UserError:
    try:
        if item.path is not None:
            return read_picture(Path(item.path), channels=channels)
        if item.data is not None:
            return picture_of(item.data, where=item.name, channels=channels)
    except UserError as problem:
        return UserError(problem.what, where=shown(problem.where), fix=problem.fix)
    return UserError(item.problem or "there is no picture", where=shown(item.name), fix="leave it out")


def _unread(name: str, target: str, reason: str) -> Record:
    return {"file": name, target: None, "p": None, "top": [], "windows": 0, "agree": 0, "error": reason}


def _survived(chunk: list[Item], run: Callable[[list[Item]], list[Record]], target: str) -> list[Record]:
    """The records of a chunk; the picture that ends every process is found by halving."""
    try:
        return run(chunk)
    except WorkerLostError:
        if len(chunk) == 1:
            return [_unread(chunk[0].name, target, "the process that read it was lost; out of memory?")]
        middle = len(chunk) // 2
        return [record for half in (chunk[:middle], chunk[middle:]) for record in _survived(half, run, target)]


def _in_worker(chunk: list[Item], *, source: ModelSource, options: dict[str, Any]) -> list[Record]:
    model = _opened(source)
    with _one_thread(source):
        return list(predict_items(chunk, model=model, **options))


@cache
def _opened(source: ModelSource) -> Model:
    # Ctrl-C reaches every process of the terminal: the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    return source.open()


def _end_with_parent() -> None:
    """A pool's process does not notice that the one that waits for it was killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _one_thread(source: ModelSource) -> AbstractContextManager[None]:
    if source.path.suffix == ONNX:
        return nullcontext()  # has one
    from tasks.common.determinism import deterministic

    return deterministic(1)
