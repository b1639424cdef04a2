"""The servers with pages for people: MLflow and Prefect, on loopback unless another host is given."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flows.stage import LOCAL_SERVER, watched
from tasks.common.dvc_stage import WORK
from tasks.common.mlflow_store import ARTIFACTS, STORE, make_store, store_uri
from tasks.common.params import read_params
from unfont.errors import UserError

PATIENCE_S = 120


def serve_ui(*, host: str, mlflow_port: int, prefect_port: int) -> None:
    """Start both servers, print their addresses once they answer, and wait for Ctrl-C."""
    problem = read_params().problem
    for port, option in ((mlflow_port, "--mlflow-port"), (prefect_port, "--prefect-port")):
        _check_free(host, port, option)
    make_store(problem)
    _end_on_sigterm()
    with (
        _running(_mlflow_command(host, mlflow_port)) as mlflow,
        _running(_prefect_command(host, prefect_port)) as prefect,
    ):
        _wait_until_open(host, mlflow_port, mlflow, "MLflow")
        print(f"MLflow   http://{host}:{mlflow_port}", flush=True)
        _wait_until_open(host, prefect_port, prefect, "Prefect")
        print(f"Prefect  http://{host}:{prefect_port}", flush=True)
        if f"http://{host}:{prefect_port}/api" != LOCAL_SERVER:
            print(f"         set PREFECT_API_URL=http://{host}:{prefect_port}/api where flows run", flush=True)
        print("Ctrl-C ends both", flush=True)
        with suppress(KeyboardInterrupt):
            _wait_for_any(mlflow, prefect)


def serve_deployments(cron: str) -> None:
    """Serve `flows/deployments.py` from this process; starts a Prefect server where none answers."""
    read_params()
    _check_cron(cron)
    _end_on_sigterm()
    if watched():
        _serve(cron)
        return
    with _running(_prefect_command("127.0.0.1", 4200)) as server:
        _wait_until_open("127.0.0.1", 4200, server, "Prefect")
        print("Prefect  http://127.0.0.1:4200", flush=True)
        os.environ["PREFECT_API_URL"] = LOCAL_SERVER
        _serve(cron)


def _serve(cron: str) -> None:
    from prefect import serve

    from flows.deployments import deployments

    serve(*deployments(cron), limit=1)


def _check_cron(cron: str) -> None:
    from prefect.schedules import Cron

    try:
        Cron(cron)
    except ValueError as error:
        fix = "give five fields: minute, hour, day, month and weekday"
        raise UserError(f"this is no cron schedule: {error}", where="--cron", fix=fix) from error


def _mlflow_command(host: str, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", store_uri(), "--artifacts-destination", str(STORE / ARTIFACTS)),
    ]


def _prefect_command(host: str, port: int) -> list[str]:
    return [sys.executable, "-m", "prefect", "server", "start", "--host", host, "--port", str(port)]


def _check_free(host: str, port: int, option: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UserError(
                f"cannot listen: {error.strerror}", where=f"{host}:{port}", fix=f"give another port by {option}"
            ) from error


def _end_on_sigterm() -> None:
    """A supervisor's SIGTERM ends the servers as Ctrl-C does, and leaves none behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A server in its own process group, so that its workers end with it."""
    log = log_of(command)
    log.parent.mkdir(parents=True, exist_ok=True)
    # MLflow's job queue serves features that nothing here uses, with seven processes.
    environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **os.environ}
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True, env=environment)
    try:
        yield process
    finally:
        _end(process)


def log_of(command: list[str]) -> Path:
    """The file that takes a server's output: a person needs its address alone."""
    return WORK / "servers" / f"{command[2]}.log"


def _end(process: subprocess.Popen[bytes]) -> None:
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, signal_number)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                continue


def _wait_until_open(host: str, port: int, process: subprocess.Popen[bytes], name: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the {name} server ended with status {process.returncode}: see {WORK / 'servers'}")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.2)
    raise RuntimeError(f"the {name} server did not open {host}:{port} within {PATIENCE_S} s")


def _wait_for_any(*processes: subprocess.Popen[bytes]) -> None:
    while all(process.poll() is None for process in processes):
        time.sleep(0.5)
    raise RuntimeError(f"a server ended by itself: see {WORK / 'servers'}")
