import logging
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.invariance import MODES
from tasks.common.files import read_json
from tasks.common.params import Params
from tasks.common.progress import Progress
from tasks.invariance.train import mode_jobs, train_mode
from tasks.train.card import weights_of
from tasks.train.job import gather
from tasks.train.model_folder import read_training
from tasks.train.weights import load_model
from tests.tasks.toycrops import make_round_0, make_toy_table, silent, toy_params
from tests.tasks.train.test_loop import StopAfter, contents
from unfont.errors import UserError

PARAMS = toy_params()
STUDY = toy_params(study={"seeds": 2}, train={"epochs": 1}, invariance={"epochs": 1})
EVERY = [*MODES, "conditional+pairs", "reversal+coral", "conditional+erasure", "conditional+bottleneck"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("unlearn")
    make_toy_table(home / "table")
    make_round_0(PARAMS, home / "table", home / "0")
    for mode in EVERY:
        go(home, mode, home / mode)
    return home


def go(home: Path, mode: str, out: Path, *, progress: Progress = silent, params: Params = PARAMS) -> dict[str, float]:
    """All trainings of `mode`, from round 0; the metrics of the stage's own."""
    paths = {"table": home / "table", "last_round": home / "0", "work": out.parent / "work"}
    jobs = mode_jobs(params, mode=mode, **paths)
    summaries = [train_mode(replace(job, progress=progress)) for job in jobs]
    gather(jobs, out=out)
    return summaries[0]


@pytest.mark.parametrize("mode", EVERY)
def test_a_mode_trains_on_and_watches_the_nuisance(home: Path, mode: str):
    _, card = load_model(home / mode)
    history = read_json(home / mode / "history.json")["epochs"]
    assert card["mode"] == mode
    assert weights_of(home / mode) != weights_of(home / "0")
    assert read_training(home / mode).equals(read_training(home / "0"))
    assert len(history) == PARAMS.invariance.epochs
    assert not (home / "work").exists()
    wanted = {"font_style_loss", "font_style_accuracy", "validation_accuracy"}
    wanted |= {f"{part}_loss" for part in mode.split("+") if part in ("pairs", "coral")}
    wanted |= {"strength"} if set(mode.split("+")) & {"reversal", "conditional", "ascent"} else set()
    assert set(history[0]) == {"epoch", "loss", "accuracy", "learning_rate"} | wanted
    assert all(math.isfinite(value) for value in history[-1].values())


@pytest.mark.parametrize("mode", ["conditional+pairs", "ascent", "conditional+erasure"])
def test_a_mode_trains_on_in_two_processes(home: Path, tmp_path: Path, mode: str):
    params = toy_params(train={"processes": 2})
    for name in ("one", "two"):
        go(home, mode, tmp_path / name, params=params)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    of_one = read_json(home / mode / "history.json")["epochs"][-1]
    of_two = read_json(tmp_path / "one" / "history.json")["epochs"][-1]
    assert of_one.keys() == of_two.keys()
    assert of_two["validation_accuracy"] > of_one["validation_accuracy"] - 0.1


def test_modes_end_with_different_weights(home: Path):
    assert len({weights_of(home / mode) for mode in EVERY}) == len(EVERY)


@pytest.mark.parametrize("mode", EVERY)
def test_an_interrupted_mode_ends_with_the_same_bytes(home: Path, tmp_path: Path, mode: str):
    with pytest.raises(KeyboardInterrupt):
        go(home, mode, tmp_path / mode, progress=StopAfter(1))
    said: list[str] = []
    go(home, mode, tmp_path / mode, progress=said.append)
    assert sum(line.startswith("epoch") for line in said) == PARAMS.invariance.epochs - 1
    assert contents(tmp_path / mode) == contents(home / mode)


def test_erasure_leaves_a_layer_that_the_card_names(home: Path):
    for mode in EVERY:
        network, card = load_model(home / mode)
        erases = "erasure" in mode.split("+")
        assert (network.eraser is not None) == erases and card.get("erased") == (4 if erases else None)
    network, _ = load_model(home / "conditional+erasure")
    # Three scripts in two styles: three directions.
    assert torch.linalg.matrix_rank(torch.eye(16) - network.eraser.weight, tol=1e-4) == 3


@pytest.mark.parametrize(("mode", "plain"), [("bottleneck", "erm"), ("conditional+bottleneck", "conditional")])
def test_a_bottleneck_predicts_what_its_mode_predicts_without(home: Path, mode: str, plain: str):
    (narrow, card), (whole, _) = load_model(home / mode), load_model(home / plain)
    images = torch.rand(50, 1, whole.height, whole.width)
    with torch.no_grad():
        logits, margins = whole(images), narrow.embed(images)
    assert card["margin"] == PARAMS.invariance.margin
    expected = logits - logits.amax(1, keepdim=True)
    expected = torch.where(expected < -card["margin"], -1.5 * card["margin"], expected)
    torch.testing.assert_close(margins, expected, atol=1e-5, rtol=0)


def test_more_directions_than_the_embedding_has_are_one_line(home: Path, tmp_path: Path):
    with pytest.raises(UserError, match="16 directions cannot be erased from an embedding of 16") as error:
        go(home, "erasure", tmp_path / "erasure", params=toy_params(invariance={"erased": 16}))
    assert "invariance.erased" in str(error.value)


def test_cells_with_few_crops_are_said_once(home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    params = toy_params(network={"embedding": 32}, train={"epochs": 1}, invariance={"epochs": 1, "erased": 24})
    make_round_0(params, home / "table", tmp_path / "0")
    job, *_ = mode_jobs(params, mode="erasure", table=home / "table", last_round=tmp_path / "0", work=tmp_path / "work")
    with caplog.at_level(logging.INFO):
        train_mode(replace(job, progress=silent))
    assert caplog.text.count("6 cells (target, nuisance) have fewer than 24 crops") == 1


def test_strength_rises_over_the_epochs(home: Path):
    first, second = read_json(home / "reversal" / "history.json")["epochs"]
    assert 0 < first["strength"] < second["strength"] < PARAMS.invariance.strength


def test_a_table_without_nuisance_labels_serves_as_well(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    make_toy_table(tmp_path / "table", nuisances=False)
    make_round_0(PARAMS, tmp_path / "table", tmp_path / "0")
    with caplog.at_level(logging.WARNING):
        metrics = go(tmp_path, "conditional+pairs", tmp_path / "conditional+pairs")
    assert not {"font_style_loss", "pairs_loss"} & set(metrics)
    assert "no two training crops are partners" in caplog.text


def test_without_two_labels_in_a_target_nothing_is_erased(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    make_toy_table(tmp_path / "table", nuisances=False)
    make_round_0(PARAMS, tmp_path / "table", tmp_path / "0")
    with caplog.at_level(logging.WARNING):
        go(tmp_path, "erasure", tmp_path / "erasure")
    assert caplog.text.count("erasure has no effect") == 1
    go(tmp_path, "erm", tmp_path / "erm")
    network, card = load_model(tmp_path / "erasure")
    assert network.eraser is None and "erased" not in card
    assert weights_of(tmp_path / "erasure") == weights_of(tmp_path / "erm")


def test_a_missing_start_is_one_line(tmp_path: Path):
    with pytest.raises(UserError, match="no model to start from"):
        go(tmp_path, "erm", tmp_path / "erm")


def test_an_unknown_mode_is_a_programming_error(home: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="erm, reversal"):
        go(home, "hope", tmp_path / "hope")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Round 0 of two seeds, and `pairs` of both."""
    home = tmp_path_factory.mktemp("study")
    make_toy_table(home / "table")
    make_round_0(STUDY, home / "table", home / "0")
    go(home, "pairs", home / "pairs", params=STUDY)
    return home


def test_a_study_trains_a_mode_from_each_seeds_own_round(study: Path):
    jobs = mode_jobs(STUDY, mode="pairs", table=study / "table", last_round=study / "0", work=study / "work")
    assert [job.start for job in jobs] == [study / "0", study / "0" / "study" / "mined-1"]
    folders = [study / "pairs", study / "pairs" / "study" / "seed-1"]
    assert len({weights_of(folder) for folder in [*folders, *(job.start for job in jobs)]}) == 4
    assert [load_model(folder)[1]["mode"] for folder in folders] == ["pairs", "pairs"]


def test_the_first_seed_is_the_mode_without_a_study(study: Path, tmp_path: Path):
    alone = toy_params(train={"epochs": 1}, invariance={"epochs": 1})
    go(study, "pairs", tmp_path / "pairs", params=alone)
    assert weights_of(tmp_path / "pairs") == weights_of(study / "pairs")


def test_an_interrupted_study_trains_no_seed_twice(study: Path, tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        go(study, "pairs", tmp_path / "pairs", params=STUDY, progress=StopAfter(2))
    said: list[str] = []
    assert go(study, "pairs", tmp_path / "pairs", params=STUDY, progress=said.append) == {}
    assert not any(line.startswith("epoch") for line in said)
    for folder in ("pairs", "pairs/study/seed-1"):
        assert weights_of(tmp_path / folder) == weights_of(study / folder)


def test_a_seed_that_the_last_round_lacks_is_one_line(home: Path, tmp_path: Path):
    with pytest.raises(UserError, match="no model to start from") as error:
        go(home, "erm", tmp_path / "erm", params=STUDY)
    assert "mined-1" in str(error.value)
