"""How the cost of scoring and mining is computed, and that it can be measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.mine import RATIOS, exponent, make_pool, ratios
from tasks.crop_table.shards import read_images, read_rows, read_table
from tasks.train.weights import new_network, save_model
from tests.conftest import ROOT
from tests.tasks.mine.test_score import CARD
from tests.tasks.toycrops import make_toy_table


def test_a_pool_is_the_same_crops_again_with_keys_of_their_own(tmp_path: Path) -> None:
    source = read_table(make_toy_table(tmp_path / "table")).slice(0, 30)
    pool = make_pool(source, tmp_path / "pool", 100)
    rows = read_rows(pool)
    assert len(rows) == len(set(rows["key"])) == 100
    assert rows["script"].tolist() == (source["script"].to_pylist() * 4)[:100]
    assert read_images(pool)[0].shape[0] == 100


def test_a_cost_that_doubles_with_the_rows_is_linear() -> None:
    assert exponent([(100, 1.0), (200, 2.0), (400, 4.0)]) == 1
    assert exponent([(100, 1.0), (200, 4.0), (400, 16.0)]) == 2


def test_a_ratio_is_the_median_over_the_repeats_of_what_ran_side_by_side() -> None:
    seconds = {name: [2.0, 2.0, 4.0] for pair in RATIOS.values() for name in pair}
    found = ratios(seconds | {"bare_forward": [1.0, 4.0, 4.0]})
    assert (found["ratio"]["bare_forward"], found["ratio_spread"]["bare_forward"]) == (1.0, [0.5, 2.0])
    assert found["ratio"]["fused_forward"] == 1.0


@pytest.mark.slow
def test_all_is_measured_on_a_few_crops(tmp_path: Path) -> None:
    home = tmp_path / "data" / "scripts"
    make_toy_table(home / "table")
    torch.manual_seed(0)
    save_model(home / "rounds" / "0", new_network(CARD), CARD)
    out, study = tmp_path / "mine.json", tmp_path / "study.json"
    study.write_text('{"verdict": {"false_positive_cut": 0.25}}', encoding="utf-8")
    command = ["--quick", "--project", str(tmp_path), "--study", str(study), "--out", str(out)]
    subprocess.run([sys.executable, "-m", "benchmarks.mine", *command], cwd=ROOT, check=True, capture_output=True)
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["false_positive_cut"] == 0.25
    assert set(found["ratio"]) == set(RATIOS)
    assert [pool["rows"] for pool in found["pools"]] == [500, 1000, 2000]
    assert all(pool["false_positives"] <= pool["wrong"] <= pool["rows"] for pool in found["pools"])
    assert 0 < found["pools"][-1]["peak_pss_gib"] <= found["peak_rss_gib"]
