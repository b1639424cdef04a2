"""`unfont sweep` on the command line."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from apps import sweep as command
from flows.sweep import run_trials
from tests.command import status_of
from tests.tasks.sweep.toysweep import HOME, PARAMS, make_toy_project, write_params
from tests.tasks.toycrops import toy_params


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_project(tmp_path_factory.mktemp("sweep"))


@pytest.fixture
def home(project: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in the present folder; no Prefect server, and the rate is measured in no time."""
    shutil.copytree(project, store, dirs_exist_ok=True)
    monkeypatch.setattr(command, "run_sweep", run_trials)
    monkeypatch.setattr("tasks.sweep.cost.SECONDS", 0.01)
    return store


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    return status_of(monkeypatch, "sweep", *arguments)


def test_it_prints_the_cost_then_the_table_then_the_values_for_params(home, monkeypatch, capsys):
    before = (home / "params.yaml").read_bytes()
    assert run(monkeypatch, "--modes", "erm,pairs", "--seeds", "1") == 0
    said = capsys.readouterr()
    assert "sweep: 2 trainings left, 160 crops × 2 epochs" in said.err
    assert [line.split()[:1] for line in said.out.splitlines()[1:3]] in ([["*"], ["pairs"]], [["erm"], ["*"]])
    assert "params.yaml for *: invariance.modes: [erm" in said.out
    assert (home / "params.yaml").read_bytes() == before
    assert (home / HOME / "sweep.csv").exists()

    # Again: nothing is left, and nothing is counted or asked.
    assert run(monkeypatch, "--modes", "erm,pairs", "--seeds", "1", "--format", "json") == 0
    again = capsys.readouterr()
    assert "left" not in again.err
    assert json.loads(again.out) == json.loads((home / HOME / "sweep.json").read_text())

    write_params(home, toy_params(train={"batch": 8}, sweep=PARAMS.sweep.model_dump()))
    assert run(monkeypatch, "--modes", "erm,pairs", "--seeds", "1") == 2
    assert "another train (" in capsys.readouterr().err
    assert run(monkeypatch, "--modes", "erm,pairs", "--seeds", "1", "--anew") == 0


def test_one_line_says_what_was_wrong(home, monkeypatch, capsys):
    wrong = {
        ("--modes", "hope"): "there is no mode 'hope'",
        ("--strength", "-1"): "(--strength)",
        ("--strength", "much"): "'much' is no list of numbers (--strength)",
        ("--strength", ","): "no value is named (--strength)",
        ("--head-steps", "1.5"): "'1.5' is no list of numbers (--head-steps)",
        ("--trials", "3", "--strength", "0,1"): "range above 0 (--strength)",
        ("--seeds", "0"): "--seeds",
        ("--workers", "0"): "--workers",
    }
    for arguments, line in wrong.items():
        assert run(monkeypatch, *arguments) == 2
        said = capsys.readouterr().err
        assert line in said
        assert said.count("\n") == 1
    shutil.rmtree(HOME / "rounds")
    assert run(monkeypatch) == 2
    assert (
        "there is no model to start from (data/scripts/rounds/3): run the last round first" in capsys.readouterr().err
    )


def test_a_long_sweep_asks_a_person_and_nobody_else(monkeypatch, capsys):
    class Terminal:
        def __init__(self, says: str | None) -> None:
            self.says = says

        def isatty(self) -> bool:
            return self.says is not None

        def readline(self) -> str:
            return self.says or ""

    for says, agreed in (("y\n", True), ("\n", False), ("", False), (None, True)):
        monkeypatch.setattr(sys, "stdin", Terminal(says))
        assert command._agreed() is agreed
    assert capsys.readouterr().err.count("continue?") == 3


def test_more_workers_than_cores_are_warned_of(monkeypatch, caplog):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    settings = toy_params(sweep={"workers": 2}).sweep
    command._warn(settings, threads=1)
    assert not caplog.text
    command._warn(settings, threads=2)
    assert "2 workers of 2 threads each have 2 cores to share" in caplog.text
