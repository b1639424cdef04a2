"""Trials in a real Optuna study, in SQLite."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from tasks.sweep.space import Setting, Space
from tasks.sweep.sweep import Outcome, Sweep
from tasks.sweep.trials import OpenTrial, done_in, finish_trial, next_trials, open_study, setting_results
from tests.tasks.sweep.toysweep import PARAMS, toy_space
from unfont.errors import UserError

GRID = toy_space("erm", "conditional", strength=[0.1, 1.0], head_steps=[1, 5])
SAMPLED = toy_space("pairs", "conditional", sampled=True, strength=[0.01, 10.0], head_steps=[1, 9])


@pytest.fixture(autouse=True)
def _here(here: Path) -> None:
    """Studies lie below the present folder."""


def sweep_of(space: Space, **follows: str) -> Sweep:
    facts = {"train": "{}", "seed": "0", **follows}
    return Sweep(params=PARAMS, space=space, table=Path("table"), starts=[Path("0")], inputs=facts)


def begin(study: optuna.Study, space: Space, *, wanted: int = 9, at_once: int = 9) -> list[OpenTrial]:
    return next_trials(study, space, wanted=wanted, at_once=at_once, seed=0)


def finish(study: optuna.Study, begun: OpenTrial, criterion: float | None = 0.5) -> None:
    metrics = {"criterion": criterion}
    outcomes = [Outcome(seed=seed, weights="", seconds=1.0, metrics=metrics, epochs=[]) for seed in range(2)]
    finish_trial(study, begun.trial, outcomes)


def draw(space: Space, wanted: int, stop: Callable[[int], bool]) -> list[Setting]:
    """The settings of a whole sweep, two at once, that is interrupted before each trial that `stop` names."""
    met: list[Setting] = []
    study = open_study(sweep_of(space))
    while begun := begin(study, space, wanted=wanted, at_once=2):
        for each in begun:
            if stop(len(met)) and each.setting not in met:
                study = open_study(sweep_of(space))
                break
            met.append(each.setting)
            finish(study, each, criterion=dict(each.setting.parameters).get("strength", 1.0) / 10)
    return met


def test_a_grid_is_tried_in_order_and_once():
    study = open_study(sweep_of(GRID))
    begun = begin(study, GRID, wanted=5, at_once=3)
    assert [each.setting for each in begun] == GRID.grid()[:3]
    for each in begun:
        finish(study, each)
    assert [each.setting for each in begin(study, GRID, wanted=5)] == GRID.grid()[3:]


def test_what_was_left_comes_first_and_what_is_done_never_again():
    study = open_study(sweep_of(GRID))
    first, second = begin(study, GRID, at_once=2)
    finish(study, second)
    again = open_study(sweep_of(GRID))
    assert done_in(again) == 1
    assert [each.setting for each in begin(again, GRID, wanted=5)] == [first.setting, *GRID.grid()[2:]]
    for each in begin(again, GRID, wanted=5):
        finish(again, each)
    assert begin(again, GRID, wanted=5) == []
    assert [each.setting for each in setting_results(again, GRID)] == GRID.grid()


def test_draws_lie_in_their_ranges_and_have_three_digits():
    settings = draw(SAMPLED, 12, stop=lambda _: False)
    assert len(settings) == 12
    drawn = [dict(setting.parameters) for setting in settings if setting.mode == "conditional"]
    assert len({values["strength"] for values in drawn}) > 3
    assert all(0.01 <= values["strength"] <= 10 and 1 <= values["head_steps"] <= 9 for values in drawn)
    assert all(values["strength"] == float(f"{values['strength']:.2e}") for values in drawn)
    assert {setting.parameters for setting in settings if setting.mode == "pairs"} <= {(("pair_weight", 1.0),)}


def test_an_interrupted_search_goes_on_with_the_same_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = draw(SAMPLED, 8, stop=lambda _: False)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    stops = iter([0, 3, 6])
    wanted = next(stops)

    def stop(met: int) -> bool:
        nonlocal wanted
        if met != wanted:
            return False
        wanted = next(stops, -1)
        return True

    assert draw(SAMPLED, 8, stop=stop) == whole
    assert wanted == -1


def test_more_trials_of_a_search_are_added_to_those_that_are_done():
    first = draw(SAMPLED, 4, stop=lambda _: False)
    more = draw(SAMPLED, 6, stop=lambda _: False)
    study = open_study(sweep_of(SAMPLED))
    assert (len(first), len(more), done_in(study)) == (4, 2, 6)
    assert {each.setting for each in setting_results(study, SAMPLED)} == {*first, *more}


def test_a_training_that_diverged_counts_nothing_to_the_sampler():
    study = open_study(sweep_of(GRID))
    first, second = begin(study, GRID, at_once=2)
    finish(study, first, criterion=None)
    finish(study, second, criterion=0.25)
    assert [trial.value for trial in study.trials] == [0.0, 0.25]
    assert setting_results(study, GRID)[0].outcomes[0]["metrics"]["criterion"] is None


def test_a_study_of_other_params_is_never_gone_on_with_in_silence():
    study = open_study(sweep_of(GRID))
    finish(study, begin(study, GRID, at_once=1)[0])
    with pytest.raises(UserError, match="another train") as error:
        open_study(sweep_of(GRID, train="{1}"))
    assert "--anew" in error.value.fix
    anew = sweep_of(GRID, train="{1}")
    assert done_in(open_study(anew, anew=True)) == 0
    assert done_in(open_study(anew)) == 0
    with pytest.raises(UserError, match="another train"):
        open_study(sweep_of(GRID))


def test_other_arguments_are_another_study():
    study = open_study(sweep_of(GRID))
    finish(study, begin(study, GRID, at_once=1)[0])
    assert done_in(open_study(sweep_of(dataclasses.replace(GRID, seeds=3)))) == 0
    assert done_in(open_study(sweep_of(GRID))) == 1
