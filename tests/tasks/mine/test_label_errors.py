from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.dataset as pads
import pytest
import torch

from tasks.common.determinism import deterministic
from tasks.crop_table.shards import read_images, write_shards
from tasks.mine import label_errors as suspects
from tasks.mine.label_errors import find_suspects, read_suspects, user_features, write_suspects
from tasks.train.weights import new_network, save_model
from tests.tasks.toycrops import HEIGHT, WIDTH, make_toy_table
from unfont.errors import UserError

LABELS = np.array(["Cyrl", "Grek", "Hebr", "Latn"], dtype=object)
CARD = {
    "target": "script",
    "labels": ["Grek", "Hebr", "Latn", "Zxxx"],
    "height": HEIGHT,
    "width": WIDTH,
    "network": {"channels": [4, 8], "downsampling": 2, "embedding": 8, "dropout": 0.1},
}


def crops(*, flipped: float = 0.0, rows: int = 600, groups: int | None = 30, seed: int = 0):
    """Clouds of four labels in 16 dimensions; a share of the given labels is flipped. Also the true labels."""
    random = np.random.default_rng(seed)
    true = random.integers(0, 4, rows)
    features = (random.normal(0, 1, (4, 16))[true] + random.normal(0, 1, (rows, 16))).astype(np.float32)
    wrong = np.zeros(rows, bool)
    wrong[random.choice(rows, int(flipped * rows), replace=False)] = True
    given = np.where(wrong, (true + random.integers(1, 4, rows)) % 4, true)
    group = None if groups is None else [f"g{n}" for n in random.integers(0, groups, rows)]
    keys = [f"{n:064x}" for n in random.permutation(rows)]
    frame = pd.DataFrame({"key": keys, "given": LABELS[given], "group": group}, dtype="str")
    return frame, features, pd.Series(LABELS[true], index=keys)


@pytest.mark.parametrize("groups", [30, None])
def test_planted_label_errors_are_found_and_their_true_labels_suggested(groups):
    rows, features, true = crops(flipped=0.1, groups=groups)
    found = find_suspects(rows, features, folds=5, seed=0)
    wrong = set(rows["key"][(rows["given"] != true.loc[rows["key"]].to_numpy()).to_numpy()])
    hits = found[found["key"].isin(wrong)]
    assert len(wrong) == 60
    assert len(hits) / len(found) > 0.8  # precision
    assert len(hits) / len(wrong) > 0.8  # recall
    assert (hits["suggested"].to_numpy() == true.loc[hits["key"]].to_numpy()).mean() > 0.9
    assert set(found["key"].head(20)) <= wrong


def test_any_seed_that_a_run_derives_will_do():
    rows, features, _ = crops(flipped=0.1, rows=80)
    assert len(find_suspects(rows, features, folds=3, seed=2**62 - 1)) > 0


def test_clean_labels_give_few_suspects():
    rows, features, _ = crops()
    assert len(find_suspects(rows, features, folds=5, seed=0)) < 0.03 * len(rows)


def test_the_most_suspicious_come_first_and_every_row_says_its_probabilities():
    rows, features, _ = crops(flipped=0.1)
    found = find_suspects(rows, features, folds=5, seed=0)
    margin = (found["p_given"] - found["p_suggested"]).to_numpy()
    assert list(found.columns) == ["key", "given", "suggested", "p_given", "p_suggested"]
    assert (np.diff(margin) >= 0).all() and (margin < 0).all()
    assert (found["given"].to_numpy() == rows.set_index("key").loc[found["key"], "given"].to_numpy()).all()
    assert found[["p_given", "p_suggested"]].to_numpy().min() >= 0
    assert (found["p_given"] + found["p_suggested"]).max() <= 1 + 1e-6


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    rows, features, _ = crops(flipped=0.1)
    for name in ("one", "two"):
        write_suspects(tmp_path / name, find_suspects(rows, features, folds=4, seed=3))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    pd.testing.assert_frame_equal(read_suspects(tmp_path / "one"), find_suspects(rows, features, folds=4, seed=3))


def test_no_row_is_judged_by_a_head_that_met_its_group():
    rows, _, _ = crops()
    given = pd.Index(LABELS).get_indexer(pd.Index(rows["given"]))
    for fit, held in suspects._folds(rows, given, 5, 0):
        assert not set(rows["group"][fit]) & set(rows["group"][held])
        assert set(given[fit]) == set(range(4))


def test_a_label_of_one_group_is_still_learned_in_every_fold():
    rows, features, _ = crops()
    rows.loc[rows["given"] == "Cyrl", "group"] = "one person"
    given = pd.Index(LABELS).get_indexer(pd.Index(rows["given"]))
    for fit, held in suspects._folds(rows, given, 5, 0):
        assert 0 in given[fit] and 0 in given[held]
        several = rows["given"] != "Cyrl"
        assert not set(rows["group"][fit][several[fit]]) & set(rows["group"][held][several[held]])
    found = find_suspects(rows, features, folds=5, seed=0)
    assert (found["given"] == "Cyrl").sum() < 10  # held out whole, all 150 would be suspects


def test_a_head_learns_from_a_bounded_number_of_rows(monkeypatch):
    monkeypatch.setattr(suspects, "FIT_ROWS", 100)
    given = np.repeat([0, 1, 2], [600, 300, 2])
    fit = np.arange(len(given))[::-1].copy()
    some = suspects._sampled(fit, given, np.random.default_rng(0))
    assert set(some) <= set(fit) and len(set(some)) == len(some) <= 101
    assert np.bincount(given[some]).tolist() == [66, 33, 1]
    assert np.array_equal(suspects._sampled(fit[:100], given, np.random.default_rng(0)), fit[:100])


def test_a_label_with_fewer_rows_than_folds_is_left_aside():
    rows, features, _ = crops(flipped=0.1)
    rows.loc[:2, "given"] = "Thai"
    found = find_suspects(rows, features, folds=5, seed=0)
    assert len(found) > 30
    assert not found[["given", "suggested"]].isin(["Thai"]).any(axis=None)
    assert not set(rows["key"][:3]) & set(found["key"])


@pytest.mark.parametrize("folds", [0, 1])
def test_without_folds_nothing_is_suspected(folds):
    rows, features, _ = crops(flipped=0.1)
    assert find_suspects(rows, features, folds=folds, seed=0).empty


def test_one_label_or_no_rows_give_an_empty_table_that_can_be_written(tmp_path):
    rows, features, _ = crops()
    one = rows.assign(given="Latn")
    for few, some in ((one, features), (rows.head(0), features[:0])):
        found = find_suspects(few, some, folds=5, seed=0)
        write_suspects(tmp_path / "review.parquet", found)
        pd.testing.assert_frame_equal(read_suspects(tmp_path / "review.parquet"), found)
        assert found.empty and list(found.columns) == suspects.SUSPECT_SCHEMA.names


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "text").write_text("no parquet", encoding="utf-8")
    pd.DataFrame({"key": ["a"]}).to_parquet(tmp_path / "other.parquet")
    for name in ("text", "other.parquet", "missing"):
        with pytest.raises(UserError, match="run the round again"):
            read_suspects(tmp_path / name)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    with deterministic(1, seed=0):
        save_model(folder, new_network(CARD), CARD)
    return folder


def table_of(folder: Path, *, own: bool) -> Path:
    """A crop table of which every third row is a user's, if `own`."""
    table = pads.dataset(make_toy_table(folder / "drawn")).to_table()
    origin = ["user" if own and n % 3 == 0 else "rendered" for n in range(table.num_rows)]
    place = table.schema.get_field_index("origin")
    write_shards(folder / "table", [table.set_column(place, "origin", [origin])])
    return folder / "table"


def test_own_crops_of_train_and_pool_come_with_what_the_heads_read_of_them(model, tmp_path):
    table = table_of(tmp_path, own=True)
    with deterministic(1):
        rows, features = user_features(model, table=table, target="script", group="design")
        network = new_network(CARD)
        from tasks.train.weights import load_model

        network, _ = load_model(model)
        pixels, all_rows = read_images(table, ["train", "pool"])
        with torch.inference_mode():
            expected = network.embed(torch.from_numpy(pixels)[:, None] / 255).half().float().numpy()
    own = (all_rows["origin"] == "user").to_numpy()
    wanted = all_rows[own].reset_index(drop=True).assign(place=np.flatnonzero(own)).set_index("key")
    assert sorted(rows["key"]) == sorted(wanted.index) and 0 < own.sum() < len(own)
    wanted = wanted.loc[rows["key"]]
    assert rows["given"].tolist() == wanted["script"].tolist()
    assert rows["group"].tolist() == wanted["design"].tolist()
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected[wanted["place"]], atol=2e-3)


def test_a_table_of_drawn_crops_has_no_own_ones(model, tmp_path):
    rows, features = user_features(model, table=table_of(tmp_path, own=False), target="script", group="design")
    assert rows.empty and features.shape == (0, 8)
    assert find_suspects(rows, features, folds=5, seed=0).empty


def test_group_and_target_may_be_the_same_column(model, tmp_path):
    rows, _ = user_features(model, table=table_of(tmp_path, own=True), target="script", group="script")
    assert rows["given"].tolist() == rows["group"].tolist()


def test_crops_of_another_size_are_refused(tmp_path):
    card = {**CARD, "width": WIDTH * 2}
    save_model(tmp_path / "model", new_network(card), card)
    with pytest.raises(UserError, match="the model reads 16×96"):
        user_features(tmp_path / "model", table=table_of(tmp_path, own=True), target="script", group="design")
