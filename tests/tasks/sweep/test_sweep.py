"""Trainings of a sweep: the stage's own, measured on validation alone, and none of them twice."""

import logging
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from models.settings import InvarianceSettings
from tasks.common.files import read_json
from tasks.crop_table.shards import read_table, write_shards
from tasks.crop_table.splits import TEST_SPLITS
from tasks.invariance.train import mode_jobs, train_mode
from tasks.sweep.cost import cost_of, measured_rate
from tasks.sweep.sweep import SWEEP_METRICS, SweepJob, measure_model, starts_of, try_setting
from tasks.train.card import WEIGHTS_FILE, weights_of
from tasks.train.weights import load_tensors, save_tensors
from tests.tasks.sweep.toysweep import HOME, LAST, PARAMS, make_toy_project, toy_space, toy_sweep
from tests.tasks.toycrops import toy_params
from unfont.errors import UserError

WEIGHTS = LAST / WEIGHTS_FILE


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_project(tmp_path_factory.mktemp("sweep"))


@pytest.fixture
def home(project: Path, here: Path) -> Path:
    shutil.copytree(project, here, dirs_exist_ok=True)
    return here


def job(seed: int = 1) -> SweepJob:
    sweep = toy_sweep(toy_space("conditional", strength=[1.0]))
    return sweep.jobs(sweep.space.grid()[0])[seed]


def test_the_first_seed_is_the_training_of_the_stage(home: Path):
    invariance = InvarianceSettings(**{**PARAMS.invariance.model_dump(), "strength": 1.0})
    params = PARAMS.model_copy(update={"invariance": invariance})
    places = {"table": HOME / "table", "last_round": LAST, "work": home / "stage"}
    (stage,) = mode_jobs(params, mode="conditional", **places)
    train_mode(stage)
    first, second = try_setting(job(0)), try_setting(job(1))
    assert first["weights"] == weights_of(stage.out) != second["weights"]
    assert first["metrics"] == measure_model(params, stage.out, table=HOME / "table")
    assert first["epochs"] == read_json(stage.out / "history.json")["epochs"]


def test_it_never_reads_a_test_crop(home: Path):
    whole = try_setting(job())
    rows = read_table(HOME / "table").to_pylist()
    schema = read_table(HOME / "table").schema
    shutil.rmtree(HOME / "table")
    kept = [row for row in rows if row["split"] not in TEST_SPLITS]
    assert len(kept) < len(rows)
    write_shards(HOME / "table", [pa.Table.from_pylist(kept, schema=schema)])
    alone = try_setting(job())
    assert alone["metrics"] == whole["metrics"]
    assert set(whole["metrics"]) == set(SWEEP_METRICS)
    assert 0.5 < whole["metrics"]["accuracy"] <= 1
    terms = whole["metrics"]["accuracy"], 1 - whole["metrics"]["false_alarm_rate"]
    assert whole["metrics"]["worst_nuisance"] is None  # no cell of the toy table has as many crops
    assert whole["metrics"]["criterion"] == pytest.approx(sum(terms) / 2, abs=1e-6)


def test_a_training_that_is_done_stays(home: Path, monkeypatch: pytest.MonkeyPatch):
    first = try_setting(job())
    monkeypatch.setattr("tasks.sweep.sweep.train_mode", None)
    assert try_setting(job()) == first
    assert [path.name for path in job().scratch.parent.iterdir()] == [job().result.name]


def test_a_killed_training_goes_on_and_ends_with_the_same_weights(home: Path, caplog: pytest.LogCaptureFixture):
    class Kill(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("epoch 1/"):
                raise KeyboardInterrupt

    whole = try_setting(job())
    job().result.unlink()
    kill, log = Kill(), logging.getLogger("unfont")
    caplog.set_level(logging.INFO, "unfont")
    log.addHandler(kill)
    with pytest.raises(KeyboardInterrupt):
        try_setting(job())
    log.removeHandler(kill)
    caplog.clear()
    again = try_setting(job())
    epochs = [line for line in caplog.messages if line.startswith("epoch")]
    assert [line.split(":")[0] for line in epochs] == ["epoch 2/2"]
    assert {**again, "seconds": 0} == {**whole, "seconds": 0}


def test_a_model_that_diverged_has_no_figures(home: Path):
    broken = {name: tensor.float() * float("nan") for name, tensor in load_tensors(WEIGHTS).items()}
    save_tensors(WEIGHTS, broken)
    assert measure_model(PARAMS, WEIGHTS.parent, table=HOME / "table") == dict.fromkeys(SWEEP_METRICS)


def test_a_seed_goes_on_from_its_own_round_where_a_study_made_it(home: Path):
    (LAST / "study" / "mined-1").mkdir(parents=True)
    assert starts_of(LAST, 3) == [LAST, LAST / "study" / "mined-1", LAST]


def test_no_last_round_is_one_line(home: Path):
    shutil.rmtree(HOME / "rounds")
    with pytest.raises(UserError, match="no model to start from"):
        job()


@pytest.mark.parametrize(
    ("params", "same"),
    [
        (toy_params(invariance={"epochs": 2, "strength": 7.0, "modes": ["pairs"]}), True),
        (toy_params(report={"top": 3}), True),
        (toy_params(invariance={"epochs": 1}), False),
        (toy_params(evaluate={"cell_crops": 7}), False),
        (toy_params(seed=1), False),
    ],
)
def test_trainings_are_shared_by_sweeps_that_follow_from_the_same(home: Path, params, same: bool):
    first, other = toy_sweep(toy_space("erm")), toy_sweep(toy_space("pairs"), params)
    assert (first.work == other.work) is same
    assert first.name != other.name


def test_another_start_or_table_is_another_place_to_work(home: Path):
    first = toy_sweep(toy_space("erm")).work
    save_tensors(WEIGHTS, {name: tensor + 1 for name, tensor in load_tensors(WEIGHTS).items()})
    second = toy_sweep(toy_space("erm")).work
    shard = next((HOME / "table").glob("*.parquet"))
    shard.write_bytes(shard.read_bytes() + b" ")
    assert len({first, second, toy_sweep(toy_space("erm")).work}) == 3


def test_what_it_costs_is_counted_and_timed(home: Path, monkeypatch: pytest.MonkeyPatch):
    sweep = toy_sweep(toy_space("conditional", strength=[0.1, 1.0]))
    assert measured_rate(sweep, seconds=0.05) > 0
    monkeypatch.setattr("tasks.sweep.cost.measured_rate", lambda _, seconds: 100.0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    cost = cost_of(sweep, trainings=6, workers=5, seconds=[])
    # 160 training crops twice; 48 of validation after each of 2 epochs and once more, a third of the price.
    assert cost.seconds == pytest.approx((320 + 3 * 48 / 3) / 100)
    assert cost.minutes == pytest.approx(6 * cost.seconds / 2 / 60)
    assert "6 trainings left, 160 crops × 2 epochs, 4 s each, 2 at a time: less than a minute" in str(cost)
    assert "about 2 minutes" in str(cost_of(sweep, trainings=7, workers=2, seconds=[30.0]))
    assert cost_of(sweep, trainings=1, workers=1, seconds=[8.0, 9.0, 40.0]).minutes == pytest.approx(9 / 60)
