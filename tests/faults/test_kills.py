"""How `benchmarks/faults.py` kills, and what it finds wrong; tests/e2e/test_chain.py kills a stage of a real chain."""

import json
import os
import subprocess
import sys

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from benchmarks import faults


@pytest.fixture
def sleeper(tmp_path, monkeypatch):
    """A program that works in `tmp_path` until it is ended, as `faults` starts its commands."""
    program = tmp_path / "bin" / "wait"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nimport sys, time\ntime.sleep(float(sys.argv[1]))\n")
    program.chmod(0o755)
    monkeypatch.setattr(faults, "BINARIES", program.parent)
    return tmp_path


def test_a_command_that_still_runs_is_killed_and_one_that_has_ended_is_not(sleeper):
    assert faults.killed(sleeper, ("wait", "600"), 0.1)
    assert not faults.killed(sleeper, ("wait", "0"), 600)
    assert faults.left_over(sleeper) == []


def test_what_a_killed_process_leaves_running_is_found(sleeper, monkeypatch):
    monkeypatch.setattr(faults, "PATIENCE_S", 0)
    (sleeper / "bin" / "leave").write_text(f"#!/bin/sh\n{sleeper}/bin/wait 600 & echo $!\n")
    (sleeper / "bin" / "leave").chmod(0o755)
    assert faults.start(sleeper, "leave").wait() == 0
    left = psutil.Process(int((sleeper / "log.txt").read_text()))
    try:
        assert faults.left_over(sleeper) == [left]
    finally:
        left.kill()
    psutil.wait_procs([left])


def test_locks_of_the_dead_are_none(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    entries = {"a": {"read": [{"pid": gone.pid}]}, "b": {"write": {"pid": os.getpid()}, "read": []}}
    (tmp_path / ".dvc" / "tmp" / "rwlock").write_text(json.dumps(entries))
    assert faults.held_locks(tmp_path) == [os.getpid()]


def test_rows_that_are_gone_and_other_bytes_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(faults, "runs_of", lambda folder, status: [])
    monkeypatch.setattr("subprocess.run", lambda *_, **__: subprocess.CompletedProcess([], 0, "{}"))

    def write(rows: int, md5: str) -> None:
        (tmp_path / "data").mkdir(exist_ok=True)
        pq.write_table(pa.table({"a": range(rows)}), tmp_path / "data" / "table.parquet")
        lock = {"stages": {"tag": {"outs": [{"path": "data/table.parquet", "md5": md5}]}}}
        (tmp_path / "dvc.lock").write_text(yaml.safe_dump(lock))

    write(7, "one")
    wanted = faults.outputs(tmp_path)
    assert not any(faults.faults(tmp_path, wanted).values())
    write(4, "other")
    (tmp_path / "data" / ".table.1-0123abcd.part").touch()
    found = faults.faults(tmp_path, wanted)
    assert {name: count for name, count in found.items() if count} == {"differing": 1, "lost_rows": 3, "parts_left": 1}
    faults.forget(tmp_path, wanted)
    assert not (tmp_path / "dvc.lock").exists() and not (tmp_path / "data" / "table.parquet").exists()
