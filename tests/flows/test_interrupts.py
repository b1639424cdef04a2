"""An interrupted run ends soon, also where something catches the interrupt and waits."""

import signal
import subprocess
import sys
import threading
import time

import pytest

from flows.interrupts import ends_when_told

# As Prefect does: a handler of its own for SIGTERM, and a wait where the run unwinds.
STUCK = """
import signal, time
from flows.interrupts import ends_when_told

def stop(*_):
    raise SystemExit("terminated")

signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs start with it ignored
with ends_when_told({grace}):
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        time.sleep({wait})
"""


def interrupted(by: signal.Signals, *, grace: float, wait: float) -> tuple[int, str, float]:
    """Exit status, what was said, and seconds from the signal to the end."""
    program = [sys.executable, "-c", STUCK.format(grace=grace, wait=wait)]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    began = time.monotonic()
    process.send_signal(by)
    _, said = process.communicate(timeout=50)
    return process.returncode, said, time.monotonic() - began


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_what_is_stuck_ends_after_the_grace(by):
    status, said, seconds = interrupted(by, grace=0.2, wait=40)
    assert status == 128 + by
    assert said == "unfont: interrupted; what is finished is kept: run again to resume\n"
    assert seconds < 30


def test_what_ends_by_itself_is_left_alone():
    status, said, _ = interrupted(signal.SIGTERM, grace=30, wait=0)
    assert (status, said) == (1, "terminated\n")


def test_the_block_leaves_nothing_behind():
    threads = threading.active_count()
    with ends_when_told():
        assert threading.active_count() == threads + 1
    assert threading.active_count() == threads
    assert signal.set_wakeup_fd(-1) == -1
