import json
from pathlib import Path

import numpy as np
import pytest

from tasks.crop_table.shards import read_rows
from tasks.train.loop import ramped
from tasks.train.model_folder import histogram_of, read_training
from tasks.train.weights import load_model
from tests.tasks.toycrops import make_round_0, make_toy_table, toy_params
from unfont.errors import UserError


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_table(tmp_path_factory.mktemp("train") / "table")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class StopAfter:
    """Progress that ends the run after so many epochs, as Ctrl-C would."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def __call__(self, line: str) -> None:
        self.left -= line.startswith("epoch")
        if not self.left:
            raise KeyboardInterrupt


def test_round_0_learns_the_toy_scripts(table: Path, tmp_path: Path):
    metrics = make_round_0(toy_params(train={"epochs": 6}), table, tmp_path / "0")
    assert metrics["validation_accuracy"] > 0.9
    assert metrics["crops"] == 160
    assert not (tmp_path / "work").exists()

    network, card = load_model(tmp_path / "0")
    assert card["labels"] == ["Grek", "Hebr", "Latn", "Zxxx"]
    assert card["nuisances"] == {"font_style": ["bold", "light"]}
    assert (card["height"], card["width"], card["mode"]) == (16, 48, "erm")
    assert sum(p.numel() for p in network.parameters()) == metrics["weights"]

    history = json.loads((tmp_path / "0" / "history.json").read_text())["epochs"]
    assert [entry["epoch"] for entry in history] == [0, 1, 2, 3, 4, 5]
    assert set(history[0]) == {"epoch", "loss", "accuracy", "learning_rate", "validation_accuracy"}
    assert history[-1]["loss"] < history[0]["loss"]

    curve = json.loads((tmp_path / "0" / "history.json").read_text())["curve"]
    assert len(curve) >= len(history)
    of_first = [point["loss"] for point in curve if point["epoch"] < 1]
    assert min(of_first) <= history[0]["loss"] <= max(of_first)

    training = read_training(tmp_path / "0")
    assert training["key"].tolist() == sorted(read_rows(table, ["key"], ["train"])["key"])
    assert (training["round"] == 0).all()
    assert training[["weights", "score"]].isna().all(axis=None)


def test_the_same_settings_give_the_same_bytes_and_another_seed_does_not(table: Path, tmp_path: Path):
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        make_round_0(toy_params(seed=seed, train={"epochs": 1}), table, tmp_path / name)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert contents(tmp_path / "one") != contents(tmp_path / "other")


@pytest.mark.parametrize("epochs", [1, 2])
def test_an_interrupted_run_ends_with_the_same_bytes(table: Path, tmp_path: Path, epochs: int):
    params = toy_params()
    make_round_0(params, table, tmp_path / "whole")

    with pytest.raises(KeyboardInterrupt):
        make_round_0(params, table, tmp_path / "0", progress=StopAfter(epochs))
    assert not (tmp_path / "0").exists()
    said: list[str] = []
    make_round_0(params, table, tmp_path / "0", progress=said.append)

    assert sum(line.startswith("epoch") for line in said) == 3 - epochs
    assert contents(tmp_path / "0") == contents(tmp_path / "whole")


def harm_tensors(checkpoint: Path) -> None:
    path = checkpoint / "state.safetensors"
    path.write_bytes(path.read_bytes()[:200])


def harm_progress(checkpoint: Path) -> None:
    (checkpoint / "progress.json").write_text("{")


@pytest.mark.parametrize("harm", [harm_tensors, harm_progress])
def test_a_broken_checkpoint_is_passed_over(table: Path, tmp_path: Path, harm):
    params = toy_params()
    make_round_0(params, table, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        make_round_0(params, table, tmp_path / "0", progress=StopAfter(1))
    harm(tmp_path / "work" / "mined-0" / "checkpoint")
    make_round_0(params, table, tmp_path / "0")
    assert contents(tmp_path / "0") == contents(tmp_path / "whole")


def test_hard_degradations_come_by_and_by():
    params = toy_params(train={"epochs": 8, "ramp": 0.5}, degrade={"strong": 0.4, "scan": 0.2})
    shares = [ramped(params.degrade, epoch, params.train) for epoch in range(8)]
    assert [one.strong for one in shares] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4])
    assert [one.scan for one in shares] == pytest.approx([0, 0.05, 0.1, 0.15, 0.2, 0.2, 0.2, 0.2])
    assert {one.model_copy(update={"strong": 0.4, "scan": 0.2}) for one in shares} == {params.degrade}
    assert ramped(params.degrade, 0, params.train.model_copy(update={"ramp": 0.0})) == params.degrade


def test_a_checkpoint_of_other_settings_is_passed_over(table: Path, tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        make_round_0(toy_params(loss={"gamma": 3.0}), table, tmp_path / "0", progress=StopAfter(1))
    said: list[str] = []
    make_round_0(toy_params(), table, tmp_path / "0", progress=said.append)
    assert sum(line.startswith("epoch") for line in said) == 3


def test_a_long_training_is_not_thrown_away_for_other_settings(table: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tasks.train.checkpoint.LONG", 0.0)
    params = toy_params()
    make_round_0(params, table, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        make_round_0(params, table, tmp_path / "0", progress=StopAfter(2))
    checkpoint = tmp_path / "work" / "mined-0" / "checkpoint"
    before = contents(checkpoint)
    said = r"2 epochs .* other settings: loss.gamma was 0.0, is 3.0; train.epochs was 3, is 4 .*remove this folder"
    with pytest.raises(UserError, match=said):
        make_round_0(toy_params(loss={"gamma": 3.0}, train={"epochs": 4}), table, tmp_path / "0")
    assert contents(checkpoint) == before and not (tmp_path / "0").exists()
    # What trains later has no part in it.
    make_round_0(toy_params(invariance={"modes": ["pairs"], "pair_weight": 3.0}), table, tmp_path / "0")
    assert contents(tmp_path / "0") == contents(tmp_path / "whole")


def test_crops_without_background_or_nuisance_labels_train_as_well(tmp_path: Path):
    table = make_toy_table(tmp_path / "table", background=False, nuisances=False)
    make_round_0(toy_params(train={"epochs": 1}), table, tmp_path / "0")
    _, card = load_model(tmp_path / "0")
    assert card["labels"] == ["Grek", "Hebr", "Latn"]
    assert card["nuisances"] == {}


def test_no_table_is_one_line(tmp_path: Path):
    with pytest.raises(UserError, match="no crop table"):
        make_round_0(toy_params(), tmp_path / "none", tmp_path / "0")


def test_a_model_says_where_its_examples_lay_in_the_last_epoch(table: Path, tmp_path: Path):
    make_round_0(toy_params(), table, tmp_path / "0")
    examples = json.loads((tmp_path / "0" / "examples.json").read_text())
    history = json.loads((tmp_path / "0" / "history.json").read_text())["epochs"]
    assert {name: sum(counts) for name, counts in examples["groups"].items()} == {"text": 120, "Zxxx": 40}
    # With four labels a crop with p > 0.5 is right: at least so many are, and those below 0.25 are not.
    counts = np.sum(list(examples["groups"].values()), axis=0)
    assert counts[25:].sum() / 160 <= history[-1]["accuracy"] + 0.02
    assert history[-1]["accuracy"] <= 1 - counts[:12].sum() / 160 + 0.02


def test_examples_are_counted_by_what_they_are():
    p = np.array([0.0, 0.019, 0.021, 0.5, 1.0, 0.99])
    empty, added = np.array([0, 0, 1, 1, 0, 1], bool), np.array([0, 0, 0, 0, 1, 1], bool)
    found = histogram_of(p, empty=empty, added=added)
    assert len(found["edges"]) == 51
    assert {name: np.flatnonzero(counts).tolist() for name, counts in found["groups"].items()} == {
        "text": [0], "Zxxx": [1, 25], "mined": [49],
    }  # fmt: skip
    assert found["groups"]["text"][0] == found["groups"]["mined"][49] == 2


def test_a_last_layer_started_at_the_labels_shares_trains_as_well(table: Path, tmp_path: Path):
    for name, prior in (("plain", False), ("prior", True)):
        params = toy_params(loss={"prior_bias": prior}, train={"epochs": 6, "balanced": prior})
        make_round_0(params, table, tmp_path / name)
    histories = [json.loads((tmp_path / name / "history.json").read_text())["epochs"] for name in ("plain", "prior")]
    assert all(history[-1]["validation_accuracy"] > 0.9 for history in histories)
    assert histories[0][0]["loss"] != histories[1][0]["loss"]
