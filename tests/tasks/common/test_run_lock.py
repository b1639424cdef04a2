"""Two runs at once: the second waits for the first, however that ends."""

import subprocess
import sys
import threading

import psutil

from tasks.common.run_lock import one_run
from tests.conftest import ROOT
from tests.waiting import wait_until

HOLD = "from tasks.common.run_lock import one_run\nwith one_run():\n    print('held', flush=True)\n    input()"


def test_a_second_run_waits_says_so_and_goes_on_when_the_first_is_killed(here, caplog):
    command, pipe = [sys.executable, "-c", HOLD], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env={"PYTHONPATH": str(ROOT)}) as first:
        assert first.stdout.readline() == b"held\n"
        entered = threading.Event()

        def second():
            with one_run():
                entered.set()

        waiting = threading.Thread(target=second)
        waiting.start()
        wait_until(lambda: "waits its turn" in caplog.text)
        assert not entered.is_set()
        first.kill()
        waiting.join()
    assert entered.is_set()
    assert f"another run is under way (process {first.pid}): this one waits its turn" in caplog.text


def test_the_lock_is_free_after_the_block(here):
    for _ in range(2):
        with one_run():
            assert (here / "data/.work/run.lock").read_text() == str(psutil.Process().pid)
