import pandas as pd
import pytest

from tasks.mine import false_alarms, false_positives, plan_mining
from tasks.params import MineSettings

SETTINGS = MineSettings(threshold=0.5, share=1.0, quota=1.0, epochs=1, rate=0.001)


def scores(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["key", "true", "predicted", "p"])


POOL = scores(
    ("a", "Latn", "Latn", 0.99),  # right
    ("b", "Latn", "Cyrl", 0.9),
    ("c", "Zxxx", "Cyrl", 0.8),
    ("d", "Zxxx", "Latn", 0.49),  # wrong, not sure
    ("e", "Grek", "Cyrl", 0.9),
    ("f", "Grek", "Cyrl", 0.5),
)


def planned(pool: pd.DataFrame = POOL, taken: tuple[str, ...] = (), **changes: float) -> list[str]:
    return plan_mining(pool, SETTINGS.model_copy(update=changes), taken=taken)["key"].tolist()


def test_wrong_and_sure_is_a_false_positive_and_the_hardest_come_first():
    assert planned() == ["b", "e", "c", "f"]
    assert planned(threshold=0.6) == ["b", "e", "c"]


def test_the_plan_says_what_each_row_was_taken_for():
    plan = plan_mining(POOL, SETTINGS)
    assert plan.iloc[2].to_dict() == {"key": "c", "true": "Zxxx", "predicted": "Cyrl", "score": 0.8}


def test_rows_of_the_training_set_are_not_mined_twice():
    assert planned(taken=("b", "c")) == ["e", "f"]


def test_at_most_a_share_of_the_pool_is_added():
    assert planned(share=0.5) == ["b", "e", "c"]  # of six rows
    assert planned(share=0.0) == []


def test_one_confusion_cannot_flood_the_set():
    flood = scores(*[(f"{n:03d}", "Latn", "Cyrl", 0.9) for n in range(50)], *[("x", "Zxxx", "Beng", 0.6)])
    assert planned(flood, quota=0.2) == [f"{n:03d}" for n in range(10)] + ["x"]
    assert planned(POOL, quota=0.0) == ["b", "e", "c"]  # one of a pair at the least


def test_a_quota_larger_than_the_pool_binds_nothing():
    assert planned(quota=1.0, share=1.0) == ["b", "e", "c", "f"]


@pytest.mark.parametrize("pool", [POOL.head(0), POOL.head(1)], ids=["empty", "all right"])
def test_where_there_is_nothing_wrong_nothing_is_added(pool: pd.DataFrame):
    plan = plan_mining(pool, SETTINGS)
    assert plan.empty
    assert list(plan.columns) == ["key", "true", "predicted", "score"]


def test_the_order_of_the_scores_does_not_matter():
    assert planned(POOL.sample(frac=1, random_state=3)) == planned()


def test_false_alarms_are_the_false_positives_without_text():
    found = false_positives(POOL, SETTINGS)
    assert (len(found), false_alarms(found)) == (4, 1)
