"""Ends the processes that a run started when the run itself was killed: its Prefect server, its workers.

`kill -9` leaves a process no time to end its own. So each run starts a watcher, in a session of its own, that sees it
end: `python -m tasks.common.orphans MARK PID [STARTER]`. What the run started is known by its environment, where the
run has left its mark: a look at its children now and then misses those of the last moment.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import psutil

EVERY_S = 1.0
MARK = "UNFONT_STARTED_BY"  # the marks of all runs that a process descends from, in its environment
SWEEPS = 3  # looks without a find after which nothing is left: a process that is being started has no environment yet


@contextlib.contextmanager
def no_orphans(starter: int | None = None) -> Iterator[None]:
    """Whatever happens to this process in the block, none of its descendants outlives it.

    Args:
        starter: a process without which this one is to end as well: DVC, for its stages.
    """
    mark = uuid.uuid4().hex
    watched = [mark, *(str(pid) for pid in (os.getpid(), starter) if pid is not None)]
    command = [sys.executable, "-m", "tasks.common.orphans", *watched]
    watcher = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    before = os.environ.get(MARK)
    os.environ[MARK] = " ".join([*(before or "").split(), mark])
    try:
        yield
    finally:
        if before is None:
            del os.environ[MARK]
        else:
            os.environ[MARK] = before
        watcher.kill()
        watcher.wait()


def watch(mark: str, pid: int, starter: int | None = None, *, every: float = EVERY_S) -> None:
    """Wait until `pid` or its `starter` has ended; then end `pid` and all that it had started, or that has its mark."""
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        run = psutil.Process(pid)
        family = [run]
        others = [psutil.Process(starter)] if starter is not None else []
        while _is_alive(run):
            seen = [run, *(child for child in run.children(recursive=True) if child.pid != os.getpid())]
            if _is_alive(run):  # else the look before counts: an ended run's children are another's at once
                family = seen
            if not all(_is_alive(process) for process in others):
                break
            time.sleep(every)
    _end(family)
    quiet = 0
    while quiet < SWEEPS:
        left = [process for process in psutil.process_iter() if mark in _marks_in(process)]
        _end(left)
        quiet = 0 if left else quiet + 1
        time.sleep(every)


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()  # psutil knows a process by its start as well: never another one of the same number


def _marks_in(process: psutil.Process) -> set[str]:
    """The marks of the runs that a process descends from; none of a process of another user, or that has ended."""
    with contextlib.suppress(psutil.Error):
        if process.pid != os.getpid() and _is_alive(process):
            return set(process.environ().get(MARK, "").split())
    return set()


def _is_alive(process: psutil.Process) -> bool:
    # A killed process stays as a zombie until its parent asks for it.
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch(sys.argv[1], *(int(pid) for pid in sys.argv[2:]))
