from pathlib import Path

import pytest

from models.invariance import MODES
from tasks.baseline import train_baseline
from tasks.errors import UserError
from tasks.files import read_json
from tasks.trained import read_training
from tasks.unlearn import train_invariance
from tasks.weights import load_model, weights_of
from tests.tasks.test_train import StopAfter, contents, silent
from tests.tasks.toycrops import make_toy_table, toy_params

PARAMS = toy_params()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("unlearn")
    make_toy_table(home / "table")
    train_baseline(PARAMS, table=home / "table", out=home / "0", work=home / "work", progress=silent)
    for mode in MODES:
        go(home, mode, home / mode)
    return home


def go(home: Path, mode: str, out: Path, *, start: Path | None = None, progress=silent) -> dict[str, float]:
    return train_invariance(
        PARAMS,
        mode=mode,
        table=home / "table",
        start=start or home / "0",
        out=out,
        work=out.parent / "work",
        progress=progress,
    )


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_trains_on_and_watches_the_nuisance(home: Path, mode: str):
    _, card = load_model(home / mode)
    history = read_json(home / mode / "history.json")["epochs"]
    assert card["mode"] == mode
    assert weights_of(home / mode) != weights_of(home / "0")
    assert read_training(home / mode).equals(read_training(home / "0"))
    assert len(history) == PARAMS.invariance.epochs
    assert {"font_style_loss", "font_style_accuracy", "validation_accuracy"} <= set(history[0])


def test_modes_end_with_different_weights(home: Path):
    assert len({weights_of(home / mode) for mode in MODES}) == len(MODES)


@pytest.mark.parametrize("mode", MODES)
def test_an_interrupted_mode_ends_with_the_same_bytes(home: Path, tmp_path: Path, mode: str):
    with pytest.raises(KeyboardInterrupt):
        go(home, mode, tmp_path / mode, progress=StopAfter(1))
    go(home, mode, tmp_path / mode)
    assert contents(tmp_path / mode) == contents(home / mode)


def test_a_table_without_nuisance_labels_serves_as_well(tmp_path: Path):
    make_toy_table(tmp_path / "table", nuisances=False)
    train_baseline(PARAMS, table=tmp_path / "table", out=tmp_path / "0", work=tmp_path / "work", progress=silent)
    figures = go(tmp_path, "conditional", tmp_path / "conditional")
    assert "font_style_loss" not in figures


def test_a_missing_start_is_one_line(home: Path, tmp_path: Path):
    with pytest.raises(UserError, match="no model to start from"):
        go(home, "erm", tmp_path / "erm", start=tmp_path / "3")


def test_an_unknown_mode_is_a_programming_error(home: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="erm, conditional"):
        go(home, "hope", tmp_path / "hope")
