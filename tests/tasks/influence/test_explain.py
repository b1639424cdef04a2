"""Known causes are found in order, and what is no cause is not one; nuisances are unlearned; real tables too."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from tasks.influence.example import CAUSES, IRRELEVANT, TARGET, write_example
from tasks.influence.explain import explain_table
from tests.tasks.influence.toytable import table_params
from unfont.errors import UserError

ROW = 5


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("influence") / "retail.csv"
    write_example(path, rows=3000)
    return path


@pytest.fixture(scope="module")
def found(example):
    return explain_table(table_params(), example, target=TARGET, row=ROW)


def test_the_causes_come_in_order_and_the_irrelevant_variable_is_none(found):
    names = [each["name"] for each in found["variables"]]
    assert names == [*CAUSES, IRRELEVANT]
    assert [each["name"] for each in found["variables"] if each["measurable"]] == [*CAUSES]
    by_permutation = sorted(found["variables"], key=lambda each: -each["permutation"])
    assert [each["name"] for each in by_permutation] == names
    assert found["agreement"]["integrated_gradients_and_permutation"] == 1.0
    assert found["variables"][-1]["share"] < 0.06


def test_shares_are_fractions_of_one(found):
    assert sum(each["share"] for each in found["variables"]) == pytest.approx(1, abs=1e-4)
    assert sum(each["conductance"] for each in found["variables"]) == pytest.approx(1, abs=1e-4)
    assert sum(found["outputs"][0]["shares"]) == pytest.approx(1, abs=1e-3)
    date = next(each for each in found["variables"] if each["name"] == "date")
    assert next(iter(date["parts"])) == "month" and sum(date["parts"].values()) == pytest.approx(1, abs=1e-4)
    alive = [each for each in found["neurons"] if each["share"]]
    assert len(found["neurons"]) == 24 + 12 and len(alive) > 20
    assert all(sum(each["shares"]) == pytest.approx(1, abs=3e-3) for each in alive)


def test_neurons_fire_for_the_planted_peaks(found, example):
    """Toys sell in November and December, garden tools in spring: some neuron says so."""
    words = [each["words"] for each in found["neurons"] if each["words"]]
    assert any("item_category" in text and "toys" in text and "November to December" in text for text in words)


def test_a_row_s_evidence_is_its_prediction_less_that_of_an_average_row(found, example):
    row = found["row"]
    values = pd.read_csv(example).iloc[ROW - 1].astype(str)
    assert {each["name"]: each["value"] for each in row["variables"]} == values.drop(TARGET).to_dict()
    assert (row["number"], row["truth"]) == (ROW, values[TARGET])
    evidence = sum(each["evidence"] for each in row["variables"])
    last = [each["evidence"] for each in row["neurons"] if each["layer"] == "embedding"]
    assert abs(row["predicted"]["value"] - float(row["truth"])) < 60
    # An average row is near the mean of the target, within what the network bends between.
    assert row["predicted"]["value"] - evidence == pytest.approx(pd.read_csv(example)[TARGET].mean(), abs=60)
    assert len(last) <= 10


def test_the_same_seed_gives_the_same_numbers(found, example):
    assert explain_table(table_params(), example, target=TARGET, row=ROW) == found


def test_there_is_no_row_0_and_no_mode_hope(example):
    for asked, said in (
        ({"row": 0}, "no row 0"),
        ({"row": 3001}, "rows are 1 to 3000"),
        ({"mode": "hope"}, "no mode"),
        ({"mode": "coral+pairs"}, "no pairs of rows"),
        ({"mode": "bottleneck"}, "no neurons"),
    ):
        with pytest.raises(UserError, match=said):
            explain_table(table_params(), example, target=TARGET, **asked)


def test_a_nuisance_that_other_columns_tell_is_unlearned(tmp_path):
    """`code` tells the store: with the mode the embedding holds less of it, and the score stays."""
    random = np.random.default_rng(0)
    store = random.integers(0, 3, 2000)
    signal = random.normal(size=2000)
    table = pd.DataFrame(
        {
            "store": np.array(["north", "south", "west"])[store],
            "code": store + random.normal(scale=0.2, size=2000),
            "signal": signal,
            "sold": np.where(signal + 0.3 * random.normal(size=2000) + 0.4 * (store == 1) > 0, "yes", "no"),
        }
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    found = explain_table(table_params(epochs=15), tmp_path / "t.csv", target="sold", nuisance="store", mode="erasure")
    assert "store" not in [each["name"] for each in found["variables"]]
    modes = found["unlearned"]["modes"]
    assert modes["erm"]["excess_points"] > 10
    assert modes["erasure"]["excess_points"] < modes["erm"]["excess_points"] / 2
    assert modes["erasure"]["score"] > 0.8


def test_what_is_known_of_two_real_tables(tmp_path):
    diabetes = load_diabetes(as_frame=True, scaled=False).frame
    diabetes.to_parquet(tmp_path / "diabetes.parquet")
    found = explain_table(table_params(), tmp_path / "diabetes.parquet", target="target")
    # Efron et al., Least Angle Regression (2004), section 1: body mass index and s5 enter first.
    assert {each["name"] for each in found["variables"][:3]} >= {"bmi", "s5"}
    assert found["target"]["kind"] == "number" and found["score"]["mean"] > 0.3

    cancer = load_breast_cancer(as_frame=True).frame
    cancer.to_csv(tmp_path / "cancer.csv", index=False, sep=";")
    found = explain_table(table_params(), tmp_path / "cancer.csv", target="target")
    assert found["target"]["labels"] == ["0", "1"] and found["score"]["mean"] > 0.93
    assert [output["label"] for output in found["outputs"]] == ["0", "1"]
