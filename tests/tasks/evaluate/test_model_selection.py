import pytest

from tasks.common.files import sha256_of, write_json
from tasks.evaluate.model_selection import choice_of, choose_model, criterion_of, read_choice
from unfont.errors import UserError

WARM = '{"name": "erm", "path": "x", "weights": "y", "temperatures": {"y": "warm"}}'
COLD = '{"name": "erm", "path": "x", "weights": "y", "temperature": 0}'


def metrics(accuracy, worst_nuisance=None, false_alarm_rate=None):
    return {
        "accuracy": accuracy,
        "worst_nuisance": worst_nuisance,
        "false_alarm_rate": false_alarm_rate,
        "worst_target": 0.1,
    }


def test_the_criterion_is_the_mean_of_the_shares_that_should_be_one():
    assert criterion_of(metrics(0.9, 0.6, 0.3)) == pytest.approx((0.9 + 0.6 + 0.7) / 3)
    assert criterion_of(metrics(0.9, None, 0.3)) == pytest.approx((0.9 + 0.7) / 2)
    assert criterion_of(metrics(0.9)) == 0.9


def test_the_highest_criterion_is_chosen_and_of_equals_the_first():
    assert choose_model({"round-0": metrics(0.8), "round-1": metrics(0.9), "erm": metrics(0.9)}) == "round-1"
    assert choose_model({"round-0": metrics(None), "round-1": metrics(0.1)}) == "round-1"


def test_rare_styles_and_false_alarms_count_as_much_as_common_text():
    common = metrics(0.95, 0.50, 0.10)
    assert choose_model({"common": common, "rare": metrics(0.94, 0.60, 0.10)}) == "rare"
    assert choose_model({"common": common, "quiet": metrics(0.94, 0.50, 0.02)}) == "quiet"


def test_without_any_validation_nothing_is_chosen():
    with pytest.raises(UserError, match="validation has no text crops"):
        choose_model({"round-0": metrics(None, None, 0.1)})


def test_a_choice_is_read_as_it_was_written(here):
    folder = here / "home" / "rounds" / "3"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (here / "home" / "model.safetensors").write_bytes(b"other weights")
    choice = choice_of(
        "round-3", folder=folder, home=here / "home", metrics=metrics(0.5, None, 0.2),
        temperatures={folder: 0.6, here / "home": 0.9},
    )  # fmt: skip
    assert choice["temperature"] == 0.6 and sorted(choice["temperatures"].values()) == [0.6, 0.9]
    assert choice["rests_on"] == {}
    write_json(here / "home" / "chosen.json", choice)
    assert read_choice(here / "home") == choice
    assert (choice["path"], choice["weights"]) == ("rounds/3", sha256_of(folder / "model.safetensors"))
    assert (choice["criterion"], choice["value"]) == (
        "validation.light: mean of accuracy, 1 - false_alarm_rate",
        pytest.approx(0.65),
    )


def test_an_older_choice_has_temperature_one(here):
    write_json(here / "chosen.json", {"name": "erm", "path": "invariance/erm", "weights": "00"})
    assert read_choice(here)["temperature"] == 1


def test_no_choice_is_none_and_a_damaged_one_says_so(here):
    assert read_choice(here) is None
    for content in ("{", "[]", '{"name": "erm"}', '{"name": 1, "path": "x", "weights": "y"}', COLD, WARM):
        (here / "chosen.json").write_text(content)
        with pytest.raises(UserError, match="cannot be read"):
            read_choice(here)
