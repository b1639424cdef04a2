import pytest

from tasks.predict.named_model import named_model
from tests.toyhome import make_toy_project, toy_params
from unfont.errors import UserError

PARAMS = toy_params()


@pytest.fixture
def params(here):
    """A project whose chosen model is the last mode's, and which has no MLflow store."""
    make_toy_project(here, params=PARAMS)
    return PARAMS


def test_a_name_a_folder_and_the_champion_are_models(params):
    home = params.home
    models = {"round-0": home / "rounds" / "0", "round-9": home / "rounds" / "9"}
    assert named_model(params, "round-0", models) == home / "rounds" / "0"
    assert named_model(params, str(home / "rounds" / "1"), models) == home / "rounds" / "1"
    assert named_model(params, "champion", models) == home / "invariance" / params.invariance.modes[-1]


def test_an_unknown_name_is_told_with_those_that_are_there(params):
    models = {"round-0": params.home / "rounds" / "0", "round-9": params.home / "rounds" / "9"}
    for name in ("round-9", "no\nsuch", "\0"):
        with pytest.raises(UserError, match=r"there is no model .*choose one of round-0, champion, or name a") as told:
            named_model(params, name, models)
        assert "\n" not in str(told.value)
    with pytest.raises(UserError, match=r"run `unfont run`, or name a folder with model.safetensors and model.json"):
        named_model(params, "erm", {"erm": params.home / "nowhere"})
