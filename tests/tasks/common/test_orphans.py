"""A killed run leaves no process behind."""

import os
import signal
import subprocess
import sys
import threading

import psutil
import pytest

from tasks.common.orphans import MARK, no_orphans, watch
from tests.waiting import wait_until

PARENT = (
    "import subprocess, sys;"
    "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE);"
    "print(child.pid, flush=True); input()"
)


def family(**environment: str) -> tuple[subprocess.Popen, psutil.Process]:
    command, own = [sys.executable, "-c", PARENT], {**os.environ, **environment}
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=own)
    return parent, psutil.Process(int(parent.stdout.readline()))


@pytest.fixture
def looks(monkeypatch) -> list[psutil.Process]:
    """The processes whose children were asked for, one of each look."""
    seen, children = [], psutil.Process.children

    def look(process: psutil.Process, **how: bool) -> list[psutil.Process]:
        found = children(process, **how)
        seen.append(process)
        return found

    monkeypatch.setattr(psutil.Process, "children", look)
    return seen


def watched(*pids: int, mark: str = "none has this") -> threading.Thread:
    watching = threading.Thread(target=watch, args=[mark, *pids], kwargs={"every": 0.02})
    watching.start()
    return watching


def test_what_a_killed_process_had_started_is_ended(looks):
    parent, child = family()
    child.suspend()  # so that the end of its input is not what ends it
    watching = watched(parent.pid)
    try:
        wait_until(lambda: len(looks) > 1)
        assert child.is_running() and parent.poll() is None
    finally:
        parent.kill()
    watching.join()
    assert psutil.wait_procs([child], timeout=30)[0]
    parent.wait()


def test_a_run_killed_during_a_look_leaves_nothing(monkeypatch):
    """A dead run that nobody has waited for has no children any more: that look says nothing of what it had started."""
    parent, child = family()
    child.suspend()
    looks, children = [], psutil.Process.children

    def look(process: psutil.Process, **how: bool) -> list[psutil.Process]:
        looks.append(process)
        if len(looks) == 2:
            parent.kill()
            wait_until(lambda: process.status() == psutil.STATUS_ZOMBIE)
        return children(process, **how)

    monkeypatch.setattr(psutil.Process, "children", look)
    watched(parent.pid).join()
    assert len(looks) == 2
    assert psutil.wait_procs([child], timeout=10)[0]
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


def test_a_stage_ends_with_its_dvc(looks):
    (stage, child), (dvc, other) = family(), family()
    watching = watched(stage.pid, dvc.pid)
    wait_until(lambda: len(looks) > 1)
    assert child.is_running() and stage.poll() is None
    dvc.kill()
    watching.join()
    assert psutil.wait_procs([child, psutil.Process(stage.pid)], timeout=30)[0]
    stage.wait()
    dvc.wait()
    psutil.wait_procs([other], timeout=30)


def test_a_stage_whose_dvc_had_ended_before_the_first_look_ends_too():
    (stage, child), (dvc, other) = family(), family()
    dvc.kill()
    dvc.wait()
    watched(stage.pid, dvc.pid).join()
    assert stage.wait(30) == -signal.SIGKILL
    psutil.wait_procs([child, other], timeout=30)


def test_the_watcher_ends_with_the_block():
    before = set(psutil.Process().children())
    with no_orphans():
        (watcher,) = set(psutil.Process().children()) - before
        assert watcher.is_running() and os.environ[MARK] in watcher.cmdline()
    assert not watcher.is_running() and MARK not in os.environ
