import pytest

from tasks.common.files import sha256_of, write_json
from tasks.evaluate.model_selection import Selection, choice_of, choose_model, criterion_of, read_choice
from tasks.metrics.paired_bootstrap import Difference
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


def chosen(by_model, error=0.0):
    """The model chosen where every difference of criteria has the standard error `error`."""

    def difference(one, other):
        value = criterion_of(by_model[one]) - criterion_of(by_model[other])
        return Difference(value=value, lower=value - error)

    return choose_model(by_model, difference)


def test_the_highest_criterion_is_chosen_and_of_equals_the_first():
    models = {"round-0": metrics(0.8), "round-1": metrics(0.9), "erm": metrics(0.9)}
    assert chosen(models) == Selection(name="round-1", highest="round-1", ahead=Difference(value=0.0, lower=0.0))
    assert chosen({"round-0": metrics(None), "round-1": metrics(0.1)}).name == "round-1"


def test_the_first_within_one_standard_error_of_the_highest_is_chosen():
    models = {"erm": metrics(0.7), "conditional": metrics(0.875), "round-0": metrics(0.625), "round-1": metrics(0.9375)}
    assert chosen(models, error=0.05).name == "round-1"
    found = chosen(models, error=0.0625)
    assert found == Selection(name="conditional", highest="round-1", ahead=Difference(value=0.0625, lower=0.0))
    assert chosen(models, error=0.5).name == "erm"


def test_rare_styles_and_false_alarms_count_as_much_as_common_text():
    common = metrics(0.95, 0.50, 0.10)
    assert chosen({"common": common, "rare": metrics(0.94, 0.60, 0.10)}).name == "rare"
    assert chosen({"common": common, "quiet": metrics(0.94, 0.50, 0.02)}).name == "quiet"


def test_without_any_validation_nothing_is_chosen():
    with pytest.raises(UserError, match="validation has no text crops"):
        chosen({"round-0": metrics(None, None, 0.1)})


def test_a_choice_is_read_as_it_was_written(here):
    folder = here / "home" / "rounds" / "3"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (here / "home" / "model.safetensors").write_bytes(b"other weights")
    selection = Selection(name="round-3", highest="round-2", ahead=Difference(value=0.05, lower=-0.01))
    choice = choice_of(
        selection, folder=folder, home=here / "home",
        metrics={"round-3": metrics(0.5, None, 0.2), "round-2": metrics(0.6, None, 0.2)},
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
    assert choice["highest"] == {"name": "round-2", "value": 0.7, "difference": 0.05, "lower_bound": -0.01}


def test_an_older_choice_has_temperature_one(here):
    write_json(here / "chosen.json", {"name": "erm", "path": "invariance/erm", "weights": "00"})
    assert read_choice(here)["temperature"] == 1


def test_no_choice_is_none_and_a_damaged_one_says_so(here):
    assert read_choice(here) is None
    for content in ("{", "[]", '{"name": "erm"}', '{"name": 1, "path": "x", "weights": "y"}', COLD, WARM):
        (here / "chosen.json").write_text(content)
        with pytest.raises(UserError, match="cannot be read"):
            read_choice(here)
