"""A project with a table, a last round and nothing else, and a small sweep of it."""

import shutil
from pathlib import Path

import yaml

from tasks.common.params import Params
from tasks.sweep.space import Space, space_of
from tasks.sweep.sweep import Sweep, make_sweep
from tests.conftest import ROOT
from tests.tasks.toycrops import make_round_0, make_toy_table, toy_params

HOME = Path("data/scripts")
PARAMS = toy_params(sweep={"seeds": 2, "strength": [0.1, 1.0]})
LAST = HOME / "rounds" / max(PARAMS.rounds)


def make_toy_project(folder: Path) -> Path:
    """What a sweep needs, in `folder`: params.yaml, dvc.yaml, the table, a model of the last round."""
    shutil.copy(ROOT / "dvc.yaml", folder)
    write_params(folder, PARAMS)
    table = make_toy_table(folder / HOME / "table")
    make_round_0(PARAMS, table, folder / LAST)
    return folder


def write_params(folder: Path, params: Params) -> None:
    (folder / "params.yaml").write_text(yaml.safe_dump(params.model_dump()), encoding="utf-8")


def toy_space(*modes: str, sampled: bool = False, seeds: int = 2, **values: list[float]) -> Space:
    return space_of(PARAMS.invariance, modes=modes, values=values, seeds=seeds, sampled=sampled)


def toy_sweep(space: Space, params: Params = PARAMS) -> Sweep:
    """A sweep of the project in the present folder."""
    return make_sweep(params, space, table=HOME / "table", last_round=LAST)
