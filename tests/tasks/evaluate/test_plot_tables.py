import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
import yaml

from tasks.evaluate.plot_tables import (
    COLUMNS,
    by_model,
    confusion_points,
    nuisance_points,
    reliability_points,
    risk_points,
    write_plots,
)
from tests.conftest import ROOT

ROWS = pd.DataFrame(
    {"true": ["Latn", "Latn", "Cyrl"], "predicted": ["Latn", "Cyrl", "Cyrl"], "p": [0.9, 0.8, 1.0], "p_raw": [0.5] * 3}
)
STYLE = {"values": {"serif": {"accuracy": 0.75, "cells": 2, "n": 40}}, "cells": []}


def tables(styles):
    return {
        "confusion": confusion_points(ROWS),
        "risk_coverage": by_model({"erm": risk_points(ROWS["p"].to_numpy(), np.array([True, False, True]))}),
        "reliability": reliability_points(ROWS, 0.5),
        "accuracy_by_nuisance": nuisance_points({"erm": styles}),
        "training": pd.DataFrame({"model": ["erm"], "epoch": [0], "loss": [0.5], "learning_rate": [0.1]}),
    }


def test_every_table_is_a_small_csv_of_its_columns(tmp_path):
    write_plots(tmp_path / "plots", tables({"font_style": STYLE}))
    lines = {path.stem: path.read_text().splitlines() for path in (tmp_path / "plots").iterdir()}
    assert {name: rows[0].split(",") for name, rows in lines.items()} == COLUMNS
    assert lines["confusion"][1:] == ["Latn,Latn", "Latn,Cyrl", "Cyrl,Cyrl"]
    assert lines["risk_coverage"][1:] == ["erm,0.333333,0.0", "erm,0.666667,0.0", "erm,1.0,0.333333"]
    assert lines["accuracy_by_nuisance"][1:] == ["erm,font_style,serif,0.75,2,40"]
    assert lines["training"][1:] == ["erm,0,0.5,,"]


def test_reliability_is_told_with_the_temperature_and_without():
    found = reliability_points(ROWS, 0.5)
    assert found["temperature"].tolist() == [0.5] * 3 + [1.0]
    assert found["accuracy"].tolist() == pytest.approx([0, 1, 1, 2 / 3])
    assert reliability_points(ROWS, 1.0)["confidence"].tolist() == [0.5]


def test_a_curve_has_a_point_for_each_percent_of_the_crops():
    rng = np.random.default_rng(0)
    points = risk_points(rng.random(1234), rng.random(1234) < 0.9)
    assert len(points) == 100
    np.testing.assert_allclose(points["coverage"], np.arange(1, 101) / 100, atol=1 / 1234)
    assert risk_points(np.zeros(0), np.zeros(0, bool)).empty


@pytest.mark.parametrize("styles", [{"font_style": STYLE}, {}], ids=["styles", "no styles"])
def test_dvc_draws_every_plot_of_dvc_yaml(tmp_path, styles):
    shutil.copytree(ROOT / ".dvc" / "plots", tmp_path / ".dvc" / "plots")
    for name in ("dvc.yaml", "params.yaml", ".dvc/config"):
        shutil.copy(ROOT / name, tmp_path / name)
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    write_plots(tmp_path / "data" / params["problem"] / "plots", tables(styles))
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    done = subprocess.run(["dvc", "plots", "show", "--json"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    declared = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["plots"]
    assert "errors" not in shown
    assert list(shown["data"]) == [name for plot in declared for name in plot]
    empty = [name for name, drawn in shown["data"].items() if not drawn]
    assert empty == ([] if styles else ["accuracy by nuisance"])
    points = json.dumps(shown["data"]["risk–coverage"][0]["content"])
    assert "DVC_METRIC" not in points and "0.333333" in points
