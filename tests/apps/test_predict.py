import json
import subprocess
import sys

import psutil
import pyarrow.parquet as pq
import pytest
from PIL import Image

from apps import predict
from apps.predict import FEW
from tests.conftest import ROOT
from tests.project import unfont
from tests.tasks.predict.greys import GreySource
from unfont.errors import UserError

OPTIONS = {"top": 2, "among": None, "abstain_below": 0.0, "workers": 1, "output_format": "jsonl", "out": None}


def run(*sources, **options):
    return predict.predict(list(sources), source_of=GreySource, **(OPTIONS | options))


@pytest.fixture
def pictures(here):
    for name, grey in (("a.png", 10), ("c.png", 200)):
        Image.new("L", (64, 16), grey).save(here / name)
    (here / "b.png").write_text("no picture")
    return here


def test_the_answers_are_printed_and_the_model_named_beside_them(pictures, capsys):
    assert run("a.png", "c.png") == 0
    said = capsys.readouterr()
    assert [json.loads(line)["script"] for line in said.out.splitlines()] == ["dark", "light"]
    assert said.err == "unfont: model greys\n"


def test_a_picture_that_cannot_be_read_is_a_row_and_status_2(pictures, capsys):
    assert run("a.png", "b.png", "c.png", output_format=None) == 2
    said = capsys.readouterr()
    assert said.out.splitlines()[2].split(maxsplit=4) == ["b.png", "-", "-", "-", "error: this is no picture"]
    assert said.err.splitlines()[1:] == ["unfont: 1 of 3 pictures could not be read: see `error`"]


@pytest.mark.parametrize("suffix", ["txt", "json", "jsonl", "csv", "parquet"])
def test_a_file_gets_what_its_suffix_says_and_nothing_is_printed(pictures, capsys, suffix):
    assert run("a.png", out=pictures / f"deep/out.{suffix}", output_format=None) == 0
    out = pictures / f"deep/out.{suffix}"
    assert b"a.png" in out.read_bytes()
    assert [file.name for file in out.parent.iterdir()] == [out.name]
    assert capsys.readouterr().out == ""
    if suffix == "parquet":
        assert pq.read_table(out)["script"].to_pylist() == ["dark"]


def test_a_run_that_fails_leaves_the_old_file(pictures, monkeypatch):
    out = pictures / "out.csv"
    out.write_text("old")
    monkeypatch.setattr("tests.tasks.predict.greys.Greys.probabilities", None)
    with pytest.raises(TypeError):
        run("a.png", out=out)
    assert out.read_text() == "old"
    assert {file.name for file in pictures.iterdir()} == {"a.png", "b.png", "c.png", "out.csv"}


@pytest.mark.parametrize("options", [{"among": ["Klin"]}, {"among": []}, {"abstain_below": float("nan")}])
def test_wrong_options_are_told_before_anything_is_written(pictures, capsys, options):
    with pytest.raises(UserError):
        run("a.png", out=pictures / "out.csv", **options)
    assert not (pictures / "out.csv").exists() and capsys.readouterr().err == ""


def test_many_pictures_are_answered_in_processes_as_they_are_in_one(pictures, monkeypatch, capsys):
    many = ["a.png", "b.png", "c.png"] * 100
    assert len(many) > FEW
    alone, spread = pictures / "alone.jsonl", pictures / "spread.jsonl"
    assert run(*many, out=alone) == 2
    monkeypatch.setattr("tasks.predict.predict.predict_items", None)  # not here: a process has its own
    assert run(*many, out=spread, workers=2) == 2
    assert alone.read_bytes() == spread.read_bytes()
    assert "200 of 300" not in capsys.readouterr().err


def test_progress_is_shown_where_somebody_waits(pictures, monkeypatch, caplog):
    caplog.set_level("INFO", logger="unfont")
    many = ["a.png"] * (FEW + 1)
    run(*many, out=pictures / "out.csv")
    assert caplog.messages == []
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    run("a.png", out=pictures / "out.csv")
    assert caplog.messages == []
    run(*many, out=pictures / "out.csv")
    assert [message.split(";")[0] for message in caplog.messages] == ["257 of 257 pictures"]
    assert caplog.messages[0].endswith(" pictures/s, 0 s left")


def test_outside_of_a_project_the_shipped_model_answers(pictures):
    status, said = unfont("predict", "a.png", "c.png", "--format", "jsonl")
    assert status == 0 and said.splitlines()[0] == "unfont: model shipped with unfont"
    assert [json.loads(line)["file"] for line in said.splitlines()[1:]] == ["a.png", "c.png"]
    assert unfont("predict", "a.png", "--model", "shipped")[0] == 0
    status, said = unfont("predict", "a.png", "--model", "none.onnx")
    assert status == 2 and "there is no model (none.onnx)" in said


def program(*arguments, code="", **options):
    """The command in a process of its own."""
    code = f"import sys; from apps.cli import main; sys.argv = ['unfont', *sys.argv[1:]]\ntry: main()\nfinally: {code}0"
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, env={"PYTHONPATH": str(ROOT)}, **options)


def test_paths_and_options_are_checked_before_anything_heavy_is_imported(pictures):
    heavy = "{'torch', 'pandas', 'pyarrow', 'mlflow', 'prefect', 'onnxruntime'}"
    code = f"print(sorted({heavy} & {{*sys.modules}})); "
    for arguments, said in (
        (["none.png"], b"unfont: there is no such file (none.png): fix the path\n"),
        (["a.png", "--format", "parquet"], b"unfont: Parquet cannot be printed"),
        (["a.png", "--out", "a.xyz"], b"unfont: its suffix names no format"),
    ):
        done = program("predict", *arguments, code=code, cwd=pictures)
        assert done.returncode == 2 and done.stderr.startswith(said) and done.stderr.count(b"\n") == 1
        assert done.stdout == b"[]\n"


def test_standard_input_lists_paths_and_a_reader_may_leave_early(pictures):
    done = program("predict", "-", "--format", "csv", cwd=pictures, input=b"c.png\0none.png\0")
    assert done.returncode == 2
    lines = done.stdout.splitlines()
    assert [line.split(b",")[0] for line in lines] == [b"file", b"c.png", b"none.png"]
    assert lines[2].endswith(b",there is no such file")
    shell = f"for _ in $(seq 3000); do echo a.png; done | {sys.executable} -m apps.cli predict - --workers 1 | head -2"
    left = subprocess.run(["bash", "-c", shell], cwd=pictures, capture_output=True, env={"PYTHONPATH": str(ROOT)})
    assert left.stdout.count(b"\n") == 2 and b"Traceback" not in left.stderr


def test_when_the_command_is_killed_its_processes_end(pictures):
    command = [sys.executable, "-m", "apps.cli", "predict", "-", "--workers", "2", "--format", "jsonl"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=pictures, env={"PYTHONPATH": str(ROOT)}, **pipes) as running:
        running.stdin.write(b"a.png\n" * 100_000)
        running.stdin.close()
        assert running.stdout.readline()
        workers = psutil.Process(running.pid).children(recursive=True)
        running.kill()
    _, left = psutil.wait_procs(workers, timeout=30)
    assert workers and not left
