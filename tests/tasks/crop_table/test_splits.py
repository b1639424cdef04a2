"""Splits are spelled in one module: a wrong name, or a second tuple of them, could let a choice read test rows."""

import ast
from typing import get_args

from tasks.common.drawing_settings import SplitCounts
from tasks.crop_table.splits import (
    DESIGN_SIDE,
    DESIGN_SIDES,
    MEASURED_SPLITS,
    REPORT_SPLIT,
    SELECTION_SPLIT,
    SPLITS,
    TEST_SPLITS,
    TEXT_SIDE,
    TRAINING_SPLITS,
    TextSide,
)
from tests.conftest import ROOT

SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for top in ("apps", "flows", "tasks", "models", "benchmarks")
    for path in (ROOT / top).rglob("*.py")
)
# The same word for something else: the file, the word, and what it is there.
OTHERWISE = {
    ("tasks/report/overview.py", "train"): "a section of params.yaml",
    ("benchmarks/imbalance.py", "train"): "a section of params.yaml",
    ("benchmarks/invariance.py", "train"): "a section of params.yaml",
    ("benchmarks/performance.py", "train"): "a file of results",
    ("benchmarks/train_stage.py", "train"): "an argument: settings of that section",
    ("benchmarks/material.py", "validation"): "a key of material.json",
    ("benchmarks/release.py", "test_unseen"): "a key of release.json",
    ("benchmarks/mine.py", "pool"): "a folder, and a column of the figures",
    ("tasks/mine/round.py", "pool"): "a count of round.json",
    ("tasks/mine/round.py", "validation"): "a key of round.json",
    ("tasks/report/overview.py", "validation"): "a key of round.json",
    ("models/small_network.py", "pool"): "a layer",
    ("tasks/ablation/faces.py", "train"): "pictures of people of whom all were learned from, in the archive",
    ("tasks/ablation/faces.py", "validation"): "pictures of these people that chose, in the archive",
    ("tasks/ablation/text.py", "train"): "a heading",
    ("tasks/ablation/text.py", "validation"): "a heading",
    ("tasks/influence/explain.py", "train"): "rows of a user's table",
    ("tasks/report/evidence.py", "validation"): "a key of round.json",
    ("tasks/train/loop.py", "train"): "a section of params.yaml",
    ("tasks/tag/group_split.py", "pool"): "what chance is drawn for: another word would move crops",
}


def test_what_chooses_reads_no_test_split():
    assert not {SELECTION_SPLIT, *TRAINING_SPLITS} & set(TEST_SPLITS)
    assert SELECTION_SPLIT not in TRAINING_SPLITS and REPORT_SPLIT in TEST_SPLITS
    assert {*TRAINING_SPLITS, *MEASURED_SPLITS} == set(SPLITS)


def test_every_split_has_its_counts_and_its_sides():
    assert tuple(SplitCounts.model_fields) == SPLITS == tuple(DESIGN_SIDE) == tuple(TEXT_SIDE)
    assert set(DESIGN_SIDE.values()) == set(DESIGN_SIDES)
    assert tuple(dict.fromkeys(TEXT_SIDE.values())) == get_args(TextSide)
    # What a model learned from shares no text with what it is measured on, nor, but for test_seen, a design.
    for split in MEASURED_SPLITS:
        assert all(TEXT_SIDE[split] != TEXT_SIDE[learned] for learned in TRAINING_SPLITS)
        assert all(
            (DESIGN_SIDE[split] == DESIGN_SIDE[learned]) == (split == "test_seen") for learned in TRAINING_SPLITS
        )


def test_no_other_module_spells_a_split():
    assert spelled_in("tasks/crop_table/splits.py") == set(SPLITS)
    others = [file for file in SOURCES if file != "tasks/crop_table/splits.py"]
    assert {(file, word) for file in others for word in spelled_in(file)} == set(OTHERWISE)


def test_a_spelled_split_is_found():
    assert spelled('"""Of test_seen."""\nrows = read(splits=["pool"])  # "train"\n') == {"pool"}


def spelled_in(file: str) -> set[str]:
    return spelled((ROOT / file).read_text(encoding="utf-8"))


def spelled(source: str) -> set[str]:
    """The splits whose names stand in the code as strings of their own."""
    return {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)} & set(SPLITS)
