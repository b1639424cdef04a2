"""What a column holds, by its values."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

from tasks.influence.columns import typed_column


def typed(*values, kind=None):
    return typed_column("c", pa.chunked_array([pa.array(values, type=kind)]))


@pytest.mark.parametrize(
    ("values", "wanted", "whole"),
    [
        ((1, 2, None), [1, 2, np.nan], True),
        ((1.5, float("nan"), -2.0), [1.5, np.nan, -2.0], False),
        (("1", " 2.5 ", ""), [1, 2.5, np.nan], False),
        (("1,5", "1.000,25", "3"), [1.5, 1000.25, 3], False),
    ],
)
def test_numbers_also_from_text(values, wanted, whole):
    column, _ = typed(*values)
    assert (column.kind, column.whole) == ("number", whole)
    np.testing.assert_array_equal(column.values, wanted)


def test_infinities_are_missing_and_said():
    column, said = typed(1.0, float("inf"), float("-inf"))
    assert column.known.tolist() == [True, False, False]
    assert said == ["'c' is infinite in 2 rows: taken as missing"]


@pytest.mark.parametrize(
    "values",
    [
        ("2024-12-31", "2025-01-02", None),
        ("31.12.2024", "02.01.2025", None),
        ("12/31/2024", "01/02/2025", None),
        ("2024-12-31T23:59:00", "2025-01-02 08:00:00", None),
        (datetime.date(2024, 12, 31), datetime.date(2025, 1, 2), None),
        (datetime.datetime(2024, 12, 31, 23, 59), datetime.datetime(2025, 1, 2), None),
    ],
)
def test_dates_of_several_countries(values):
    column, said = typed(*values)
    assert column.kind == "date" and said == []
    assert column.values.astype(str).tolist() == ["2024-12-31", "2025-01-02", "NaT"]


def test_a_date_that_may_be_day_or_month_first_is_said():
    column, said = typed("1/2/2024", "3/4/2024")
    assert column.values.astype(str).tolist() == ["2024-02-01", "2024-04-03"]
    assert said == ["'c' may be day or month first: taken as day first"]


@pytest.mark.parametrize(("value", "kind"), [("2024-02-01", "date"), ("7", "number")])
def test_few_values_of_another_kind_are_missing_and_said(value, kind):
    column, said = typed(*[value] * 19, "2024-02-30 or so")
    assert column.kind == kind and column.known.sum() == 19
    assert said == [f"'c' holds {kind}s, but none in 1 row (as '2024-02-30 or so'): taken as missing"]


def test_many_values_of_another_kind_make_categories():
    column, said = typed("7", "8", "7", "x", " x", None)
    assert (column.kind, column.labels, column.values.tolist()) == ("category", ("7", "8", "x"), [0, 1, 0, 2, 2, -1])
    assert said == ["'c' mixes numbers and text: taken as categories"]


def test_truth_values_and_parts_with_dictionaries_of_their_own_are_categories():
    assert typed(True, False, None)[0].labels == ("false", "true")
    parts = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["c", "a"]).dictionary_encode()]
    column, _ = typed_column("c", pa.chunked_array(parts))
    assert (column.labels, column.values.tolist()) == (("a", "b", "c"), [0, 1, 2, 0])


@pytest.mark.parametrize(
    ("values", "said"),
    [((None, None), "is empty"), (("", " "), "is empty"), (([1], [2]), "is of the type list"), ((b"1",), "binary")],
)
def test_what_is_no_variable_is_left_out_and_said(values, said):
    column, notes = typed(*values)
    assert column is None and said in notes[0] and notes[0].endswith("left out")
