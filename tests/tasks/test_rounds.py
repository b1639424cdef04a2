import json
from pathlib import Path

import pandas as pd
import pytest

from tasks.errors import UserError
from tasks.files import read_json, sha256_of
from tasks.rounds import run_round
from tasks.table import read_rows
from tasks.train import read_training, train_baseline
from tasks.weights import weights_of
from tests.tasks.test_train import StopAfter, contents, silent
from tests.tasks.toycrops import make_toy_table, toy_params

PARAMS = toy_params(train={"epochs": 1, "rate": 0.002})  # a weak round 0 leaves something to mine


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, round 0 and round 1."""
    home = tmp_path_factory.mktemp("rounds")
    make_toy_table(home / "table")
    train_baseline(PARAMS, table=home / "table", out=home / "0", work=home / "work", progress=silent)
    go(home, 1)
    return home


def go(home: Path, number: int, *, out: Path | None = None, params=PARAMS, progress=silent) -> dict[str, float]:
    return run_round(
        params,
        number=number,
        table=home / "table",
        previous=home / str(number - 1),
        out=out or home / str(number),
        work=(out or home) / "work" if out is None else out.with_name("work"),
        progress=progress,
    )


def test_a_round_adds_the_false_positives_of_the_model_before_it(home: Path):
    scores = pd.read_parquet(home / "1" / "scores.parquet")
    mined = pd.read_parquet(home / "1" / "mined.parquet")
    wrong = scores[(scores["predicted"] != scores["true"]) & (scores["p"] >= 0.3)]
    assert sorted(scores["key"]) == sorted(read_rows(home / "table", ["key"], ["pool"])["key"])
    assert 0 < len(mined) <= 0.25 * len(scores)
    assert set(mined["key"]) <= set(wrong["key"])
    assert mined["score"].is_monotonic_decreasing

    facts = read_json(home / "1" / "round.json")
    assert facts == {
        "round": 1,
        "previous": 0,
        "stopped": False,
        "pool": 120,
        "false_positives": len(wrong),
        "false_alarms": int((wrong["true"] == "Zxxx").sum()),
        "added": len(mined),
        "weights": sha256_of(home / "1" / "model.safetensors"),
        "scored_by": sha256_of(home / "0" / "model.safetensors"),
    }


def test_the_training_set_grows_and_remembers_where_its_rows_came_from(home: Path):
    before, after = read_training(home / "0"), read_training(home / "1")
    mined = pd.read_parquet(home / "1" / "mined.parquet").set_index("key")
    added = after[after["round"] == 1].set_index("key")
    assert after["key"].tolist() == sorted([*before["key"], *mined.index])
    assert (added["weights"] == weights_of(home / "0")).all()
    assert added["score"].to_dict() == mined["score"].to_dict()


def test_the_model_is_trained_on_and_is_another(home: Path):
    assert weights_of(home / "1") != weights_of(home / "0")
    history = json.loads((home / "1" / "history.json").read_text())["epochs"]
    assert len(history) == PARAMS.mine.epochs
    assert max(entry["rate"] for entry in history) <= PARAMS.mine.rate


def test_a_rerun_gives_the_same_bytes(home: Path, tmp_path: Path):
    go(home, 1, out=tmp_path / "again")
    assert contents(tmp_path / "again") == contents(home / "1")


def test_an_interrupted_round_ends_with_the_same_bytes_and_scores_once(home: Path, tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        go(home, 1, out=tmp_path / "again", progress=StopAfter(1))
    assert not (tmp_path / "again").exists()
    scored = (tmp_path / "work" / "scores.parquet").stat().st_mtime_ns
    with pytest.raises(KeyboardInterrupt):
        go(home, 1, out=tmp_path / "again", progress=StopAfter(1))
    assert (tmp_path / "work" / "scores.parquet").stat().st_mtime_ns == scored
    go(home, 1, out=tmp_path / "again")
    assert contents(tmp_path / "again") == contents(home / "1")


def test_a_round_without_false_positives_stops_and_so_does_the_next(home: Path, tmp_path: Path):
    sure = PARAMS.model_copy(update={"mine": PARAMS.mine.model_copy(update={"threshold": 1.0})})
    (tmp_path / "0").symlink_to(home / "0")
    (tmp_path / "table").symlink_to(home / "table")
    said: list[str] = []
    figures = go(tmp_path, 1, params=sure, progress=said.append)
    assert (figures["added"], figures["stopped"]) == (0, 1)
    assert "round 1: nothing to add, the model stays" in said

    go(tmp_path, 2)  # would find something, were it not stopped
    assert read_json(tmp_path / "2" / "round.json")["stopped"]
    for number in ("1", "2"):
        assert weights_of(tmp_path / number) == weights_of(home / "0")
        assert len(read_training(tmp_path / number)) == 160
        assert pd.read_parquet(tmp_path / number / "mined.parquet").empty


def test_a_missing_previous_round_is_one_line(home: Path, tmp_path: Path):
    with pytest.raises(UserError, match="round 3 needs the model of the round before it"):
        run_round(
            PARAMS,
            number=3,
            table=home / "table",
            previous=home / "2",
            out=tmp_path / "3",
            work=tmp_path / "work",
        )
