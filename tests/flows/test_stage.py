"""A stage is a Prefect flow where one watches, and a plain function elsewhere."""

import subprocess
import sys

import pytest

from flows.stage import answers, in_flow, step, watched
from tests.conftest import ROOT
from unfont.errors import UserError


def double(number: int) -> int:
    return 2 * number


def test_outside_of_a_flow_a_step_is_its_function():
    assert not in_flow()
    assert step(double)(4) == 8


@pytest.mark.e2e
def test_inside_of_a_flow_a_step_is_a_task_of_its_name(prefect_server):
    from prefect import flow
    from prefect.client.orchestration import get_client
    from prefect.runtime import flow_run

    @flow
    def twice() -> tuple[int, str]:
        return step(double)(4), str(flow_run.id)

    result, run_id = twice()
    assert result == 8
    with get_client(sync_client=True) as client:
        names = [run.name for run in client.read_task_runs() if str(run.flow_run_id) == run_id]
    assert [name.split("-")[0] for name in names] == ["double"]


def test_a_wrong_input_inside_a_step_comes_through():
    def wrong() -> None:
        raise UserError("bad", where="x", fix="y")

    with pytest.raises(UserError):
        step(wrong)()


def test_a_server_that_the_user_named_and_that_is_gone_is_reported(monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with pytest.raises(UserError, match="unset PREFECT_API_URL"):
        watched()
    assert not answers("http://127.0.0.1:9/api")
    assert not answers("no address")


def test_a_profile_that_names_a_server_that_is_gone_is_reported(monkeypatch, tmp_path):
    (tmp_path / "profiles.toml").write_text('active = "a"\n[profiles.a]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n')
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_PROFILES_PATH", str(tmp_path / "profiles.toml"))
    with pytest.raises(UserError, match="choose another profile"):
        watched()


def test_a_stage_that_nobody_watches_never_imports_prefect():
    code = "import sys, flows.words; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
