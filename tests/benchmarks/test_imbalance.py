"""That every arm of the benchmark can be run and is measured on the same crops."""

from pathlib import Path

import pytest
import yaml

from benchmarks import imbalance
from benchmarks.imbalance import ARMS, draw_figure, run_arm, summary
from tests.tasks.toycrops import make_toy_table, toy_params


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    params = toy_params()
    values = params.model_dump(mode="json")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    monkeypatch.setattr(imbalance, "FIRST_EPOCHS", 2)
    monkeypatch.setattr(imbalance, "ROUND_EPOCHS", 1)
    return make_toy_table(tmp_path / "data" / "scripts" / "table")


def test_every_arm_is_trained_and_measured(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    runs = [run_arm(arm, 0, table=table, home=tmp_path / arm.name) for arm in ARMS]
    assert [run["arm"] for run in runs] == ["neither", "focal", "mining", "both", "random"]
    # Everything: 160 crops to train on and a pool of 120, once; mining: 160 twice, then what the rounds have.
    assert [run["visits"] for run in runs[:2]] == [280, 280]
    assert all(run["visits"] >= 320 for run in runs[2:])
    # The control adds as many crops as mining does.
    assert runs[4]["visits"] == runs[2]["visits"]
    for run in runs:
        assert all(0 <= run[name] <= 1 for name in ("false_positive_rate", "average_precision", "accuracy"))
    found = summary(runs)
    assert found["mining"]["accuracy"]["values"] == [runs[2]["accuracy"]]
    monkeypatch.setattr(imbalance, "FIGURE", tmp_path / "figures" / "imbalance.svg")
    draw_figure(found)
    assert (tmp_path / "figures" / "imbalance.svg").read_text(encoding="utf-8").count("<svg") == 1
