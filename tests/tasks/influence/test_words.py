"""What a neuron fires for, where that is known."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tasks.influence.columns import typed_column
from tasks.influence.features import encode_columns
from tasks.influence.words import describe_neuron
from tests.tasks.influence.toytable import table_params

ROWS = 4000


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "kind": random.choice(["toys", "books", "garden", "tools"], ROWS),
            "price": random.uniform(0, 100, ROWS),
            "day": pd.to_datetime("2023-01-01") + pd.to_timedelta(random.integers(0, 730, ROWS), unit="D"),
        }
    )


@pytest.fixture(scope="module")
def features(table):
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    columns = [typed_column(name, arrow[name])[0] for name in arrow.column_names]
    every = np.arange(ROWS)
    return encode_columns(columns, train=every, held_out=every, settings=table_params().influence)[0].listed


@pytest.mark.parametrize(
    ("fires", "words"),
    [
        (lambda t: (t["kind"] == "toys") & t["day"].dt.month.isin([11, 12]), "month November to December, kind = toys"),
        (lambda t: t["day"].dt.month.isin([1, 12]) & (t["price"] < 40), "month December to January, price below"),
        (lambda t: t["kind"].isin(["toys", "tools"]) & (t["price"] > 85), "price above 85"),
        (lambda t: t["price"].between(40, 48), "price 40"),
        (lambda t: (t["day"].dt.weekday > 4) & (t["price"] > 70), "price above 7"),
    ],
)
def test_the_words_are_the_rule_that_the_neuron_follows(table, features, fires, words):
    rule = fires(table).to_numpy()
    found = describe_neuron(np.where(rule, 1.0, 0.0), features, np.arange(ROWS))
    assert words in found.words
    assert found.precision > 0.9 and found.recall > 0.85


def test_a_dead_neuron_and_one_without_a_rule_have_no_words(features):
    assert describe_neuron(np.zeros(ROWS), features, np.arange(ROWS)) is None
    noise = np.random.default_rng(1).uniform(0, 1, ROWS)
    found = describe_neuron(noise, features, np.arange(ROWS))
    assert (found.words, found.recall) == ("", 1.0) and found.precision == pytest.approx(0.1, abs=0.01)
