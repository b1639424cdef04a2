"""Against the criterion itself, and against resampling rows one by one."""

import numpy as np
import pandas as pd
import pytest

from tasks.evaluate.criterion_difference import criterion_difference
from tasks.evaluate.model_selection import criterion_of
from tasks.metrics.classification import measure

SETTINGS = {"nuisance": "font_style", "group": "design", "cell_crops": 10}
BOUND = {"resamples": 2000, "confidence": 0.95, "seed": 3}


def crops(rng, n=400):
    true = rng.choice(["Latn", "Cyrl", "Zxxx"], n)
    text = true != "Zxxx"
    return pd.DataFrame({
        "true": true,
        "font_style": np.where(text, rng.choice(["serif", "display"], n, p=[0.8, 0.2]), None),
        "design": np.where(text, rng.choice(["a", "b", "c"], n), None),
        "p": 0.5,
    })  # fmt: skip


def predicted(rows, right, rng):
    """Predictions that are right with probability `right` of each crop."""
    wrong = rows["true"].map({"Latn": "Cyrl", "Cyrl": "Latn", "Zxxx": "Latn"})
    return rows.assign(predicted=np.where(rng.random(len(rows)) < right, rows["true"], wrong))


def criterion(rows):
    return criterion_of(measure(rows, **SETTINGS, thin=[], confidence=0.95))


def two(rng):
    rows = crops(rng)
    rare = (rows["font_style"] == "display").to_numpy()
    return predicted(rows, np.where(rare, 0.9, 0.7), rng), predicted(rows, np.where(rare, 0.5, 0.75), rng)


def test_the_difference_is_that_of_the_criterion(rng):
    new, old = two(rng)
    found = criterion_difference(new, old, **SETTINGS, **BOUND)
    assert found.value == pytest.approx(criterion(new) - criterion(old), abs=2e-6)  # metrics are rounded to 6 digits


def test_the_bound_is_that_of_resampled_rows(rng):
    new, old = two(rng)
    text = (new["true"] != "Zxxx").to_numpy()
    sides = [np.flatnonzero(text), np.flatnonzero(~text)]
    drawn = []
    for _ in range(300):
        rows = np.concatenate([rng.choice(side, len(side)) for side in sides])
        drawn.append(criterion(new.iloc[rows]) - criterion(old.iloc[rows]))
    found = criterion_difference(new, old, **SETTINGS, **BOUND)
    assert found.lower == pytest.approx(np.quantile(drawn, 0.05), abs=0.25 * np.std(drawn))


def test_a_model_that_is_better_on_rare_styles_wins_over_one_of_higher_accuracy(rng):
    rows = crops(rng, 4000)
    rare, empty = (rows["font_style"] == "display").to_numpy(), (rows["true"] == "Zxxx").to_numpy()
    new = predicted(rows, np.where(rare, 0.9, np.where(empty, 1.0, 0.70)), rng)
    old = predicted(rows, np.where(rare, 0.3, np.where(empty, 1.0, 0.90)), rng)
    text = rows["true"] != "Zxxx"
    assert (new["true"] == new["predicted"])[text].mean() < (old["true"] == old["predicted"])[text].mean()
    assert criterion_difference(new, old, **SETTINGS, **BOUND).lower > 0


def test_equal_models_differ_by_nothing(rng):
    new, _ = two(rng)
    found = criterion_difference(new, new, **SETTINGS, **BOUND)
    assert (found.value, found.lower) == (0, 0)


def test_without_a_nuisance_and_without_backgrounds_it_is_the_accuracy(rng):
    new, old = (rows[rows["true"] != "Zxxx"].reset_index(drop=True) for rows in two(rng))
    found = criterion_difference(new, old, nuisance=None, group="design", cell_crops=10, **BOUND)
    assert found.value == pytest.approx(
        ((new["true"] == new["predicted"]) * 1 - (old["true"] == old["predicted"])).mean()
    )


def test_other_crops_are_refused(rng):
    new, old = two(rng)
    with pytest.raises(ValueError, match="same crops"):
        criterion_difference(new, old.iloc[::-1].reset_index(drop=True), **SETTINGS, **BOUND)
    with pytest.raises(ValueError, match="no text"):
        empty = new[new["true"] == "Zxxx"]
        criterion_difference(empty, empty, **SETTINGS, **BOUND)


@pytest.fixture
def rng():
    return np.random.default_rng(0)
