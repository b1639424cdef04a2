import shutil
import subprocess
import sys

import pytest

from apps import cli
from tasks.common.errors import UserError
from tests.conftest import ROOT


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["unfont", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


def test_help_is_a_table_of_contents(monkeypatch, capsys):
    assert run(monkeypatch, "--help") == 0
    said = capsys.readouterr().out
    commands = (
        "run",
        "round",
        "invariance",
        "evaluate",
        "probe",
        "report",
        "compare",
        "explain",
        "draw",
        "predict",
        "ui",
        "serve",
    )
    for command in (*commands, "doctor"):
        assert f"│ {command} " in said


def test_help_loads_nothing_heavy():
    heavy = "{'torch', 'prefect', 'mlflow', 'dvc', 'pandas'}"
    code = f"import sys, apps.cli; sys.exit(len({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("predict",), ("round", "x"), ("round", "0"), ("bogus",), ("run", "--bogus"), ("predict", "a", "--top", "0")],
)
def test_a_wrong_use_is_one_line_and_status_2(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("unfont: ") and "--help" in said


def test_outside_of_a_project_it_says_where_to_stand(monkeypatch, capsys, here):
    for command in ("run", "words", "predict"):
        assert run(monkeypatch, command, *(["a.png"] if command == "predict" else [])) == 2
        assert "project's folder" in capsys.readouterr().err


def test_fonts_of_no_folder_change_nothing(monkeypatch, capsys, here):
    shutil.copy(ROOT / "params.yaml", here)
    assert run(monkeypatch, "fonts", "--from", "nowhere") == 2
    assert "nowhere" in capsys.readouterr().err
    assert (here / "params.yaml").read_bytes() == (ROOT / "params.yaml").read_bytes()


def test_a_failure_is_status_1(monkeypatch, capsys):
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(cli, "_run_stage", broken)
    assert run(monkeypatch, "words") == 1


def test_an_interrupt_says_that_nothing_is_lost(monkeypatch, capsys):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run_stage", interrupted)
    assert run(monkeypatch, "words") == 130
    assert "run again" in capsys.readouterr().err


def test_a_wrong_input_is_status_2(monkeypatch, capsys):
    def wrong(*_: object) -> None:
        raise UserError("no such thing", where="here", mend="mend it")

    monkeypatch.setattr(cli, "_run_stage", wrong)
    assert run(monkeypatch, "words") == 2
    assert capsys.readouterr().err == "unfont: no such thing (here): mend it\n"
