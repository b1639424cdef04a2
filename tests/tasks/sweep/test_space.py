"""What a sweep tries: every combination of what matters, once."""

import re

import pytest

from tasks.sweep.space import Space, parameters_of, space_of
from tests.tasks.toycrops import toy_params
from unfont.errors import UserError

INVARIANCE = toy_params().invariance
PUSHED = ["strength", "head_learning_rate", "head_steps"]


def make(*modes: str, sampled: bool = False, seeds: int = 1, **values: list[float]) -> Space:
    return space_of(INVARIANCE, modes=modes, values=values, seeds=seeds, sampled=sampled)


@pytest.mark.parametrize(
    ("mode", "parameters"),
    [
        ("erm", []),
        ("reversal", PUSHED),
        ("ascent", PUSHED),
        ("pairs", ["pair_weight"]),
        ("conditional+coral", [*PUSHED, "coral_weight"]),
        ("coral+pairs", ["pair_weight", "coral_weight"]),
        ("erasure", ["erased"]),
        ("conditional+erasure", [*PUSHED, "erased"]),
    ],
)
def test_a_modes_knobs_are_those_that_change_what_it_teaches(mode: str, parameters: list[str]):
    assert parameters_of(mode) == parameters


def test_a_knob_that_does_not_matter_to_a_mode_multiplies_nothing():
    grid = make("erm", "pairs", "conditional", strength=[1.0, 0.1, 0.1], head_steps=[1, 5]).grid()
    assert [setting.name for setting in grid] == [
        "erm",
        "pairs,pair_weight=1.0",
        "conditional,strength=0.1,head_learning_rate=10.0,head_steps=1",
        "conditional,strength=0.1,head_learning_rate=10.0,head_steps=5",
        "conditional,strength=1.0,head_learning_rate=10.0,head_steps=1",
        "conditional,strength=1.0,head_learning_rate=10.0,head_steps=5",
    ]


def test_what_varies_is_what_some_mode_is_tried_with():
    values: dict[str, list[float]] = {"strength": [0.1, 1.0], "head_learning_rate": [10.0], "coral_weight": [1.0, 2.0]}
    assert make("erm", "conditional", **values).varied == ["strength"]
    assert make("erm", "coral", **values).varied == ["coral_weight"]


def test_a_setting_is_the_params_with_its_own_values():
    (setting,) = make("conditional", strength=[0.7]).grid()
    changed = setting.of(INVARIANCE)
    assert (changed.modes, changed.strength) == (["conditional"], 0.7)
    assert changed.model_copy(update={"modes": INVARIANCE.modes, "strength": INVARIANCE.strength}) == INVARIANCE


def test_another_space_has_another_name():
    first = make("erm", "ascent", strength=[0.1, 1.0])
    others = [
        make("ascent", strength=[0.1, 1.0]),
        make("erm", "ascent", strength=[0.1]),
        make("erm", "ascent", strength=[0.1, 1.0], seeds=2),
        make("erm", "ascent", strength=[0.1, 1.0], sampled=True),
    ]
    assert first.name() == make("erm", "ascent", strength=[1.0, 0.1], coral_weight=[3.0]).name()
    assert len({space.name() for space in [first, *others]}) == 5


@pytest.mark.parametrize(
    ("modes", "values", "said"),
    [
        (["hope"], {}, r"there is no mode 'hope'.*\(--modes\)"),
        (["pairs+coral", "coral+pairs"], {}, "listed twice"),
        ([], {}, r"\(--modes\)"),
        (["erm"], {"strength": [0.1, -1.0]}, r"-1.0 \(--strength\)"),
        (["erm"], {"strength": [float("nan")]}, r"\(--strength\)"),
        (["erm"], {"head_steps": [0]}, r"\(--head-steps\)"),
    ],
)
def test_a_wrong_option_is_named(modes: list[str], values: dict[str, list[float]], said: str):
    with pytest.raises(UserError) as error:
        make(*modes, **values)
    assert re.search(said, str(error.value))


def test_nothing_is_drawn_from_a_range_that_begins_at_0():
    with pytest.raises(UserError, match="range above 0"):
        make("conditional", strength=[0.0, 1.0], sampled=True)
    assert make("conditional", strength=[0.0], sampled=True).values["strength"] == (0.0,)
    assert len(make("conditional", strength=[0.0, 1.0]).grid()) == 2
