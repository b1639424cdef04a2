"""Trainings in two real processes."""

import contextlib
import json
import multiprocessing
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from torch import nn
from torch.multiprocessing.spawn import start_processes

from tasks.train.machines import together
from tasks.train.processes import Group, HelperLostError
from tests.tasks.toycrops import make_round_0, make_toy_table, toy_params
from unfont.errors import UserError

TWO = {"epochs": 3, "processes": 2}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_table(tmp_path_factory.mktemp("processes") / "table")


@pytest.fixture(scope="module")
def whole(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that two processes trained."""
    folder = tmp_path_factory.mktemp("whole") / "0"
    make_round_0(toy_params(train=TWO), table, folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module", autouse=True)
def forked() -> Iterator[None]:
    """Processes are forked from one that has imported what they need: one that is spawned takes seconds to.

    tests/tasks/train/test_machines.py trains in one that is spawned.
    """
    multiprocessing.set_forkserver_preload([__name__])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.train.processes.start_processes", start_forked)
        yield


def start_forked(*arguments: Any, **options: Any) -> Any:
    return start_processes(*arguments, **options | {"start_method": "forkserver"})


def helpers() -> list[psutil.Process]:
    return [one for one in psutil.Process().children(recursive=True) if is_helper(one)]


def is_helper(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):  # it has just ended
        return process.ppid() != os.getpid() and "multiprocessing.forkserver" in " ".join(process.cmdline())
    return False


class Small:
    nbytes = 0


class Steps(Small):
    """Gradients by rank, of which the second process lacks one and both lack another."""

    def take_part(self, group: Group) -> dict[str, torch.Tensor | None]:
        weights = [nn.Parameter(torch.zeros(2, 3)) for _ in range(3)]
        weights[0].grad = torch.full((2, 3), float(group.rank + 1))
        if not group.rank:
            weights[1].grad = torch.arange(6.0).view(2, 3)
        group.average_gradients(weights)
        norm = nn.BatchNorm1d(2)
        norm.running_mean.fill_(group.rank + 3)
        group.average_buffers(norm)
        ranks = group.everyones(group.rank)
        first = group.firsts(f"said by {group.rank}")
        found = {
            "grads": [weight.grad for weight in weights],
            "mean": norm.running_mean,
            "ranks": ranks,
            "first": first,
        }
        every = group.everyones(found)
        return every or []


class Dies(Small):
    def take_part(self, group: Group) -> None:
        os._exit(3)


class Breaks(Small):
    def take_part(self, group: Group) -> None:
        raise ValueError("no such crop")


def test_gradients_and_statistics_become_their_mean_everywhere():
    with together(Steps(), 2) as group:
        both = Steps().take_part(group)
    assert len(both) == 2
    for found in both:
        assert torch.equal(found["grads"][0], torch.full((2, 3), 1.5))
        assert torch.equal(found["grads"][1], torch.arange(6.0).view(2, 3) / 2)
        assert found["grads"][2] is None
        assert found["mean"].tolist() == [3.5, 3.5]
        assert found["first"] == "said by 0"
    assert [found["ranks"] for found in both] == [[0, 1], None]
    assert helpers() == []


@pytest.mark.parametrize(("work", "said"), [(Dies(), "exit code 3"), (Breaks(), "no such crop")])
def test_a_lost_process_is_told_with_its_reason(work, said: str):
    with pytest.raises(HelperLostError, match=said), together(work, 2) as group:
        group.everyones(0)
    assert helpers() == []


def test_an_error_of_the_first_process_is_its_own():
    with pytest.raises(KeyError), together(Steps(), 2):
        raise KeyError("mine")
    assert helpers() == []


def test_two_processes_learn_as_well_as_one(table: Path, tmp_path: Path, whole: Path):
    make_round_0(toy_params(train={"epochs": 3}), table, tmp_path / "alone")
    histories = [json.loads((folder / "history.json").read_text()) for folder in (whole, tmp_path / "alone")]
    assert contents(tmp_path / "alone") != contents(whole)  # the bytes are those of a count of processes
    last = [history["epochs"][-1] for history in histories]
    assert last[0].keys() == last[1].keys()
    assert last[0]["validation_accuracy"] > last[1]["validation_accuracy"] - 0.1
    assert len(histories[0]["curve"]) == len(histories[1]["curve"])
    examples = json.loads((whole / "examples.json").read_text())["groups"]
    assert sum(sum(counts) for counts in examples.values()) == 160  # every crop once


def test_a_killed_process_costs_an_epoch_and_no_byte(table: Path, tmp_path: Path, whole: Path, caplog):
    said: list[str] = []

    def kill(line: str) -> None:
        said.append(line)
        if len(said) == 1:
            (helper,) = helpers()
            helper.kill()

    make_round_0(toy_params(train=TWO), table, tmp_path / "0", progress=kill)
    assert [line.split(":")[0] for line in said] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert contents(tmp_path / "0") == contents(whole)
    assert "a training process was lost, going on from epoch 1" in caplog.text
    assert helpers() == []


def test_a_process_killed_in_the_first_epoch_costs_no_byte(
    table: Path, tmp_path: Path, whole: Path, monkeypatch, caplog
):
    steps: list[int] = []

    def kill(pace: object, crops: int) -> None:
        steps.append(crops)
        if len(steps) == 4:
            (helper,) = helpers()
            helper.kill()

    monkeypatch.setattr("tasks.train.pace.Pace.step", kill)
    make_round_0(toy_params(train=TWO), table, tmp_path / "0")
    assert contents(tmp_path / "0") == contents(whole)
    assert "going on from epoch 0" in caplog.text


def test_a_process_that_is_lost_again_and_again_ends_the_run(table: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tasks.train.loop.together", lambda run, processes, nodes: together(Dies(), 2))
    with pytest.raises(UserError, match="one of 2 training processes was lost again"):
        make_round_0(toy_params(train=TWO), table, tmp_path / "0")
    assert helpers() == []


def test_an_interrupted_run_leaves_no_process(table: Path, tmp_path: Path, whole: Path):
    def stop(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_round_0(toy_params(train=TWO), table, tmp_path / "0", progress=stop)
    assert helpers() == []
    make_round_0(toy_params(train=TWO), table, tmp_path / "0")
    assert contents(tmp_path / "0") == contents(whole)


def test_too_little_shared_memory_is_told(table: Path, tmp_path: Path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr("tasks.train.processes.shutil.disk_usage", lambda path: usage)
    with pytest.raises(UserError, match="do not fit into shared memory"):
        make_round_0(toy_params(train=TWO), table, tmp_path / "0")
