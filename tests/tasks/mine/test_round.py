import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tasks.common.files import read_json, sha256_of, write_json
from tasks.common.parallel import spread
from tasks.common.params import Params
from tasks.crop_table.shards import read_rows
from tasks.mine.job import RoundJob, round_jobs
from tasks.mine.review import add_decisions, decisions_path
from tasks.mine.round import finish_round, score_for, train_round
from tasks.train.card import weights_of
from tasks.train.model_folder import read_training
from tests.conftest import ROOT
from tests.tasks.toycrops import make_round_0, make_toy_table, silent, toy_params
from tests.tasks.train.test_loop import StopAfter, contents
from unfont.errors import UserError

PARAMS = toy_params(train={"epochs": 1, "learning_rate": 0.002})  # a weak round 0 leaves something to mine
STUDY = {"seeds": 2, "control": True, "stop": False}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, round 0 and round 1."""
    home = tmp_path_factory.mktemp("rounds")
    make_toy_table(home / "table")
    make_round_0(PARAMS, home / "table", home / "0")
    go(home, 1)
    return home


def here(work: Callable, items: list):
    return spread(work, items, runner="threads", workers=1)


def jobs_of(home: Path, number: int, *, params: Params = PARAMS, work: Path, progress=silent) -> list[RoundJob]:
    jobs = round_jobs(params, number=number, table=home / "table", previous=home / str(number - 1), work=work)
    return [replace(job, progress=progress) for job in jobs]


def go(
    home: Path, number: int, *, out: Path | None = None, params: Params = PARAMS, progress=silent
) -> dict[str, float]:
    """Round `number` of `home`, as the flow composes it; its scratch lies beside `out`."""
    out = out or home / str(number)
    jobs = jobs_of(home, number, params=params, work=out.with_name("work"), progress=progress)
    summaries = []
    for job in jobs:
        score_for(job, fan_out=here)
        summaries.append(train_round(job))
    finish_round(jobs, out=out)
    return summaries[0]


def added(folder: Path) -> pd.DataFrame:
    mined = pd.read_parquet(folder / "mined.parquet")
    return mined[mined["outcome"] == "added"]


def beside(home: Path, folder: Path) -> Path:
    """A home of its own with `home`'s table and round 0."""
    for name in ("0", "table"):
        (folder / name).symlink_to(home / name)
    return folder


def test_a_round_adds_the_false_positives_of_the_model_before_it(home: Path):
    scores = pd.read_parquet(home / "1" / "scores.parquet")
    mined = pd.read_parquet(home / "1" / "mined.parquet")
    wrong = scores[(scores["predicted"] != scores["true"]) & (scores["p"] >= 0.3)]
    assert sorted(scores["key"]) == sorted(read_rows(home / "table", ["key"], ["pool"])["key"])
    assert sorted(mined["key"]) == sorted(wrong["key"])
    assert mined["score"].is_monotonic_decreasing
    assert 0 < len(added(home / "1")) <= 0.25 * len(scores)

    facts = read_json(home / "1" / "round.json")
    validation = facts.pop("validation")
    assert facts == {
        "round": 1,
        "previous": 0,
        "stopped": False,
        "why": None,
        "pool": 120,
        "false_positives": len(wrong),
        "false_alarms": int((wrong["true"] == "Zxxx").sum()),
        "added": len(added(home / "1")),
        "near_duplicates": int((mined["outcome"] == "near-duplicate").sum()),
        "set_aside": 0,
        "severity": "clean",
        "gain": None,
        "weights": sha256_of(home / "1" / "model.safetensors"),
        "scored_by": sha256_of(home / "0" / "model.safetensors"),
    }
    history = read_json(home / "1" / "history.json")["epochs"]
    assert validation["after"]["accuracy"] == pytest.approx(history[-1]["validation_accuracy"])
    assert 0 <= validation["after"]["false_positive_rate"] <= 1


def test_the_training_set_grows_and_remembers_where_its_rows_came_from(home: Path):
    before, after = read_training(home / "0"), read_training(home / "1")
    mined = added(home / "1").set_index("key")
    new = after[after["round"] == 1].set_index("key")
    assert after["key"].tolist() == sorted([*before["key"], *mined.index])
    assert (new["weights"] == weights_of(home / "0")).all()
    assert new["score"].to_dict() == mined["score"].to_dict()


def test_the_model_is_trained_on_and_is_another(home: Path):
    assert weights_of(home / "1") != weights_of(home / "0")
    history = json.loads((home / "1" / "history.json").read_text())["epochs"]
    assert len(history) == PARAMS.mine.epochs
    assert max(entry["learning_rate"] for entry in history) <= PARAMS.mine.learning_rate
    assert sum(read_json(home / "1" / "examples.json")["groups"]["mined"]) >= len(added(home / "1"))


def test_from_scratch_the_model_owes_nothing_to_the_one_before(home: Path, tmp_path: Path):
    scratch = PARAMS.model_copy(update={"mine": PARAMS.mine.model_copy(update={"start": "scratch"})})
    go(home, 1, out=tmp_path / "1", params=scratch)
    history = json.loads((tmp_path / "1" / "history.json").read_text())["epochs"]
    assert len(history) == PARAMS.train.epochs
    assert added(tmp_path / "1")["key"].tolist() == added(home / "1")["key"].tolist()
    assert history[0]["loss"] > json.loads((home / "1" / "history.json").read_text())["epochs"][0]["loss"]


def test_a_rerun_gives_the_same_bytes_and_leaves_no_scratch(home: Path, tmp_path: Path):
    go(home, 1, out=tmp_path / "again")
    assert contents(tmp_path / "again") == contents(home / "1")
    assert not list((tmp_path / "work").rglob("*.*"))


def test_an_interrupted_round_ends_with_the_same_bytes_and_scores_once(home: Path, tmp_path: Path):
    scored = tmp_path / "work" / "mined-0" / "scores.parquet"
    with pytest.raises(KeyboardInterrupt):
        go(home, 1, out=tmp_path / "again", progress=StopAfter(1))
    assert not (tmp_path / "again").exists()
    parts = {path: path.stat().st_mtime_ns for path in (scored.parent / "scores").iterdir()}
    with pytest.raises(KeyboardInterrupt):
        go(home, 1, out=tmp_path / "again", progress=StopAfter(1))
    assert {path: path.stat().st_mtime_ns for path in (scored.parent / "scores").iterdir()} == parts
    go(home, 1, out=tmp_path / "again")
    assert contents(tmp_path / "again") == contents(home / "1")


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.tasks.mine.test_round import go

home, again, where = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]

def end(event, args):
    if event in ("open", "os.rename", "os.remove") and list((again.parent / "work").glob(where)):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(end)
go(home, 1, out=again)
"""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["mined-0/scores/part-*.parquet", "mined-0/checkpoint/progress.json"])
def test_a_killed_round_goes_on_where_it_was_with_the_same_bytes(home: Path, tmp_path: Path, where: str):
    command = [sys.executable, "-c", KILLED, str(home), str(tmp_path / "again"), where]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "again").exists()
    go(home, 1, out=tmp_path / "again")
    assert contents(tmp_path / "again") == contents(home / "1")


def test_a_round_without_false_positives_stops_and_so_does_the_next(home: Path, tmp_path: Path):
    sure = PARAMS.model_copy(update={"mine": PARAMS.mine.model_copy(update={"threshold": 1.0})})
    said: list[str] = []
    metrics = go(beside(home, tmp_path), 1, params=sure, progress=said.append)
    assert (metrics["added"], metrics["stopped"]) == (0, 1)
    assert "round 1: nothing to add, the model stays" in said

    go(tmp_path, 2)  # would find something, were it not stopped
    assert read_json(tmp_path / "2" / "round.json")["why"] == "an earlier round stopped"
    for number in ("1", "2"):
        assert read_json(tmp_path / number / "round.json")["stopped"]
        assert weights_of(tmp_path / number) == weights_of(home / "0")
        assert len(read_training(tmp_path / number)) == 160
        assert added(tmp_path / number).empty


def test_a_decision_on_a_training_crop_is_learned_where_there_is_nothing_to_add(home, tmp_path, monkeypatch):
    other = beside(home, tmp_path)
    dropped = read_training(home / "0")["key"][0]
    monkeypatch.chdir(tmp_path)
    add_decisions(decisions_path(PARAMS.problem), pd.DataFrame({"key": [dropped], "label": [""]}))
    go(other, 1, params=PARAMS.model_copy(update={"mine": PARAMS.mine.model_copy(update={"threshold": 1.0})}))
    assert added(other / "1").empty and read_json(other / "1" / "round.json")["stopped"]
    assert set(read_training(home / "0")["key"]) - set(read_training(other / "1")["key"]) == {dropped}
    assert weights_of(other / "1") != weights_of(other / "0")


def test_a_study_trains_seeds_and_as_many_random_rows_beside_each(home: Path, tmp_path: Path):
    params = toy_params(train={"epochs": 1, "learning_rate": 0.002}, study=STUDY)
    other = beside(home, tmp_path)
    (other / "0").unlink()
    make_round_0(params, home / "table", other / "0")
    go(other, 1, params=params)
    study = other / "1" / "study"
    assert sorted(folder.name for folder in study.iterdir()) == ["control-0", "control-1", "mined-1"]
    # The round's own training is not changed by what is trained beside it.
    assert weights_of(other / "1") == weights_of(home / "1")
    weights = {weights_of(folder) for folder in (other / "1", *study.iterdir())}
    assert len(weights) == 4

    pool = set(read_rows(home / "table", ["key"], ["pool"])["key"])
    for seed, mined in enumerate((other / "1", study / "mined-1")):
        control = read_training(study / f"control-{seed}")
        new = control[control["round"] == 1]
        assert len(new) == len(added(mined)) > 0
        assert set(new["key"]) <= pool and new["key"].is_unique
        assert set(new["key"]) != set(added(mined)["key"])
        assert new[["weights", "score"]].isna().all(axis=None)
    assert set(added(study / "mined-1")["key"]) != set(added(other / "1")["key"])

    gain = read_json(other / "1" / "round.json")["gain"]
    rounds = [read_json(folder / "round.json")["validation"] for folder in (other / "1", study / "mined-1")]
    fell = [one["before"]["false_positive_rate"] - one["after"]["false_positive_rate"] for one in rounds]
    assert gain["values"] == pytest.approx(fell)

    go(other, 2, params=params)  # the control goes on from the control
    before = set(read_training(study / "control-1")["key"])
    assert before < set(read_training(other / "2" / "study" / "control-1")["key"])


def test_rounds_stop_by_themselves_where_the_gain_is_within_its_spread(home: Path, tmp_path: Path):
    params = toy_params(train={"epochs": 1, "learning_rate": 0.002}, study={"seeds": 2, "stop": True})
    for number in ("0", "1"):
        shutil.copytree(home / number, tmp_path / number)
        shutil.copytree(home / number, tmp_path / number / "study" / "mined-1")
    (tmp_path / "table").symlink_to(home / "table")
    facts = read_json(tmp_path / "1" / "round.json")
    for pays in (True, False):
        write_json(tmp_path / "1" / "round.json", {**facts, "gain": {"pays": pays}})
        jobs = jobs_of(tmp_path, 2, params=params, work=tmp_path / "work")
        assert {job.stop() for job in jobs} == {None if pays else "the last gain was within its spread"}
    go(tmp_path, 2, params=params)
    assert weights_of(tmp_path / "2") == weights_of(tmp_path / "2" / "study" / "mined-1") == weights_of(home / "1")
    after = read_json(tmp_path / "2" / "round.json")
    assert (after["stopped"], after["pool"], after["why"]) == (True, None, "the last gain was within its spread")


def test_a_missing_previous_round_is_one_line(home: Path, tmp_path: Path):
    with pytest.raises(UserError, match="round 3 needs the model of the round before it"):
        go(home, 3, out=tmp_path / "3")


def test_a_study_needs_the_trainings_of_the_round_before(home: Path, tmp_path: Path):
    with pytest.raises(UserError, match="mined-1"):
        go(home, 1, out=tmp_path / "1", params=toy_params(study=STUDY))


def test_scores_of_another_model_are_refused(home: Path, tmp_path: Path):
    (job,) = jobs_of(home, 1, work=tmp_path / "work")
    score_for(job, fan_out=here)
    shutil.copytree(home / "1", tmp_path / "0")
    (tmp_path / "table").symlink_to(home / "table")
    (changed,) = jobs_of(tmp_path, 1, work=tmp_path / "work")
    with pytest.raises(UserError, match="another model"):
        train_round(changed)


def test_an_empty_pool_is_one_line(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.tasks.toycrops.COUNTS", {"train": 40, "validation": 4})
    make_toy_table(tmp_path / "table")
    (tmp_path / "0").symlink_to(home / "0")
    with pytest.raises(UserError, match="no crops of split 'pool'"):
        go(tmp_path, 1)
