"""Trainings of several machines, each a process of its own here."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tasks.train import machines
from tasks.train.machines import address_of, join
from tests.conftest import ROOT
from tests.tasks.toycrops import make_round_0, make_toy_table, toy_params
from unfont.errors import UserError

TWO = toy_params(train={"epochs": 3, "nodes": 2})


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_table(tmp_path_factory.mktemp("machines") / "table")


@pytest.fixture(scope="module")
def of_one(table: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The weights that two processes of one machine train."""
    folder = tmp_path_factory.mktemp("one") / "0"
    make_round_0(toy_params(train={"epochs": 3, "processes": 2}), table, folder)
    return weights_of(folder)


@pytest.fixture
def port(monkeypatch) -> int:
    """A free port, where this process listens as the first machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("MASTER_PORT", str(found))
    return found


@contextmanager
def another(port: int, *, wait: float = 20.0) -> Iterator[subprocess.Popen]:
    """Another machine that joins."""
    command = [sys.executable, "-c", "from apps.cli import main; main()", "join", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, "--wait", str(wait)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def weights_of(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def test_two_machines_train_what_two_processes_of_one_do(table: Path, tmp_path: Path, port: int, of_one: bytes):
    with another(port) as machine:
        for name in ("first", "second"):  # it takes part in one training after the other
            make_round_0(TWO, table, tmp_path / name)
            assert weights_of(tmp_path / name) == of_one
        machine.terminate()
        assert "taking part in a training of 127.0.0.1, with 1 processes" in machine.communicate()[0]


def test_a_lost_machine_costs_an_epoch_and_another_takes_its_place(
    table: Path, tmp_path: Path, port: int, of_one: bytes, caplog
):
    with ExitStack() as stack:
        lost = stack.enter_context(another(port))

        def replace(line: str) -> None:
            if line.startswith("epoch 1/"):
                lost.kill()
                stack.enter_context(another(port))

        make_round_0(TWO, table, tmp_path / "0", progress=replace)
    assert weights_of(tmp_path / "0") == of_one
    assert "going on from epoch 1: on another machine" in caplog.text


def test_another_version_of_the_code_is_refused(table: Path, tmp_path: Path, port: int, monkeypatch):
    monkeypatch.setattr(machines, "code_version", lambda: "0" * 64)
    listening = machines._listening("127.0.0.1", port)
    store = machines.PrefixStore("1", listening)
    store.set(machines.ABOUT, '{"code": "' + "0" * 64 + '", "processes": 1, "nodes": 2}')
    listening.add(machines.TURNS, 1)
    with another(port) as machine:
        said, _ = machine.communicate(timeout=60)
    assert machine.returncode == 2
    assert said.count("\n") == 1 and "the code here is another" in said and "000000000000 at 127.0.0.1" in said


def test_without_an_address_or_anybody_there_it_is_told(table: Path, tmp_path: Path, monkeypatch, port: int):
    with pytest.raises(UserError, match="nobody has started a training for 1 seconds"):
        join(f"127.0.0.1:{port}", wait=1)
    monkeypatch.delenv("MASTER_PORT")
    with pytest.raises(UserError, match="the other machines need an address"):
        make_round_0(toy_params(train={"nodes": 2}), table, tmp_path / "0")
    assert os.environ.get("MASTER_PORT") is None


def test_an_address_that_is_taken_is_told(table: Path, tmp_path: Path, port: int):
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with pytest.raises(UserError, match="cannot listen"):
            make_round_0(toy_params(train={"nodes": 2}), table, tmp_path / "0")


@pytest.mark.parametrize("text", ["", "host", "host:", ":29500", "host:0", "host:99999", "host:name"])
def test_what_is_no_address_is_told(text: str):
    with pytest.raises(UserError, match="no address"):
        address_of(text)
    assert address_of("fd00::1:29500") == ("fd00::1", 29500)
