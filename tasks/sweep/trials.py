"""Trials of a sweep, kept by Optuna in SQLite: which settings are finished, and which are running.

A trial is one setting with all its seeds; its value is their mean criterion on `validation`, which the sampler
maximises.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState

from tasks.common.determinism import derived_seed
from tasks.sweep.space import Setting, Space, parameters_of
from tasks.sweep.sweep import CRITERION, Outcome, Sweep
from unfont.errors import UserError

DIGITS = 3  # significant ones of a sampled value: more would not fit a params.yaml that people read


@dataclass(frozen=True, kw_only=True)
class OpenTrial:
    """A running trial."""

    trial: Trial
    setting: Setting


@dataclass(frozen=True, kw_only=True)
class SettingResult:
    """A setting, and what its trainings ended with, by seed; their epochs are left out."""

    setting: Setting
    outcomes: list[dict[str, Any]]


def open_study(sweep: Sweep, *, anew: bool = False) -> optuna.Study:
    """The sweep's study, in SQLite; made where it is missing, or where `anew`.

    Raises:
        UserError: it was begun with other params, data, code or start: its trials do not compare with new ones.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path, name, inputs = sweep.study, sweep.name, sweep.inputs
    path.parent.mkdir(parents=True, exist_ok=True)
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    if anew and name in optuna.get_all_study_names(storage):
        optuna.delete_study(study_name=name, storage=storage)
    study = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
    before = study.user_attrs.get("follows")
    if before is None:
        study.set_user_attr("follows", inputs)
    elif before != inputs:
        differ = [key for key in sorted(before.keys() | inputs.keys()) if before.get(key) != inputs.get(key)]
        what = f"this sweep was begun with another {', '.join(differ[:3])}{', …' if len(differ) > 3 else ''}"
        raise UserError(what, where=path, fix="add --anew to begin it again, or put that back")
    return study


def next_trials(study: optuna.Study, space: Space, *, wanted: int, at_once: int, seed: int) -> list[OpenTrial]:
    """The trials to run now, at most `at_once`: first those that an interrupted sweep left; none when all are done.

    A grid goes through its settings by the trials' numbers. A sampled space is sampled by Optuna's TPE, seeded by
    the number of trials so far: an interrupted sweep goes on with the same samples.
    """
    # Optuna gives no way back to an open trial but by the number that its storage has for it.
    begun = [Trial(study, left._trial_id) for left in study.get_trials(deepcopy=False, states=[TrialState.RUNNING])]
    room = min(at_once, wanted - done_in(study))
    study.sampler = (
        TPESampler(seed=derived_seed(seed, "sweep", len(study.trials)) % 2**32, constant_liar=True)
        if space.sampled
        else _InOrder(space.grid())
    )
    begun += [study.ask() for _ in range(room - len(begun))]
    return [OpenTrial(trial=trial, setting=_suggested(trial, space)) for trial in begun[: max(room, 0)]]


def finish_trial(study: optuna.Study, trial: Trial, outcomes: Sequence[Outcome]) -> None:
    """Keep what the trainings of a trial ended with. One that diverged counts 0 to the sampler."""
    kept = [{key: value for key, value in outcome.items() if key != "epochs"} for outcome in outcomes]
    trial.set_user_attr("outcomes", kept)
    values = [outcome["metrics"][CRITERION] or 0.0 for outcome in outcomes]
    study.tell(trial, sum(values) / len(values), skip_if_finished=True)


def done_in(study: optuna.Study) -> int:
    """How many trials are done."""
    return len(study.get_trials(deepcopy=False, states=[TrialState.COMPLETE]))


def setting_results(study: optuna.Study, space: Space) -> list[SettingResult]:
    """Every setting that is done, once, by mode and then by its parameters."""
    done = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    outcomes = {_setting_of(trial.params, space): trial.user_attrs["outcomes"] for trial in done}
    settings = sorted(outcomes, key=lambda setting: (space.modes.index(setting.mode), setting.parameters))
    return [SettingResult(setting=setting, outcomes=outcomes[setting]) for setting in settings]


class _InOrder(BaseSampler):
    """Trial number n is the grid's n-th setting. (Optuna's own grid has every parameter in every trial.)"""

    def __init__(self, grid: list[Setting]) -> None:
        self.grid = grid

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        setting = self.grid[trial.number]
        return {"mode": setting.mode, **dict(setting.parameters)}[param_name]


def _suggested(trial: Trial, space: Space) -> Setting:
    """The trial's setting; missing values come from the study's sampler."""
    mode = trial.suggest_categorical("mode", space.modes)
    for key in parameters_of(mode):
        low, high = space.values[key][0], space.values[key][-1]
        spread = space.sampled and low < high
        if isinstance(low, int) and isinstance(high, int):
            trial.suggest_int(key, low, high, log=spread)
        else:
            trial.suggest_float(key, low, high, log=spread)
    return _setting_of(trial.params, space)


def _setting_of(values: Mapping[str, Any], space: Space) -> Setting:
    mode = values["mode"]
    sampled = space.varied if space.sampled else []
    parameters = [(key, _rounded(values[key]) if key in sampled else values[key]) for key in parameters_of(mode)]
    return Setting(mode=mode, parameters=tuple(parameters))


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.{DIGITS}g}")
