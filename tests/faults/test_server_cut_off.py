"""An MLflow or a Prefect server that goes away in the middle of a stage."""

import os
import subprocess
import sys
import textwrap

import pytest

from apps.servers import _end, _mlflow_command, _prefect_command, _wait_until_open
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


# Two stages, in the first of which the server with that process id ends; nothing of them is recorded elsewhere.
TWO_STAGES = """
    import contextlib, os, sys, time, types
    import psutil
    from flows import stage as stages
    from flows.logs import quiet_logging
    from flows.stage import Stage, answers, main, step

    server = psutil.Process(int(sys.argv[1]))
    record = types.SimpleNamespace(metrics=lambda _: None, tag=lambda *_: None, measured=dict, link=str)
    stages.read_params = lambda: types.SimpleNamespace(problem="toy")
    stages.stage_facts = lambda address, params: None
    stages.recorded_stage = lambda facts, problem: contextlib.nullcontext(record)

    def first(params, facts, record):
        for process in [*server.children(recursive=True), server]:
            process.kill()
        while answers(os.environ["PREFECT_API_URL"]):
            time.sleep(0.1)
        print("worked", step(sum)([1, 2]), flush=True)

    quiet_logging()
    Stage(first, name="first")()
    print("went on", flush=True)
    main(Stage(first, name="second"), ["second"])
"""


def test_a_stage_ends_without_its_prefect_server_and_the_next_one_is_a_line(tmp_path):
    (port,) = free_ports(1)
    environment = {
        **os.environ,
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "PREFECT_CLIENT_MAX_RETRIES": "0",  # Prefect's own five take a minute
    }
    quiet = subprocess.DEVNULL
    command = _prefect_command("127.0.0.1", port)
    server = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True, env=environment)
    try:
        _wait_until_open("127.0.0.1", port, server, "Prefect")
        run = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(TWO_STAGES), str(server.pid)],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        _end(server)
    assert run.stdout.splitlines() == ["worked 3", "went on"]
    said = [line for line in run.stderr.splitlines() if "unfont" in line or "warning" in line]
    assert run.returncode == 2, run.stderr
    assert "first is finished all the same" in run.stderr
    assert said[-1].startswith("unfont: the Prefect server does not answer") and "Traceback" not in run.stderr
