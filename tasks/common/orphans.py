"""Ends the processes that a run started when the run itself was killed: its Prefect server, its workers.

`kill -9` leaves a process no time to end its own. So each run starts a watcher, in a session of its own, that sees it
end: `python -m tasks.common.orphans PID [STARTER]`.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil

EVERY_S = 1.0


@contextlib.contextmanager
def no_orphans(starter: int | None = None) -> Iterator[None]:
    """Whatever happens to this process in the block, none of its descendants outlives it.

    Args:
        starter: a process without which this one is to end as well: DVC, for its stages.
    """
    watched = [str(pid) for pid in (os.getpid(), starter) if pid is not None]
    command = [sys.executable, "-m", "tasks.common.orphans", *watched]
    watcher = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        watcher.kill()
        watcher.wait()


def watch(pid: int, starter: int | None = None, *, every: float = EVERY_S) -> None:
    """Wait until `pid` or its `starter` has ended; then end `pid` and all that it had started."""
    family: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        run = psutil.Process(pid)
        others = [psutil.Process(starter)] if starter is not None else []
        while all(_is_alive(process) for process in (run, *others)):
            family = [run, *(child for child in run.children(recursive=True) if child.pid != os.getpid())]
            time.sleep(every)
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()  # psutil knows a process by its start as well: never another one of the same number


def _is_alive(process: psutil.Process) -> bool:
    # A killed process stays as a zombie until its parent asks for it.
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch(*(int(word) for word in sys.argv[1:]))
