"""What a sweep found, computed by hand."""

import csv
import json
from typing import Any

import pytest

from tasks.sweep.space import space_of
from tasks.sweep.table import format_sweep, summarise_sweep, write_sweep
from tasks.sweep.trials import SettingResult
from tests.tasks.toycrops import toy_params

SPACE = space_of(
    toy_params().invariance,
    modes=["erm", "conditional"],
    values={"strength": [0.1, 1.0]},
    seeds=3,
    sampled=False,
)
Seeds = list[tuple[float | None, float | None, float | None]]  # criterion, worst style, worst script
ERM: Seeds = [(0.80, 0.5, 0.2), (0.82, 0.5, 0.2), (0.84, 0.5, 0.2)]
WEAK: Seeds = [(0.81, 0.6, 0.3), (0.84, 0.7, 0.3), (0.87, 0.8, None)]
STRONG: Seeds = [(0.90, 0.9, 0.9), (None, None, None), (0.90, 0.9, 0.9)]


def tried(*metrics: Seeds) -> list[SettingResult]:
    return [
        SettingResult(setting=setting, outcomes=list(map(outcome, each)))
        for setting, each in zip(SPACE.grid(), metrics, strict=False)
    ]


def outcome(values: tuple[float | None, ...]) -> dict[str, Any]:
    metrics = dict(zip(("criterion", "worst_nuisance", "worst_target"), values, strict=True))
    return {"metrics": {**metrics, "accuracy": 0.75, "false_alarm_rate": None}, "seconds": 1.0}


def test_a_row_has_mean_and_spread_over_its_seeds():
    erm, weak, _ = summarise_sweep(tried(ERM, WEAK, STRONG), SPACE)["rows"]
    # Deviations of -0.02, 0, 0.02: their squares sum to 0.0008, halved (n - 1) 0.0004, whose root is 0.02.
    assert (erm["n"], erm["criterion_mean"], erm["criterion_spread"]) == (3, 0.82, 0.02)
    assert (erm["strength"], weak["strength"]) == (None, 0.1)
    assert (weak["criterion_mean"], weak["criterion_spread"]) == (0.84, 0.03)
    assert (weak["worst_nuisance_mean"], weak["worst_nuisance_spread"]) == (0.7, 0.1)


def test_a_figure_that_a_seed_lacks_has_no_mean_and_what_diverged_is_never_best():
    summary = summarise_sweep(tried(ERM, WEAK, STRONG), SPACE)
    _, weak, strong = summary["rows"]
    assert weak["worst_target_mean"] is None
    assert (strong["diverged"], strong["criterion_mean"]) == (1, None)
    assert summary["best"] == 1


def test_the_lead_is_paired_by_seed():
    # 0.01, 0.02 and 0.03 between the same seeds: 0.02 and 0.01, though each mode alone swings by more.
    lead = summarise_sweep(tried(ERM, WEAK, STRONG), SPACE)["lead"]
    assert lead == {"over": 0, "mean": 0.02, "spread": 0.01}


def test_it_suggests_the_best_beside_erm():
    assert summarise_sweep(tried(ERM, WEAK, STRONG), SPACE)["suggested"] == {
        "invariance.modes": ["erm", "conditional"],
        "invariance.strength": 0.1,
    }
    assert summarise_sweep(tried(ERM), SPACE)["suggested"] == {"invariance.modes": ["erm"]}


def test_the_table_marks_the_best_and_says_how_sure_it_is():
    lines = format_sweep(summarise_sweep(tried(ERM, WEAK, STRONG), SPACE), "table").splitlines()
    right = ["75.0", "±", "0.0"]
    assert [line.split() for line in lines[:4]] == [
        [
            "mode",
            "strength",
            "n",
            "criterion",
            "accuracy",
            "worst",
            "nuisance",
            "worst",
            "target",
            "false",
            "alarm",
            "rate",
        ],
        ["erm", "-", "3", "82.0", "±", "2.0", *right, "50.0", "±", "0.0", "20.0", "±", "0.0", "-"],
        ["*", "conditional", "0.1", "3", "84.0", "±", "3.0", *right, "70.0", "±", "10.0", "-", "-"],
        ["conditional", "1", "3", "-", *right, "-", "-", "-", "1", "diverged"],
    ]
    assert "* leads erm by 2.0 ± 1.0 points, seed by seed" in lines
    assert lines[-1] == "params.yaml for *: invariance.modes: [erm, conditional], invariance.strength: 0.1"


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ([ERM, WEAK], "by 2.0 ± 1.0 points, seed by seed\n"),
        ([ERM, [ERM[0], ERM[1], (0.87, 0.5, 0.2)]], "by 1.0 ± 1.7 points, seed by seed: within its spread\n"),
        ([ERM[:1], WEAK[:1]], "by 1.0 points: one seed does not say whether by chance\n"),
    ],
)
def test_it_says_how_far_to_trust_a_lead(metrics: list[Seeds], said: str):
    assert f"* leads erm {said}" in format_sweep(summarise_sweep(tried(*metrics), SPACE), "table")


def test_nothing_tried_is_an_empty_table():
    summary = summarise_sweep([], SPACE)
    assert (summary["rows"], summary["best"], summary["lead"], summary["suggested"]) == ([], None, None, {})
    for output_format in ("table", "json", "csv"):
        format_sweep(summary, output_format)


def test_programs_get_json_and_csv(tmp_path):
    summary = summarise_sweep(tried(ERM, WEAK), SPACE)
    write_sweep(summary, tmp_path)
    assert json.loads(format_sweep(summary, "json")) == json.loads((tmp_path / "sweep.json").read_text()) == summary
    assert (tmp_path / "sweep.csv").read_text() == format_sweep(summary, "csv") + "\n"
    rows = list(csv.DictReader(format_sweep(summary, "csv").splitlines()))
    assert [(row["mode"], row["strength"], row["criterion_mean"], row["best"]) for row in rows] == [
        ("erm", "", "0.82", "False"),
        ("conditional", "0.1", "0.84", "True"),
    ]
    with pytest.raises(ValueError, match="table, json or csv"):
        format_sweep(summary, "html")
