"""A killed run leaves no process behind."""

import os
import subprocess
import sys
import threading

import psutil

from tasks.common.orphans import MARK, no_orphans, watch

PARENT = (
    "import subprocess, sys;"
    "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE);"
    "print(child.pid, flush=True); input()"
)


def family(**environment: str) -> tuple[subprocess.Popen, psutil.Process]:
    command, own = [sys.executable, "-c", PARENT], {**os.environ, **environment}
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=own)
    return parent, psutil.Process(int(parent.stdout.readline()))


def watched(*pids: int, mark: str = "none has this") -> threading.Thread:
    watching = threading.Thread(target=watch, args=[mark, *pids], kwargs={"every": 0.02})
    watching.start()
    return watching


def test_what_a_killed_process_had_started_is_ended():
    parent, child = family()
    child.suspend()  # so that the end of its input is not what ends it
    watching = watched(parent.pid)
    try:
        watching.join(0.3)
        assert child.is_running() and parent.poll() is None
    finally:
        parent.kill()
    watching.join()
    assert psutil.wait_procs([child], timeout=30)[0]
    parent.wait()


def test_what_was_started_in_the_last_moment_is_ended_too():
    """The watcher may never have seen the run alive: what it started carries its mark."""
    run = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    (marked, child), (stranger, other) = family(**{MARK: "another this"}), family(**{MARK: "another"})
    run.kill()
    run.wait()
    watched(run.pid, mark="this").join()
    assert psutil.wait_procs([child, psutil.Process(marked.pid)], timeout=30)[0]
    assert stranger.poll() is None and other.is_running()
    stranger.kill()
    for process in (marked, stranger):
        process.wait()
    psutil.wait_procs([other], timeout=30)


def test_a_stage_ends_with_its_dvc():
    (stage, child), (dvc, other) = family(), family()
    watching = watched(stage.pid, dvc.pid)
    watching.join(0.3)
    dvc.kill()
    watching.join()
    assert psutil.wait_procs([child, psutil.Process(stage.pid)], timeout=30)[0]
    stage.wait()
    dvc.wait()
    psutil.wait_procs([other], timeout=30)


def test_the_watcher_ends_with_the_block():
    before = set(psutil.Process().children())
    with no_orphans():
        (watcher,) = set(psutil.Process().children()) - before
        assert watcher.is_running() and os.environ[MARK] in watcher.cmdline()
    assert not watcher.is_running() and MARK not in os.environ
