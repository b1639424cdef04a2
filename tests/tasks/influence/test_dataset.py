"""Tables made ready: features by hand, labels that training lacks, targets that cannot serve."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tasks.influence.dataset import make_dataset
from tests.tasks.influence.toytable import table_params
from unfont.errors import UserError

SETTINGS = table_params().influence
ROWS = 200


def frame(**columns) -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({"x": random.normal(size=ROWS), "y": random.normal(size=ROWS)} | columns)


def made(table: pd.DataFrame, *, target="y", nuisance=None, seed=0, settings=SETTINGS):
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    return make_dataset(arrow, Path("t.csv"), target=target, nuisance=nuisance, settings=settings, seed=seed)


def feature(data, name):
    return next(each for each in data.features.listed if each.name == name)


def test_the_split_follows_from_the_seed_and_leaves_no_row_on_both_sides():
    one, again, other = made(frame()), made(frame()), made(frame(), seed=1)
    assert len(one.held_out) == 40 and len(one.train) == 160
    assert sorted([*one.held_out.tolist(), *one.train.tolist()]) == list(range(ROWS))
    assert one.held_out.tolist() == again.held_out.tolist() != other.held_out.tolist()


def test_numbers_are_standardised_by_training_rows_and_missing_ones_are_flagged():
    table = frame()
    table.loc[table.index % 10 == 0, "x"] = None
    data = made(table)
    train = data.train.numpy()
    known = table["x"].to_numpy()[train]
    wanted = (table["x"].to_numpy() - np.nanmean(known)) / np.nanstd(known)
    np.testing.assert_allclose(feature(data, "x").values, np.nan_to_num(wanted), atol=1e-6)
    np.testing.assert_array_equal(feature(data, "missing of x").values, table["x"].isna())


def test_a_huge_number_is_cut_and_said():
    table = frame()
    table.loc[3, "x"] = 1e300
    data = made(table)
    assert np.abs(feature(data, "x").values).max() <= 10 and np.isfinite(data.features.matrix.numpy()).all()
    assert any("'x' is far from its mean in 1 row" in note for note in data.notes)


def test_a_date_is_year_month_weekday_and_season():
    days = pd.date_range("2023-01-01", periods=ROWS, freq="5D")
    data = made(frame(day=days))
    for part, wanted in {
        "month": days.month, "weekday": days.weekday + 1, "season": days.month % 12 // 3 + 1
    }.items():  # fmt: skip
        np.testing.assert_array_equal(feature(data, f"{part} of day").values, wanted)
    assert feature(data, "season of day").labels == ("other", "winter", "spring", "summer", "autumn")
    year = feature(data, "year of day")
    np.testing.assert_allclose(year.values * year.deviation + year.mean, days.year, rtol=1e-6)
    assert data.features.variables == ("x", "day")


def test_a_label_that_training_lacks_is_other_and_said():
    kind = np.where(np.arange(ROWS) % 2, "a", "b").astype(object)
    unseen = made(frame(kind=kind)).held_out[:2].numpy()
    kind[unseen] = "new"
    data = made(frame(kind=kind))
    assert feature(data, "kind").labels == ("other", "a", "b")
    assert feature(data, "kind").values[unseen].tolist() == [0, 0]
    assert "'kind' has categories in 2 rows held out that training lacks: read as 'other'" in data.notes


def test_of_very_many_categories_the_most_frequent_are_kept():
    random = np.random.default_rng(0)
    names = np.array([f"c{number:06d}" for number in range(100_000)])
    table = pd.DataFrame({"name": np.append(names, np.repeat(names[:30], 200)), "y": random.normal(size=106_000)})
    data = made(table, settings=SETTINGS.model_copy(update={"categories": 20}))
    assert data.features.sizes == [21]
    assert any("the 20 most frequent are kept" in note for note in data.notes)


def test_what_tells_no_rows_apart_is_left_out_and_said():
    data = made(frame(same="a", one=[f"id {number}" for number in range(ROWS)], count=range(1, ROWS + 1), nothing=None))
    assert data.features.variables == ("x",)
    assert {note.split(":")[0] for note in data.notes} == {
        "'same' is the same in every row", "'one' has another value in every row",
        "'count' numbers the rows", "'nothing' is empty",
    }  # fmt: skip


def test_classes_and_numbers_as_targets():
    rating = np.arange(ROWS) % 3
    assert made(frame(t=rating), target="t").target.labels == ("0", "1", "2")
    assert made(frame(t=rating == 1), target="t").target.labels == ("false", "true")
    number = made(frame(t=np.arange(ROWS) % 50 * 2), target="t").target
    assert number.labels == () and sorted(set(number.classes.tolist())) == [0, 1, 2, 3, 4]


def test_rows_without_a_target_and_of_rare_classes_are_left_out_and_said():
    kind = np.array(["a", "b"] * 100, dtype=object)
    kind[:4], kind[4:6] = "rare", None
    data = made(frame(t=kind), target="t")
    assert data.target.labels == ("a", "b") and len(data.train) + len(data.held_out) == 194
    assert "6 rows without a target that can be learned: left out" in data.notes


@pytest.mark.parametrize(
    ("target", "nuisance", "said"),
    [
        ("z", None, "there is no column 'z' (t.csv): it has x, y"),
        ("y", "z", "there is no column 'z'"),
        ("y", "y", "a column cannot be target and nuisance"),
        ("same", None, "the target is the same in every row"),
        ("infinite", None, "the column 'infinite' has no values"),
        ("unique", None, "the target is another one in every row"),
        ("count", None, "the target is another one in every row"),
        ("day", None, "the target is a date"),
        ("many", None, "the target has 0 classes of 5 rows or more"),
        ("few", None, "10 rows with a target are too few"),
        ("y", "day", "the nuisance is a date"),
        ("y", "same", "the nuisance is the same in every row"),
        ("y", "unique", "the nuisance is another one in every row"),
    ],
)
def test_one_line_says_why_a_column_cannot_serve(target, nuisance, said):
    few = pd.Series([1.5, 2.5, 3.5, 4.5, 5.5] * 2 + [None] * (ROWS - 10))
    table = frame(
        same=7, infinite=np.inf, unique=[f"u{number}" for number in range(ROWS)], count=range(ROWS),
        day=pd.date_range("2024-01-01", periods=ROWS), many=[f"m{number // 2}" for number in range(ROWS)], few=few,
    )  # fmt: skip
    with pytest.raises(UserError, match=r"t\.csv|--nuisance") as error:
        made(table, target=target, nuisance=nuisance)
    assert said in str(error.value)


def test_a_table_with_nothing_but_its_target_is_refused():
    with pytest.raises(UserError, match="no other column can be learned from"):
        made(frame()[["y"]])
