"""That the README's figure is chosen by its rule, and made of a home as `unfont run` leaves it."""

import sys

import pandas as pd
import pytest
from PIL import Image

from benchmarks.readme_figure import choose, main, make_figure, name_of, text_of
from tests.toyhome import HEIGHT, WIDTH, make_toy_home, toy_params


def rows_of(*, right: int, wrong: int, labels: str = "abcd") -> pd.DataFrame:
    true = [labels[number % len(labels)] for number in range(right + wrong)]
    predicted = [label if number < right else "z" for number, label in enumerate(true)]
    keys = [f"{number * 7919 % 100_003:08x}" for number in range(right + wrong)]
    return pd.DataFrame({"key": keys, "true": true, "predicted": predicted, "p": 0.5})


@pytest.mark.parametrize(("wrong", "shown"), [(0, 0), (1, 1), (100, 2), (250, 6), (1000, 24)])
def test_there_are_as_many_mistakes_as_among_all(wrong, shown):
    chosen = choose(rows_of(right=1000 - wrong, wrong=wrong), 24)
    assert len(chosen) == 24
    assert (chosen["predicted"] == "z").sum() == shown


def test_labels_take_turns_and_no_order_but_the_keys_counts():
    rows = rows_of(right=400, wrong=100)
    chosen = choose(rows, 20)
    assert chosen["key"].is_monotonic_increasing
    assert chosen[chosen["predicted"] != "z"]["true"].value_counts().eq(4).all()
    first = rows[(rows["true"] == "a") & (rows["predicted"] == "a")]["key"].min()
    assert first in set(chosen["key"])
    assert choose(rows.sample(frac=1, random_state=1), 20).equals(chosen)


def test_the_figure_is_of_text_in_unseen_typefaces_and_the_same_each_time(tmp_path):
    home = make_toy_home(tmp_path, params=toy_params())
    rows = text_of(home)
    assert set(rows["true"]) == {"Cyrl", "Latn"} and len(rows) == 24
    summary = make_figure(home, tmp_path / "figures" / "one.png")
    assert f"of {len(rows)} are" in summary
    make_figure(home, tmp_path / "two.png")
    assert (tmp_path / "two.png").read_bytes() == (tmp_path / "figures" / "one.png").read_bytes()
    with Image.open(tmp_path / "two.png") as sheet:
        assert sheet.width > 4 * 2 * WIDTH and sheet.height > 6 * 2 * HEIGHT


def test_scripts_have_their_english_names():
    assert [name_of(label) for label in ("Latn", "Deva", "left")] == ["Latin", "Devanagari", "left"]


def test_without_a_run_the_error_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["readme_figure", str(tmp_path)])
    with pytest.raises(SystemExit, match="unfont run"):
        main()
