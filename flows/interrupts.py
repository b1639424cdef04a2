"""Ctrl-C and SIGTERM end a run within seconds, whatever Prefect still waits for."""

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator

GRACE_S = 10.0
SAID = "unfont: interrupted; what is finished is kept: run again to resume"


@contextlib.contextmanager
def ends_when_told(grace_s: float = GRACE_S) -> Iterator[None]:
    """In the block, SIGINT or SIGTERM ends this process after `grace_s` at the latest, with status 128 + the signal.

    A terminal's Ctrl-C and a supervisor's SIGTERM reach all processes of a run, Prefect's temporary server among them.
    Prefect then tries for minutes to tell the server that the run has ended. What is finished is committed, and to DVC
    and MLflow this is a process that was killed.

    To be entered in the main thread, as signals are handled there.
    """
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    ended = threading.Event()

    def watch() -> None:
        while told := receiver.recv(1):
            if told[0] in (signal.SIGINT, signal.SIGTERM) and not ended.wait(grace_s):
                print(SAID, file=sys.stderr, flush=True)
                os._exit(128 + told[0])

    # Written to for every signal that Python handles, whoever the handler is: Prefect has its own while a flow runs.
    before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    watcher = threading.Thread(target=watch, name="interrupts", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        signal.set_wakeup_fd(before)
        sender.close()
        watcher.join()
        receiver.close()
