import numpy as np
import pandas as pd
import pytest

from tasks.common.params import MineSettings
from tasks.mine.select import PLAN_COLUMNS, false_alarms, false_positives, plan_mining, repeats

SETTINGS = MineSettings(
    threshold=0.5,
    share=1.0,
    quota=1.0,
    nuisance_quota=1.0,
    near=0.02,
    folds=0,
    start="warm",
    epochs=1,
    learning_rate=0.001,
    hard=0.1,
    visits=8,
)


def scores(*rows: tuple[str, str, str, float], nuisance: str | None = None) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["key", "true", "predicted", "p"]).assign(nuisance=nuisance)


POOL = scores(
    ("a", "Latn", "Latn", 0.99),  # right
    ("b", "Latn", "Cyrl", 0.9),
    ("c", "Zxxx", "Cyrl", 0.8),
    ("d", "Zxxx", "Latn", 0.49),  # wrong, not sure
    ("e", "Grek", "Cyrl", 0.9),
    ("f", "Grek", "Cyrl", 0.5),
)


def outcomes(
    pool: pd.DataFrame = POOL, *, rows: int | None = None, in_training=(), suspected=(), ambiguous=(), **changes
) -> dict[str, str]:
    plan = plan_mining(
        pool,
        SETTINGS.model_copy(update=changes),
        pool=len(pool) if rows is None else rows,
        in_training=in_training,
        suspected=suspected,
        ambiguous=ambiguous,
    )
    return dict(zip(plan["key"], plan["outcome"], strict=True))


def planned(pool: pd.DataFrame = POOL, **settings) -> list[str]:
    return [key for key, outcome in outcomes(pool, **settings).items() if outcome == "added"]


def test_wrong_and_sure_is_a_false_positive_and_the_hardest_come_first():
    assert planned() == ["b", "e", "c", "f"]
    assert planned(threshold=0.6) == ["b", "e", "c"]


def test_the_plan_says_what_each_row_was_taken_for():
    plan = plan_mining(POOL.assign(nuisance=["serif"] * 6), SETTINGS, pool=6)
    wanted = {"key": "c", "true": "Zxxx", "predicted": "Cyrl", "nuisance": "serif", "score": 0.8, "outcome": "added"}
    assert plan.iloc[2].to_dict() == wanted


def test_rows_of_the_training_set_are_not_mined_twice():
    assert planned(in_training=("b", "c")) == ["e", "f"]
    assert outcomes(in_training=("b", "c"))["b"] == "in training"


def test_suspected_labels_are_set_aside():
    assert outcomes(suspected=("e",)) == {"b": "added", "e": "set aside", "c": "added", "f": "added"}


def test_texts_that_no_picture_tells_apart_teach_nothing():
    assert outcomes(ambiguous=("c",), suspected=("c", "e"), in_training=("c",))["c"] == "in training"
    assert outcomes(ambiguous=("b", "c"), suspected=("c",)) == {
        "b": "ambiguous",
        "e": "added",
        "c": "set aside",
        "f": "added",
    }


def test_at_most_a_share_of_the_pool_is_added():
    assert outcomes(share=0.5) == {"b": "added", "e": "added", "c": "added", "f": "no room"}  # of six rows
    assert planned(share=0.0) == []
    assert planned(rows=60, share=0.05) == ["b", "e", "c"]  # the right ones need not be given


def test_one_confusion_cannot_flood_the_set():
    flood = scores(*[(f"{n:03d}", "Latn", "Cyrl", 0.9) for n in range(50)], *[("x", "Zxxx", "Beng", 0.6)])
    assert planned(flood, quota=0.2) == [f"{n:03d}" for n in range(10)] + ["x"]
    assert outcomes(flood, quota=0.2)["010"] == "pair full"
    assert planned(POOL, quota=0.0) == ["b", "e", "c"]  # one of a pair at the least


def test_one_nuisance_cannot_flood_the_set_and_rows_without_one_are_free():
    pool = scores(
        *[(f"{n}", "Latn", script, 0.9 - n / 100) for n, script in enumerate(["Cyrl", "Grek", "Armn", "Geor"])]
    )
    pool["nuisance"] = ["serif", "serif", None, "serif"]
    assert outcomes(pool, nuisance_quota=0.5) == {"0": "added", "1": "added", "2": "added", "3": "nuisance full"}
    assert planned(pool.assign(nuisance=None), nuisance_quota=0.0) == ["0", "1", "2", "3"]


def test_near_duplicates_of_a_harder_row_of_the_same_pair_are_dropped():
    angles = {"b": 0.0, "e": 0.0, "c": 1.0, "f": 0.05, "a": 0.0, "d": 0.0}
    embedded = [np.array([np.cos(angles[key]), np.sin(angles[key])]) * 7 for key in POOL["key"]]
    assert outcomes(POOL.assign(embedding=embedded)) == {
        "b": "added", "e": "added", "c": "added", "f": "near-duplicate",
    }  # fmt: skip
    assert planned(POOL.assign(embedding=embedded), near=0.001) == ["b", "e", "c", "f"]  # 1 - cos 0.05 = 0.00125
    assert planned(POOL.assign(embedding=[*embedded[:5], None])) == ["b", "e", "c", "f"]


@pytest.mark.parametrize("block", [1, 3, 1000])
def test_a_repeat_is_near_an_earlier_row_that_is_no_repeat(block: int):
    vectors = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    kept: list[int] = []
    for row, one in enumerate(vectors):
        cosines = [one @ vectors[k] / np.linalg.norm(one) / np.linalg.norm(vectors[k]) for k in kept]
        if not any(1 - cosine <= 0.1 for cosine in cosines):
            kept.append(row)
    assert np.flatnonzero(~repeats(vectors, 0.1, block=block)).tolist() == kept
    assert 5 < len(kept) < 60


def test_a_quota_larger_than_the_pool_binds_nothing():
    assert planned(quota=1.0, share=1.0) == ["b", "e", "c", "f"]


@pytest.mark.parametrize("pool", [POOL.head(0), POOL.head(1)], ids=["empty", "all right"])
def test_where_there_is_nothing_wrong_nothing_is_added(pool: pd.DataFrame):
    plan = plan_mining(pool, SETTINGS, pool=len(pool))
    assert plan.empty
    assert list(plan.columns) == PLAN_COLUMNS


def test_the_order_of_the_scores_does_not_matter():
    assert planned(POOL.sample(frac=1, random_state=3)) == planned()


def test_false_alarms_are_the_false_positives_without_text():
    found = false_positives(POOL, SETTINGS)
    assert (len(found), false_alarms(found)) == (4, 1)
