import asyncio
import datetime

import pytest
import yaml
from prefect.exceptions import ParameterTypeError
from prefect.flows import load_flow_from_entrypoint
from prefect.server.schemas.schedules import CronSchedule
from prefect.utilities.callables import parameter_schema
from prefect.utilities.templating import apply_values

from apps.commands.watch import serve
from apps.deployments import deployments, sweep, tagging
from flows.deployments import mining_round
from tests.conftest import ROOT

MADE = {each.name: each for each in deployments(cron="30 4 * * 1", sweep_cron="0 8 * * 0", timezone="America/New_York")}


def test_five_deployments_two_of_them_by_a_schedule_in_a_time_zone():
    assert set(MADE) == {"pipeline", "sweep", "mining-round", "tagging", "report"}
    planned = {name: [each.schedule for each in made.schedules] for name, made in MADE.items() if made.schedules}
    assert {name: (each.cron, each.timezone) for name, (each,) in planned.items()} == {
        "pipeline": ("30 4 * * 1", "America/New_York"),
        "sweep": ("0 8 * * 0", "America/New_York"),
    }
    assert MADE["mining-round"].parameters == {"number": 1}


def test_a_work_pool_gets_the_deployments_that_are_served(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    monkeypatch.setenv("PWD", "/the/project")
    cron, sweep_cron, _ = serve.__defaults__
    served = deployments(cron=cron, sweep_cron=sweep_cron, timezone="Europe/Berlin")
    filled = apply_values(yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8")), {})
    assert [each["name"] for each in filled["deployments"]] == [each.name for each in served]
    for each, made in zip(filled["deployments"], served, strict=True):
        flow = load_flow_from_entrypoint(each["entrypoint"])
        assert flow.name == made.flow_name and parameter_schema(flow) == made._parameter_openapi_schema
        assert each.get("parameters", {}) == made.parameters
        schedules = [(one["cron"], one["timezone"]) for one in each.get("schedules", [])]
        assert schedules == [(one.schedule.cron, one.schedule.timezone) for one in made.schedules]
        assert each["work_pool"] == {"name": "unfont"}
    assert filled["pull"] == [{"prefect.deployments.steps.set_working_directory": {"directory": "/the/project"}}]


def test_the_pipeline_runs_by_the_clock_of_its_time_zone_in_summer_and_winter():
    (planned,) = MADE["pipeline"].schedules
    schedule = CronSchedule(cron=planned.schedule.cron, timezone=planned.schedule.timezone)
    for day, offset in ((datetime.datetime(2026, 1, 1), -5), (datetime.datetime(2026, 7, 1), -4)):
        (when,) = asyncio.run(schedule.get_dates(1, start=day.replace(tzinfo=datetime.UTC)))
        assert (when.hour, when.minute, when.utcoffset()) == (4, 30, datetime.timedelta(hours=offset))


def test_every_parameter_says_what_it_is():
    schemas = [made._parameter_openapi_schema for made in MADE.values()]
    described = [described for schema in schemas for described in schema.properties.values()]
    assert len(described) == 6
    assert all(each.get("description") for each in described)
    assert MADE["tagging"]._parameter_openapi_schema.required == ["folder"]


@pytest.mark.parametrize(
    ("flow", "wrong"),
    [
        (mining_round, {"number": 0}),
        (mining_round, {"number": "two"}),
        (tagging, {"folder": ""}),
        (sweep, {"seeds": 0}),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(flow, wrong):
    with pytest.raises(ParameterTypeError):
        flow.validate_parameters(wrong)
