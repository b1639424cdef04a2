"""Reports of toy homes: a whole one for every test that only reads it, and the pages of metrics alone."""

from pathlib import Path

import pytest

from tasks.common.params import Params
from tasks.report.build import make_report
from tests.toyhome import toy_params
from tests.toyrounds import make_mined_home

REPORTED = toy_params(degrade=toy_params().degrade.model_dump() | {"blur": 0.0})  # so one degradation has no row
DATA = {"data/x/table": "abc.dir"}


def write_report(params: Params, home: Path) -> Path:
    """All pages, in the home's folder `report`."""
    make_report(params, home=home, fonts=home / "none", out=home / "report", data=DATA)
    return home / "report"


def write_results(params: Params, home: Path) -> Path:
    """The pages of metrics and of mining alone: those of the network take most of a report's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.report.build.write_network", lambda *_: None)
        return write_report(params, home)


def make_reported_project(folder: Path) -> Path:
    """The problem's folder, where `REPORTED` look for it from `folder`: the home after its rounds, with its report."""
    home = folder / REPORTED.home
    home.parent.mkdir(parents=True)
    make_mined_home(folder / "made", params=REPORTED).rename(home)
    write_report(REPORTED, home)
    return home
