"""`unfont sweep`: print its cost, run it, print the results."""

import logging
import os
import sys
from collections.abc import Callable, Mapping

from flows.invariance import last_round
from flows.sweep import run_sweep
from tasks.common.params import Params, SweepSettings, read_params
from tasks.sweep.cost import cost_of
from tasks.sweep.space import INTEGERS, Space, space_of
from tasks.sweep.sweep import make_sweep
from tasks.sweep.table import format_sweep, summarise_sweep, write_sweep
from tasks.sweep.trials import done_in, open_study, setting_results
from unfont.errors import UserError

ASK_FROM = 1.0  # minutes

log = logging.getLogger("unfont")


def sweep_modes(
    modes: str | None,
    values: Mapping[str, str],
    *,
    seeds: int | None = None,
    trials: int | None = None,
    workers: int | None = None,
    anew: bool = False,
    yes: bool = False,
    output_format: str = "table",
) -> None:
    """Try `modes` and the parameters' `values` (lists with commas; None and what is missing: as params.yaml has it).

    Raises:
        UserError: an option is wrong, there is no last round, or the same sweep was begun with other params.
    """
    params = read_params()
    space = _space(params, modes, values, seeds=seeds, sampled=trials is not None)
    settings = params.sweep.model_copy(update={} if workers is None else {"workers": workers})
    rounds = params.home / "rounds"
    sweep = make_sweep(params, space, table=params.home / "table", last_round=rounds / last_round(params))
    study = open_study(sweep, anew=anew)
    seconds = [outcome["seconds"] for tried in setting_results(study, space) for outcome in tried.outcomes]
    wanted = trials or len(space.grid())
    left = (wanted - done_in(study)) * space.seeds
    if left > 0:
        _warn(settings, params.threads)
        cost = cost_of(sweep, trainings=left, workers=settings.workers, seconds=seconds)
        print(f"sweep: {cost}", file=sys.stderr, flush=True)
        if cost.minutes > ASK_FROM and not yes and not _agreed():
            return
        run_sweep(sweep, study, settings=settings, wanted=wanted)
    summary = summarise_sweep(setting_results(study, space), space)
    write_sweep(summary, params.home)
    print(format_sweep(summary, output_format))


def _space(params: Params, modes: str | None, values: Mapping[str, str], *, seeds: int | None, sampled: bool) -> Space:
    read: dict[str, list[float]] = {"strength": list(params.sweep.strength)}
    for key, text in values.items():
        read[key] = _numbers(text, int if key in INTEGERS else float, f"--{key.replace('_', '-')}")
    return space_of(
        params.invariance,
        modes=params.invariance.modes if modes is None else _listed(modes),
        values=read,
        seeds=seeds or params.sweep.seeds,
        sampled=sampled,
    )


def _numbers(text: str, kind: Callable[[str], float], option: str) -> list[float]:
    try:
        found = [kind(part) for part in _listed(text)]
    except ValueError:
        raise UserError(f"'{text}' is no list of numbers", where=option, fix="as in 0.1,0.3,1") from None
    if not found:
        raise UserError("no value is named", where=option, fix="as in 0.1,0.3,1")
    return found


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _agreed() -> bool:
    """Whether the person at the terminal agrees; without a terminal nobody is asked."""
    if not sys.stdin.isatty():
        return True
    print("continue? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _warn(settings: SweepSettings, threads: int) -> None:
    cores = os.cpu_count() or 1
    if settings.runner != "dask" and settings.workers * threads > cores:
        busy = f"{settings.workers} workers of {threads} threads each"
        log.warning("warning: %s have %d cores to share: fewer workers are as fast", busy, cores)
