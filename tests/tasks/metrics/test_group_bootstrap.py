"""The bootstrap is done again by hand: the crops of the drawn designs are put together and counted."""

import numpy as np
import pandas as pd
import pytest

from tasks.metrics import group_bootstrap as resample
from tasks.metrics.group_bootstrap import RESAMPLED_METRICS, Strata, paired_differences
from tasks.metrics.worst_group import counted_cells

OPTIONS = {"resamples": 30, "confidence": 0.9, "seed": 4}
THIN = ["Grek"]
NO_CELLS = counted_cells(
    pd.DataFrame(columns=["true", "predicted", "design"]), nuisance=None, group="design", cell_crops=1
)


@pytest.fixture
def text():
    """400 crops of 9 designs; models differ by design, and a style has three designs."""
    rng = np.random.default_rng(1)
    true = rng.choice(["Cyrl", "Grek", "Latn"], 400)
    design = rng.integers(0, 9, 400)
    frame = pd.DataFrame({"true": true, "design": [f"d{number}" for number in design]})
    frame["font_style"] = np.where(rng.random(400) < 0.1, None, np.array(["serif", "display", "mono"])[design % 3])
    for name, skill in {"erm": 0.6, "pairs": 0.7, "round-3": 0.65}.items():
        frame[name] = rng.random(400) < skill + 0.3 * rng.random(9)[design]
    return frame


def answered(text, model):
    return text.assign(predicted=np.where(text[model], text["true"], "Zxxx"))


def strata_of(text):
    cells = counted_cells(answered(text, "erm"), nuisance="font_style", group="design", cell_crops=20)
    return Strata.of_text(text, nuisance="font_style", group="design", cells=cells, thin=THIN), cells


def right_of(text):
    return {name: text[name].to_numpy() for name in ("erm", "pairs", "round-3")}


def by_hand(rows, model, counted):
    """A model's metrics on the crops of a resample; `counted` are the cells that count."""
    right, script, style = (rows[name].to_numpy(dtype=object) for name in (model, "true", "font_style"))
    scripts = [right[script == label].mean() for label in ("Cyrl", "Latn")]  # Grek is thin
    styles = []
    for value in ("display", "mono", "serif"):
        cells = [right[(script == label) & (style == value)] for label, other in counted if other == value]
        styles += [np.mean([cell.mean() for cell in cells if len(cell)])] if any(map(len, cells)) else []
    return {"accuracy": right.mean(), "worst_nuisance": min(styles), "worst_target": min(scripts)}


def test_differences_are_those_of_the_crops_of_the_drawn_designs(text):
    strata, counted = strata_of(text)
    pairs = [("pairs", "erm"), ("erm", "round-3")]
    found = paired_differences(strata, right_of(text), pairs, **OPTIONS)
    designs = list(dict.fromkeys(text["design"]))
    rng = np.random.default_rng(OPTIONS["seed"])
    samples = [text] + [
        pd.concat([text[text["design"] == designs[place]] for place in rng.integers(9, size=9)]) for _ in range(30)
    ]
    metrics = {name: [by_hand(rows, name, counted.index) for rows in samples] for name in right_of(text)}
    for candidate, reference in pairs:
        for metric in RESAMPLED_METRICS:
            pair = zip(metrics[candidate], metrics[reference], strict=True)
            value, *drawn = [own[metric] - other[metric] for own, other in pair]
            entry = found[candidate, reference][metric]
            assert entry["value"] == pytest.approx(value, abs=1e-6)
            assert entry["low"] == pytest.approx(np.quantile(drawn, 0.05), abs=1e-6)
            assert entry["high"] == pytest.approx(np.quantile(drawn, 0.95), abs=1e-6)


def test_it_comes_out_the_same_in_parts_and_differs_with_the_seed(text, monkeypatch):
    strata, _ = strata_of(text)
    whole = paired_differences(strata, right_of(text), [("pairs", "erm")], **OPTIONS)
    monkeypatch.setattr(resample, "ELEMENTS", 9 * 7)
    assert paired_differences(strata, right_of(text), [("pairs", "erm")], **OPTIONS) == whole
    assert paired_differences(strata, right_of(text), [("pairs", "erm")], **OPTIONS | {"seed": 5}) != whole


def test_a_model_does_not_differ_from_itself(text):
    strata, _ = strata_of(text)
    found = paired_differences(strata, right_of(text), [("erm", "erm")], **OPTIONS)["erm", "erm"]
    assert all(entry == {"value": 0, "low": 0, "high": 0} for entry in found.values())


def test_designs_say_less_than_as_many_crops_would(text):
    """Each design's crops are all won or all lost: drawing crops would promise four times the certainty and more."""
    won = text["design"].isin(["d0", "d2", "d4", "d6", "d8"]).to_numpy()
    right = {"erm": ~won, "pairs": won}
    options = OPTIONS | {"resamples": 500}
    widths = []
    for rows in (text, text.assign(design=None)):
        strata = Strata.of_text(rows, nuisance=None, group="design", cells=NO_CELLS, thin=())
        entry = paired_differences(strata, right, [("pairs", "erm")], **options)["pairs", "erm"]["accuracy"]
        widths.append(entry["high"] - entry["low"])
    assert strata.clusters == 400  # a crop without a design is one of its own
    assert widths[0] > 4 * widths[1]


def test_one_design_has_no_spread_and_a_missing_figure_is_none(text):
    strata = Strata.of_text(text.assign(design="d0"), nuisance=None, group="design", cells=NO_CELLS, thin=())
    found = paired_differences(strata, right_of(text), [("pairs", "erm")], **OPTIONS)["pairs", "erm"]
    assert found["accuracy"]["value"] == pytest.approx(text["pairs"].mean() - text["erm"].mean(), abs=1e-6)
    assert found["accuracy"]["low"] is None
    assert found["worst_nuisance"] == {"value": None, "low": None, "high": None}
