"""An MLflow server that goes away in the middle of a stage."""

import os
import subprocess

import pytest

from apps.servers import _end, _mlflow_command, _wait_until_open
from flows.deployments import PASSING
from tasks.common.mlflow_runs import recorded_pipeline, recorded_stage
from tasks.common.mlflow_store import StoreGoneError, client, use_store
from tests.ports import free_ports
from tests.tasks.common.test_mlflow_runs import FACTS


@pytest.fixture
def server(store, monkeypatch):
    """MLflow's own server over an empty store, which is the one that runs are recorded at."""
    (port,) = free_ports(1)
    command = _mlflow_command("127.0.0.1", port, [])
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True, env=environment)
    try:
        _wait_until_open("127.0.0.1", port, process, "MLflow")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # MLflow's own seven take minutes
        yield process
    finally:
        _end(process)


def test_it_is_one_line_a_later_try_may_pass_and_what_was_measured_is_kept(server, monkeypatch):
    ids = []
    with (
        pytest.raises(StoreGoneError, match=r"does not answer.*in the middle of a run.*start it") as gone,
        recorded_pipeline("pipeline", {}, "debug") as whole,
        recorded_stage(FACTS, "debug") as record,
    ):
        ids = [whole.run_id, record.run_id]
        record.metrics({"before": 1})
        _end(server)
        record.metrics({"after": 2})
    assert isinstance(gone.value, PASSING) and str(gone.value).count("\n") == 0
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    use_store()
    # Of a process that lives nobody says that it was killed: its own next run does, once it is gone.
    assert [client().get_run(each).info.status for each in ids] == ["RUNNING", "RUNNING"]
    assert client().get_run(ids[1]).data.metrics == {"before": 1}


def test_another_error_of_mlflow_s_is_none_of_the_server_s(store):
    from mlflow import MlflowException

    with pytest.raises(MlflowException, match=r"(?i)exceed|too long|length"), recorded_stage(FACTS, "debug") as record:
        record.tag("k" * 1000, "")
    assert client().get_run(record.run_id).info.status == "FAILED"
