import numpy as np
import pandas as pd

from tasks.explain.unit_numbers import counted
from tasks.report.tables import (
    accuracy_by,
    confusion,
    in_turn,
    nuisance_counts,
    outcomes,
    pair_counts,
    strongest_confusions,
)

ROWS = pd.DataFrame(
    {"true": ["a", "a", "a", "b", "b"], "predicted": ["a", "b", "b", "b", "a"], "nuisance": [*"xxyy", None]}
)


def test_confusion_counts_truth_by_rows():
    assert confusion(ROWS, ["a", "b", "c"]).tolist() == [[1, 2, 0], [1, 1, 0], [0, 0, 0]]


def test_the_strongest_confusion_has_the_largest_share_of_its_row():
    worst = strongest_confusions(np.array([[1, 2], [30, 70]]), ["a", "b"], most=5)
    assert [(cell["true"], cell["predicted"], cell["count"], cell["n"]) for cell in worst] == [
        ("a", "b", 2, 3),
        ("b", "a", 30, 100),
    ]


def test_accuracy_by_leaves_out_what_has_no_label():
    found = accuracy_by(ROWS, "nuisance")
    assert [(group["value"], group["n"], group["correct"]) for group in found] == [("x", 2, 1), ("y", 2, 1)]
    assert accuracy_by(ROWS.assign(nuisance=None), "nuisance") == []


def test_pairs_and_turns():
    mined = pd.DataFrame({"true": [*"aaab"], "predicted": [*"bbba"], "score": [0.9, 0.8, 0.7, 0.6]})
    assert [(pair["true"], pair["count"], pair["score"]) for pair in pair_counts(mined)] == [
        ("a", 3, 0.9),
        ("b", 1, 0.6),
    ]
    assert in_turn(mined, ["true", "predicted"], most=3)["score"].tolist() == [0.9, 0.6, 0.8]
    assert pair_counts(mined[:0]) == []
    assert len(in_turn(mined[:0], ["true"], most=3)) == 0


def test_outcomes_and_nuisances_are_counted():
    found = pd.DataFrame({"outcome": ["added", "no room", "added", "other"], "nuisance": ["y", "y", None, "x"]})
    assert [(outcome, count) for outcome, count in outcomes(found).items() if count] == [
        ("added", 2), ("no room", 1), ("other", 1),
    ]  # fmt: skip
    assert [tuple(row.values()) for row in nuisance_counts(found)] == [("y", 2, 1), (None, 1, 1), ("x", 1, 0)]
    assert nuisance_counts(found[:0]) == []


def test_counted_is_by_frequency_then_name():
    assert counted(["b", "c", "a", "c"]) == [("c", 2), ("a", 1), ("b", 1)]
