"""`unfont influence` on the command line: its table, its page, its MLflow run, and one line for what is wrong."""

import json
from pathlib import Path

import pytest
import yaml

from flows import influence as flow
from tasks.common.mlflow_store import client, experiment_of
from tests.command import status_of
from tests.tasks.influence.toytable import table_params


@pytest.fixture
def home(store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with params of a small network; no Prefect server watches."""
    params = table_params(epochs=4, rows=20, path=4)
    (store / "params.yaml").write_text(yaml.safe_dump(params.model_dump()), encoding="utf-8")
    monkeypatch.setattr(flow, "watched", lambda: False)
    return store


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    return status_of(monkeypatch, "influence", *arguments)


def test_the_example_is_written_measured_shown_and_recorded(home, monkeypatch, capsys):
    assert run(monkeypatch, "--example", "--row", "3", "--nuisance", "store_size") == 0
    said = capsys.readouterr()
    for text in ("next_month_sales (a number): R²", "item_category", "fires for", "store_size: guess", "row 3"):
        assert text in said.out
    assert "page: data/.work/influence.html" in said.err
    page = (home / "data/.work/influence.html").read_text(encoding="utf-8")
    assert "What drives next_month_sales" in page and "<script" not in page and "://" not in page

    (found,) = client().search_runs([experiment_of("influence")])
    assert found.info.status == "FINISHED"
    assert found.data.metrics["excess_points.conditional"] >= 0 and found.data.params["target"] == "next_month_sales"
    assert [each.path for each in client().list_artifacts(found.info.run_id)] == ["influence.html"]

    # The table that it wrote is one like any other; hostile names are text.
    table = home / "data/.work/influence/retail.csv"
    hostile = table.read_text().replace("shelf_colour", "<script>alert(1)</script>", 1).replace("oak", "<b>oak</b>")
    (home / "own.csv").write_text(hostile)
    arguments = ("own.csv", "--target", "promotion", "--format", "json", "--out", "own.html")
    assert run(monkeypatch, *arguments) == 0
    numbers = json.loads(capsys.readouterr().out)
    assert numbers["target"]["labels"] == ["no", "yes"] and numbers["row"] is None
    assert "<script" not in (home / "own.html").read_text(encoding="utf-8")


def test_one_line_says_what_was_wrong(home, monkeypatch, capsys):
    (home / "t.csv").write_text("a,b\n" + "1,x\n" * 60)
    wrong = {
        (): "no table is named (TABLE)",
        ("t.csv",): "no target is named (--target)",
        ("t.csv", "--example"): "the example is a table of its own (--example)",
        ("no.csv", "--target", "a"): "there is no such table (no.csv)",
        ("t.csv", "--target", "z"): "there is no column 'z' (t.csv): it has a, b",
        ("t.csv", "--target", "a"): "the target is the same in every row (t.csv: a)",
        ("t.csv", "--target", "a", "--mode", "erm"): "a mode needs what it unlearns (--mode erm)",
        ("t.csv", "--target", "a", "--nuisance", "b", "--mode", "pairs"): "a table has no pairs of rows (--mode pairs)",
        ("t.csv", "--target", "a", "--nuisance", "b", "--mode", "hope"): "there is no mode 'hope'",
        ("t.csv", "--target", "a", "--row", "61"): "there is no row 61 (t.csv): rows are 1 to 60",
        ("t.csv", "--target", "a", "--out", "page.txt"): "a page is an HTML file (page.txt)",
    }
    for arguments, line in wrong.items():
        assert run(monkeypatch, *arguments) == 2, arguments
        said = capsys.readouterr()
        assert line in said.err and said.err.count("\n") == 1 and said.out == ""
    assert sorted(path.name for path in home.iterdir() if path.is_file()) == ["params.yaml", "t.csv"]
