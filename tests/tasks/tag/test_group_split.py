"""Own crops stand on one side each, and their order does not matter."""

import numpy as np
import pandas as pd
import pytest

from tasks.common.params import read_params
from tasks.crop_table.text_side import text_side
from tasks.tag.group_split import OTHER_TEXT, OTHER_WORDS, hold_out, own_splits
from tests.conftest import ROOT

SETTINGS = read_params(ROOT / "params.yaml").tag
TEXT_SIDE = {"pool": "train", "test_seen": "test", "test_unseen": "test"}
GROUP_SIDE = {"pool": "train", "test_seen": "train"}


def rows(count: int = 2000, *, groups: int = 20, texts: int = 0, targets: int = 4, seed: int = 0) -> pd.DataFrame:
    """Rows of random groups, targets and texts; pairs of neighbours are near-duplicates."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"key": [f"{key:016x}" for key in rng.permutation(count)]})
    table["target"] = [f"label {n}" for n in rng.integers(targets, size=count)]
    table["group"] = [f"group {n}" for n in rng.integers(groups, size=count)] if groups else None
    table["text"] = [f"Text{n}" for n in rng.integers(texts, size=count)] if texts else None
    table["cluster"] = np.arange(count) // 2 if not texts else np.arange(count)
    return table


def sides_of(table: pd.DataFrame, column: str, splits: pd.Series, names: dict[str, str]) -> pd.Series:
    accepted = splits.notna()
    return splits[accepted].replace(names).groupby([table["target"][accepted], table[column][accepted]]).nunique()


def test_groups_are_held_out_whole_in_their_shares():
    sides = pd.Series(hold_out({f"g{n}": ["a", "b"] for n in range(20)}, SETTINGS, 0))
    assert sides.value_counts().to_dict() == {"train": 12, "validation": 3, "test_unseen": 5}
    three = hold_out({name: ["a"] for name in "xyz"}, SETTINGS, 0)
    assert sorted(three.values()) == ["test_unseen", "train", "validation"]
    assert set(hold_out({name: ["a"] for name in "xy"}, SETTINGS, 0).values()) == {"train"}
    assert hold_out({}, SETTINGS, 0) == {}


def test_every_target_has_groups_on_every_side_and_keeps_one_in_training():
    groups = {f"{target}{n}": [target] for target in "abcde" for n in range(4)} | {"lone": ["f"], "other": ["g"]}
    sides = pd.Series(hold_out(groups, SETTINGS, 0))
    for target in "abcde":
        assert set(sides[sides.index.str.startswith(target)]) == {"train", "validation", "test_unseen"}
    assert sides["lone"] == sides["other"] == "train"


@pytest.mark.parametrize(("groups", "texts"), [(20, 0), (20, 50), (0, 50), (0, 0), (2, 0), (1, 100)])
def test_no_group_text_or_near_duplicate_stands_on_two_sides(groups, texts):
    table = rows(groups=groups, texts=texts)
    found = own_splits(table, settings=SETTINGS, seed=0)
    assert (found["split"].isna() == found["reason"].notna()).all()
    column = "text" if texts else "cluster"
    assert sides_of(table, column, found["split"], TEXT_SIDE).eq(1).all()
    if groups > 2:
        assert found["split"].replace(GROUP_SIDE).groupby(table["group"]).nunique().eq(1).all()
    assert {"train", "pool", "validation", "test_seen"} <= set(found["split"].dropna())


@pytest.mark.parametrize("texts", [0, 50])
def test_the_order_of_the_rows_does_not_matter(texts):
    table = rows(500, texts=texts)
    table.loc[::7, "group"] = None
    found = own_splits(table, settings=SETTINGS, seed=0)
    mixed = table.sample(frac=1, random_state=1)
    mixed["cluster"] = mixed["cluster"].map(dict(zip(mixed["cluster"].unique(), range(10**6), strict=False)))
    pd.testing.assert_frame_equal(own_splits(mixed, settings=SETTINGS, seed=0).loc[table.index], found)


def test_the_same_words_are_the_same_text():
    texts = ["Haus", "HAUS", "(haus),", "Haus 12", "Haus-12", "co-op", "Coop", "Co op.", "…", "!"]
    table = pd.DataFrame({"text": texts * 100, "target": "Latn", "group": [f"g{n}" for n in range(1000)]})
    table["key"], table["cluster"] = table["group"], range(1000)
    split = own_splits(table, settings=SETTINGS, seed=0)["split"].replace(TEXT_SIDE)
    assert split.groupby(table["text"]).nunique().eq(1).all()
    first = split.groupby(table["text"]).first()
    assert first["Haus"] == first["HAUS"] == first["(haus),"] and first["Haus 12"] == first["Haus-12"]
    assert first["co-op"] == first["Coop"] == first["Co op."]


def test_another_seed_is_another_split():
    one, two = (own_splits(rows(), settings=SETTINGS, seed=seed)["split"] for seed in (0, 1))
    assert (one != two).any()


def test_nothing_is_set_aside_where_groups_share_no_texts():
    table = rows(texts=400)
    table["text"] = table["text"] + table["group"]
    assert own_splits(table, settings=SETTINGS, seed=0)["reason"].isna().all()


def test_what_is_set_aside_is_what_fits_in_no_split():
    table = rows(groups=20, texts=30, targets=1)
    found = own_splits(table, settings=SETTINGS, seed=0)
    assert set(found["reason"].dropna()) == {OTHER_TEXT}
    # By hand: of 20 groups 3 validate and 5 test; so each text meets all sides and stands where its digest says.
    side = found["split"].replace(TEXT_SIDE).groupby(table["text"]).first()
    group = found["split"].replace(GROUP_SIDE).groupby(table["group"]).first()
    fits = {("train", "train"), ("train", "test"), ("validation", "validation"), ("test_unseen", "test")}
    pairs = zip(table["group"].map(group), table["text"].map(side), strict=True)
    assert [pair in fits for pair in pairs] == found["split"].notna().tolist()


def test_shares_of_the_training_side_go_to_the_pool_and_to_test_seen():
    table = rows(20_000, groups=20)
    split = own_splits(table, settings=SETTINGS, seed=0)["split"]
    counts = split.value_counts()
    seen = counts["test_seen"] / counts[["train", "pool", "test_seen"]].sum()
    assert abs(counts["pool"] / counts[["train", "pool"]].sum() - SETTINGS.pool) < 0.02
    assert abs(seen - SETTINGS.test_words) < 0.02


def test_a_row_without_a_group_goes_along_with_its_text():
    table = rows(300, texts=20)
    alone = table.assign(group=None, key=[f"x{n}" for n in range(300)])
    both = pd.concat([table, alone], ignore_index=True).assign(cluster=range(600))
    found = own_splits(both, settings=SETTINGS, seed=0)
    assert found["reason"][300:].isna().all()
    assert sides_of(both, "text", found["split"], TEXT_SIDE).eq(1).all()


def test_beside_drawn_crops_a_text_stands_where_theirs_does():
    table = pd.DataFrame({"key": [f"k{n}" for n in range(90)], "target": "Latn", "cluster": range(90)})
    table["text"] = [f"Wort{chr(97 + n // 3)}{'' if n % 3 else ' zwei'}" for n in range(90)]
    table["group"] = ["of the fonts", "mine", None] * 30
    known = {"of the fonts": "test_unseen"}
    found = own_splits(table, settings=SETTINGS, seed=0, known=known, beside_drawn=True)
    for row, (split, reason) in zip(table.itertuples(), found.itertuples(index=False), strict=True):
        side = text_side(row.text, script="Latn", settings=SETTINGS, seed=0)
        if side is None:
            assert reason == OTHER_WORDS
        elif row.group == "of the fonts":
            assert (split == "test_unseen") == (side == "test") and (reason == OTHER_TEXT) == (side != "test")
        elif row.group is None:
            assert TEXT_SIDE.get(split, split) == side
