import os
import shutil
import subprocess
import sys
from importlib.metadata import version

import pytest

from apps import cli
from apps.commands import stages
from tasks.common.params import read_params
from tests.command import status_of
from tests.conftest import ROOT
from unfont.errors import UserError


def test_help_is_a_table_of_contents(monkeypatch, capsys):
    assert status_of(monkeypatch, "--help") == 0
    said = capsys.readouterr().out
    for panel, commands in cli.COMMANDS.items():
        assert f"─ {panel} ─" in said
        for command in commands:
            assert f"│ {command} " in said


def test_help_loads_nothing_heavy():
    """Processor time differs from machine to machine; what costs it is the same everywhere."""
    code = """
import sys
from apps.cli import main
sys.argv = ["unfont", "--help"]
try:
    main()
finally:
    heavy = {"torch", "numpy", "pandas", "prefect", "mlflow", "dvc", "pydantic", "yaml"} & set(sys.modules)
    print(f"heavy: {sorted(heavy)}", file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "heavy: []\n")
    assert "Usage: unfont" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [("predict",), ("round", "x"), ("round", "0"), ("bogus",), ("run", "--bogus"), ("predict", "a", "--top", "0")],
)
def test_a_wrong_use_is_one_line_and_status_2(monkeypatch, capsys, arguments):
    assert status_of(monkeypatch, *arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("unfont: ") and "--help" in said


def test_the_versions_are_those_of_both_distributions(monkeypatch, capsys):
    assert status_of(monkeypatch, "--version") == 0
    said = capsys.readouterr().out
    assert said == f"unfont {version('unfont')} (unfont-pipeline {version('unfont-pipeline')})\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_s_completion_is_printed(monkeypatch, capsys, shell):
    assert status_of(monkeypatch, "--show-completion", shell) == 0
    said = capsys.readouterr().out
    assert f"_UNFONT_COMPLETE=complete_{shell}" in said


@pytest.mark.parametrize(
    ("typed", "offered"), [(["pre"], {"predict"}), (["predict", "--abst"], {"--abstain-below"}), (["ev"], {"evaluate"})]
)
def test_bash_completes_commands_and_options(tmp_path, typed, offered):
    """The completion script, with what bash sets when Tab is pressed."""
    program = tmp_path / "unfont"
    program.write_text(f"#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m apps.cli $*\n")
    program.chmod(0o755)
    script = """
eval "$(unfont --show-completion bash)"
COMP_WORDS=(unfont "$@")
COMP_CWORD=$#
_unfont_completion unfont
echo "${COMPREPLY[@]}"
"""
    path = f"{tmp_path}:{os.environ['PATH']}"
    command = ["bash", "-c", script, "bash", *typed]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": path})
    assert set(done.stdout.split()) == offered, done.stderr


def test_outside_of_a_project_every_command_says_where_to_run_it(monkeypatch, capsys, here):
    needed = {"round": ["1"], "invariance": ["erm"], "history": ["0123456789ab"], "compare": ["round-0", "erm"]}
    needed |= {"explain": ["a.png"], "promote": ["1"], "ablation": ["faces.tar.gz"]}
    anywhere = ("predict", "join")
    names = [name for commands in cli.COMMANDS.values() for name in commands if name not in anywhere]
    uses = [[name, *needed.get(name, [])] for name in names]
    uses += [["run", "--plan"], ["profile", "default"], ["fonts", "--show"], ["fonts", "--from", "."]]
    uses += [
        ["tag", "--from", "."],
        ["evaluate", "--from", "."],
        ["report", "--full"],
        ["review", "--accept", "0123456789ab"],
    ]
    for use in uses:
        assert status_of(monkeypatch, *use) == 2, use
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1, use
        assert said.err == "unfont: there are no parameters (params.yaml): run unfont in the project's folder\n", use
    assert not list(here.iterdir())


def test_fonts_of_no_folder_change_nothing(monkeypatch, capsys, here):
    shutil.copy(ROOT / "params.yaml", here)
    assert status_of(monkeypatch, "fonts", "--from", "nowhere") == 2
    assert "nowhere" in capsys.readouterr().err
    assert (here / "params.yaml").read_bytes() == (ROOT / "params.yaml").read_bytes()


def test_a_full_report_leaves_nothing_out_from_then_on(monkeypatch, capsys, here):
    shutil.copy(ROOT / "params.yaml", here)
    shutil.copytree(ROOT / "profiles", here / "profiles")
    ran = []
    monkeypatch.setattr(stages, "run_stage", lambda address: ran.append((address, read_params().report)))
    before = read_params().report
    assert status_of(monkeypatch, "report") == 0
    assert status_of(monkeypatch, "report", "--full") == 0
    changed = {"units": None, "attributed": None, "search": 300}
    assert ran == [("report", before), ("report", before.model_copy(update=changed))]
    said = capsys.readouterr().out.splitlines()
    assert said == [f"params.yaml: report.{key}: {getattr(before, key)} -> {changed[key]}" for key in changed]
    assert read_params().profile == "default"


def test_a_failure_is_status_1(monkeypatch, capsys):
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(stages, "run_stage", broken)
    assert status_of(monkeypatch, "words") == 1


def test_an_interrupt_says_how_to_resume(monkeypatch, capsys):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stages, "run_stage", interrupted)
    assert status_of(monkeypatch, "words") == 130
    assert "run again" in capsys.readouterr().err


def test_a_wrong_input_is_status_2(monkeypatch, capsys):
    def wrong(*_: object) -> None:
        raise UserError("no such thing", where="here", fix="fix it")

    monkeypatch.setattr(stages, "run_stage", wrong)
    assert status_of(monkeypatch, "words") == 2
    assert capsys.readouterr().err == "unfont: no such thing (here): fix it\n"
