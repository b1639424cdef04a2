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
from zoneinfo import ZoneInfo

import tzlocal

from apps.front import make_front, serving
from flows.stage import LOCAL_SERVER, watched
from tasks.common.dvc_stage import WORK
from tasks.common.front_address import keep_front_address
from tasks.common.mlflow_store import ARTIFACTS, STORE, experiment_of, make_store, store_uri
from tasks.common.params import read_params
from unfont.errors import UserError

PATIENCE_S = 120
LOOPBACK = ["localhost", "127.0.0.1", "::1"]


def serve_ui(*, host: str, port: int, mlflow_port: int, prefect_port: int, allowed_hosts: list[str]) -> None:
    """Start both servers and the page that links them, print their addresses once they answer, and wait for Ctrl-C.

    `allowed_hosts` are names, beside `host` and this machine's own, under which browsers reach the servers; links that
    are kept for later name the first of them.
    """
    params = read_params()
    ports = {"--port": port, "--mlflow-port": mlflow_port, "--prefect-port": prefect_port}
    for option, each in ports.items():
        _check_free(host, each, option)
        if list(ports.values()).count(each) > 1:
            raise UserError("two servers cannot share a port", where=f"{option} {each}", fix="give each another")
    make_store(params.problem)
    runs = f"#/experiments/{experiment_of(params.problem)}/runs"
    names = [host, socket.gethostname(), *allowed_hosts]
    app = make_front(params, names=[*LOOPBACK, *names], mlflow_port=mlflow_port, prefect_port=prefect_port)
    shown = allowed_hosts[0] if allowed_hosts and "*" not in allowed_hosts[0] else host
    _end_on_sigterm()
    with (
        _running(_mlflow_command(host, mlflow_port, names)) as mlflow,
        _running(_prefect_command(host, prefect_port)) as prefect,
        serving(app, host, port),
    ):
        _wait_until_open(host, mlflow_port, mlflow, "MLflow")
        _wait_until_open(host, prefect_port, prefect, "Prefect")
        keep_front_address(address_at(shown, port))
        print(f"open     {address_at(shown, port)}")
        print(f"MLflow   {address_at(shown, mlflow_port)}/{runs}")
        print(f"Prefect  {address_at(shown, prefect_port)}")
        api = f"{address_at(host, prefect_port)}/api"
        if api != LOCAL_SERVER:
            print(f"         set PREFECT_API_URL={api} where flows run")
        print("Ctrl-C ends all", flush=True)
        with suppress(KeyboardInterrupt):
            _wait_for_any(mlflow, prefect)


def address_at(host: str, port: int) -> str:
    """A server's address; an IPv6 one is written in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve_deployments(*, cron: str, sweep_cron: str, timezone: str | None) -> None:
    """Serve `apps/deployments.py` from this process; starts a Prefect server where none answers.

    `timezone` is an IANA name such as Europe/Berlin, in which both schedules count; None: this machine's own.

    Raises:
        UserError: a schedule or the time zone is none.
    """
    read_params()
    _check_cron(cron, "--cron")
    _check_cron(sweep_cron, "--sweep-cron")
    schedule = {"cron": cron, "sweep_cron": sweep_cron, "timezone": _zone(timezone)}
    print(f"schedule pipeline {cron}, sweep {sweep_cron}, time zone {schedule['timezone']}", flush=True)
    _end_on_sigterm()
    if watched():
        _serve(schedule)
        return
    with _running(_prefect_command("127.0.0.1", 4200)) as server:
        _wait_until_open("127.0.0.1", 4200, server, "Prefect")
        print("Prefect  http://127.0.0.1:4200", flush=True)
        os.environ["PREFECT_API_URL"] = LOCAL_SERVER
        _serve(schedule)


def _serve(schedule: dict[str, str]) -> None:
    from prefect import serve

    from apps.deployments import deployments

    serve(*deployments(**schedule), limit=1)


def _zone(timezone: str | None) -> str:
    name = timezone
    if name is None:
        with suppress(LookupError, ValueError, OSError):
            name = tzlocal.get_localzone_name()
    try:
        return ZoneInfo(name or "").key
    except (LookupError, ValueError, OSError):
        where = "--timezone" if timezone is not None else "this machine's own, TZ or /etc/localtime"
        raise UserError(
            f"there is no time zone '{name or ''}'", where=where, fix="give one by --timezone, as in Europe/Berlin"
        ) from None


def _check_cron(cron: str, option: str) -> None:
    from prefect.schedules import Cron

    try:
        Cron(cron)
    except ValueError as error:
        fix = "give five fields: minute, hour, day, month and weekday"
        raise UserError(f"this is no cron schedule: {error}", where=option, fix=fix) from error


def _mlflow_command(host: str, port: int, names: list[str]) -> list[str]:
    """MLflow's server; it refuses requests under other names than these and loopback's."""
    hosts = ["localhost", "127.0.0.1", "[[]::1]", *names]
    origins = [f"{scheme}://{name}{end}" for name in names for scheme in ("http", "https") for end in ("", ":*")]
    return [
        *(sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port), "--workers", "1"),
        *("--allowed-hosts", ",".join(f"{name}{end}" for name in hosts for end in ("", ":*"))),
        *("--cors-allowed-origins", ",".join(origins)),
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
    # Prefect's page asks the server that it came from, whatever its port and the name that it is reached by.
    environment = {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "PREFECT_SERVER_UI_API_URL": "/api",
        **os.environ,
    }
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
        with suppress(OSError), socket.create_connection((host, port), timeout=1):
            return
        time.sleep(0.2)
    raise RuntimeError(f"the {name} server did not open {host}:{port} within {PATIENCE_S} s")


def _wait_for_any(*processes: subprocess.Popen[bytes]) -> None:
    while all(process.poll() is None for process in processes):
        time.sleep(0.5)
    raise RuntimeError(f"a server ended by itself: see {WORK / 'servers'}")
