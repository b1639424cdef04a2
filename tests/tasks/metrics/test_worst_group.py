"""Cells, nuisance values and families are counted again, crop by crop."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from tasks.metrics.worst_group import (
    accuracy_by,
    by_nuisance,
    counted_cells,
    nuisance_table,
    share_with_interval,
    worst_cell,
    worst_families,
    worst_nuisance,
)

CELLS = [  # script, style, designs, crops, right
    ("Latn", "serif", 2, 10, 9),
    ("Cyrl", "serif", 2, 20, 10),
    ("Latn", "display", 3, 10, 8),
    ("Grek", "display", 1, 10, 0),  # one design
    ("Cyrl", "display", 2, 4, 0),  # too few crops
]
ROWS = pd.DataFrame(
    {"true": script, "predicted": script if i < right else "Zxxx", "font_style": style, "design": str(i % designs)}
    for script, style, designs, crops, right in CELLS
    for i in range(crops)
)
OPTIONS = {"nuisance": "font_style", "group": "design", "cell_crops": 10}


@pytest.fixture
def rows():
    """600 seeded text answers; some have no style, some no design."""
    rng = np.random.default_rng(3)
    true = rng.choice(["Cyrl", "Grek", "Latn"], 600)
    frame = pd.DataFrame({"true": true, "predicted": np.where(rng.random(600) < 0.7, true, "Zxxx")})
    frame["font_style"] = rng.choice(["serif", "display", None], 600)
    frame["colour_of_ink"] = rng.choice(["red", "blue"], 600)
    frame["design"] = rng.choice(["a", "b", "c", None], 600, p=[0.5, 0.3, 0.1, 0.1])
    frame["font_family"] = frame["design"] + "-" + rng.choice(list("12345"), 600)
    return frame


def test_cells_count_with_enough_crops_and_two_groups():
    cells = counted_cells(ROWS, **OPTIONS)
    assert cells["n"].to_dict() == {("Cyrl", "serif"): 20, ("Latn", "display"): 10, ("Latn", "serif"): 10}
    assert cells["hits"].tolist() == [10, 8, 9] and cells["accuracy"].tolist() == [0.5, 0.8, 0.9]
    assert worst_nuisance(cells) == (pytest.approx((0.9 + 0.5) / 2), "serif")


def test_the_worst_cell_has_its_names_its_size_and_its_interval():
    found = worst_cell(counted_cells(ROWS, **OPTIONS), confidence=0.9)
    interval = binomtest(10, 20).proportion_ci(0.9, method="wilson")
    assert found == {
        "worst_cell": 0.5,
        "worst_cell_target": "Cyrl",
        "worst_cell_nuisance": "serif",
        "worst_cell_n": 20,
        "worst_cell_low": pytest.approx(interval.low),
        "worst_cell_high": pytest.approx(interval.high),
    }


@pytest.mark.parametrize("nuisance", ["font_style", "colour_of_ink", "design"])
def test_every_nuisance_is_counted_as_by_hand(rows, nuisance):
    cells = counted_cells(rows, nuisance=nuisance, group="design", cell_crops=30)
    fewest = 1 if nuisance == "design" else 2
    by_hand = {}
    for (label, value), own in rows.dropna(subset=[nuisance]).groupby(["true", nuisance]):
        if len(own) >= 30 and len(set(own["design"].dropna())) >= fewest:
            by_hand[label, value] = sum(own["true"] == own["predicted"]) / len(own)
    assert cells["accuracy"].to_dict() == pytest.approx(by_hand)
    assert len(by_hand) > 0 and list(cells.index) == sorted(by_hand)
    styles = by_nuisance(cells)
    for value in {value for _, value in by_hand}:
        shares = [share for (_, other), share in by_hand.items() if other == value]
        assert styles.loc[value, "accuracy"] == pytest.approx(np.mean(shares))
        assert styles.loc[value, "cells"] == len(shares)
    table = nuisance_table(cells)
    assert table["values"][value]["accuracy"] == pytest.approx(styles.loc[value, "accuracy"], abs=1e-6)
    assert [(one["label"], one["value"]) for one in table["cells"]] == sorted(by_hand)


def test_without_a_nuisance_or_cells_nothing_is_worst(rows):
    for cells in (
        counted_cells(rows, nuisance=None, group="design", cell_crops=1),
        counted_cells(rows, nuisance="font_style", group="design", cell_crops=601),
        counted_cells(rows.iloc[:0], nuisance="font_style", group="design", cell_crops=1),
    ):
        assert worst_nuisance(cells) == (None, None)
        assert set(worst_cell(cells, confidence=0.95).values()) == {None}
        assert nuisance_table(cells) == {"values": {}, "cells": []}


def test_categories_give_the_same_cells(rows):
    typed = rows.astype(dict.fromkeys(["true", "predicted", "font_style", "design"], "category"))
    options = {"nuisance": "font_style", "group": "design", "cell_crops": 10}
    pd.testing.assert_frame_equal(counted_cells(typed, **options), counted_cells(rows, **options))


def test_the_worst_families_are_the_ten_lowest_with_enough_crops(rows):
    found = worst_families(rows, cell_crops=20, confidence=0.95)
    by_hand = []
    for family, own in rows.dropna(subset=["font_family"]).groupby("font_family"):
        hits, n = int(sum(own["true"] == own["predicted"])), len(own)
        interval = binomtest(hits, n).proportion_ci(0.95, method="wilson")
        if n >= 20:
            by_hand.append((hits / n, family, n, interval.low, interval.high))
    names = ("accuracy", "family", "n", "low", "high")
    expected = [dict(zip(names, entry, strict=True)) for entry in sorted(by_hand)[:10]]
    assert len(by_hand) == 10 < rows["font_family"].nunique()
    assert found == [{**entry, **{k: round(entry[k], 6) for k in ("accuracy", "low", "high")}} for entry in expected]
    assert worst_families(rows.assign(font_family=None), cell_crops=1, confidence=0.95) == []


def test_accuracy_by_leaves_out_what_has_no_value(rows):
    found = accuracy_by(rows, "font_style")
    right = rows["true"] == rows["predicted"]
    for style in ("serif", "display"):
        own = right[rows["font_style"] == style]
        assert found.loc[style].tolist() == [len(own), pytest.approx(own.mean())]
    assert len(found) == 2


def test_a_share_of_nothing_is_none():
    assert set(share_with_interval(np.zeros(0, bool), "accuracy", confidence=0.9).values()) == {None}
