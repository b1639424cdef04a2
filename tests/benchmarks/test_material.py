"""What each arm of the benchmark of the training material is trained with, and how its seeds are summed up."""

from benchmarks.material import ALL, NONE, OFF, arms_of, ingredients_of, summary, without
from models.settings import AugmentSettings, DegradeSettings
from tasks.common.params import read_params
from tests.conftest import ROOT

PARAMS = read_params(ROOT / "params.yaml")


def value(params, key):
    for part in key.split("."):
        params = getattr(params, part)
    return params


def test_an_arm_has_its_own_ingredients_and_no_others():
    assert arms_of() == [NONE, *OFF, ALL] and ingredients_of(ALL) == set(OFF)
    for arm in arms_of():
        params = without(PARAMS, OFF.keys() - ingredients_of(arm))
        for name, keys in OFF.items():
            for key, off in keys.items():
                expected = value(PARAMS, key) if name in ingredients_of(arm) else off
                assert value(params, key) == expected, (arm, key)


def test_every_ingredient_is_on_in_the_committed_params():
    for keys in OFF.values():
        assert all(value(PARAMS, key) != off for key, off in keys.items())


def test_every_degradation_that_the_older_severities_lack_is_an_ingredient():
    older = {name for name, field in DegradeSettings.model_fields.items() if field.is_required()}
    new = AugmentSettings.model_fields.keys() - older
    assert {key.removeprefix("degrade.") for key in OFF["degradations"]} == new


def test_seeds_are_summed_up_as_their_mean_and_their_spread():
    measured = [{"real": {"lines": 0.5}, "validation": {"light": share}} for share in (0.2, 0.4, 0.9)]
    found = summary(measured)
    assert found["seeds"] == 3 and found["validation"] == {"light": 0.5}
    assert found["spread"] == {"real": {"lines": 0.0}, "validation": {"light": 0.7}}
