"""`unfont ablation` on the command line."""

import json
from pathlib import Path

import pytest

from apps import ablation as command
from flows.ablation import measure
from tests.command import status_of
from tests.tasks.ablation.toyablation import small_params, toy_experiment
from tests.tasks.sweep.toysweep import write_params


@pytest.fixture
def home(store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with params.yaml, and no Prefect server."""
    monkeypatch.setattr(command, "run_experiment", measure)
    write_params(store, small_params())
    return store


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    return status_of(monkeypatch, "ablation", *arguments)


def test_it_prints_the_tables_and_writes_the_page(home, monkeypatch, capsys):
    toy_experiment("base")  # makes the archive
    assert run(monkeypatch, "faces.tar.gz", "--only", "linear-mse,mirror", "--format", "json") == 0
    numbers = json.loads(capsys.readouterr().out)
    assert (numbers["pictures"], numbers["people"]) == (128, 8)
    assert [row["name"] for row in numbers["variants"]] == ["base", "four-class", "linear-mse"]
    assert numbers["cures"]["chosen"] == "mirror"

    assert run(monkeypatch, "faces.tar.gz", "--only", "linear-mse,mirror", "--out", "maps.html") == 0
    said = capsys.readouterr()
    assert '"the same accuracy": ' in said.out
    assert "mirror *" in said.out
    page = (home / "maps.html").read_text(encoding="utf-8")
    units = sum(layer["units"] for row in numbers["variants"] for layer in row["units"].values())
    decisions = sum(row["labels"] for row in numbers["variants"])
    assert page.count('alt="unit ') <= units + decisions
    assert page.count('alt="unit ') > units / 2
    misread = page.count('alt="its attribution map"')
    assert 0 < misread <= 12 and page.count(", read as ") == misread
    assert "map follows" in said.out and "map follows" in page


def test_one_line_says_what_was_wrong(home, monkeypatch, capsys):
    toy_experiment("base")
    wrong = {
        ("none.tar.gz",): "there is no such folder or archive (none.tar.gz)",
        ("faces.tar.gz", "--only", "hope"): "there is no variant 'hope' (--only)",
        ("faces.tar.gz", "--rotations", "9"): "8 people are too few for 9 rotations",
        ("faces.tar.gz", "--seeds", "1"): "--seeds",
        ("faces.tar.gz", "--out", "maps.png"): "a page is an HTML file (maps.png)",
        ("params.yaml",): "(params.yaml)",
    }
    for arguments, line in wrong.items():
        assert run(monkeypatch, *arguments) == 2, arguments
        said = capsys.readouterr().err
        assert line in said
        assert len([one for one in said.splitlines() if one.startswith("unfont: ")]) == 1
    assert not Path("data/.work/ablation.html").exists()
