"""`Dockerfile` and `compose.yaml` name what there is: no container engine is needed to know that they do."""

import re
import tomllib

import click
import pytest
import typer
import yaml

from tests.conftest import ROOT

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = dict(
    line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line
)


def words(service: dict) -> list[str]:
    command = service["command"]
    return command.split() if isinstance(command, str) else [str(word) for word in command]


def options_of(program: str) -> dict[str, click.Command]:
    """The commands of a program of ours, each with its options."""
    if program == "unfont":
        from apps.cli import app

        group = typer.main.get_command(app)
    elif program == "mlflow":
        from mlflow.cli import cli as group
    else:
        from distributed.cli import dask_scheduler, dask_worker

        return {"scheduler": dask_scheduler.main, "worker": dask_worker.main}
    return group.commands


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if service.get("build")])
def test_each_command_is_one_that_the_image_has_with_its_options(name):
    program, command, *arguments = words(SERVICES[name])
    known = {option for each in options_of(program)[command].params for option in (*each.opts, *each.secondary_opts)}
    given = {argument.split("=")[0] for argument in arguments if argument.startswith("--")}
    assert given <= known


def test_services_reach_each_other_where_they_listen():
    environment = SERVICES["pipeline"]["environment"]
    for name, variable in (("mlflow", "MLFLOW_TRACKING_URI"), ("prefect", "PREFECT_API_URL")):
        host, port = re.match(r"http://([\w-]+):(\d+)", environment[variable]).groups()
        assert host == name and re.search(rf"--port[= ]{port}\b", " ".join(words(SERVICES[name])))
    assert "tcp://dask:8786" in words(SERVICES["dask-worker"]) and "8786" in words(SERVICES["dask"])
    for text in (" ".join(words(SERVICES["mlflow"])), str(SERVICES["prefect"]["environment"])):
        host, base = re.search(r"@([\w-]+)/(\w+)", text).groups()
        assert SERVICES[host]["environment"]["POSTGRES_DB"] == base
    assert "mlflow:5000" in " ".join(words(SERVICES["mlflow"]))


def test_all_that_is_named_is_there_and_pages_are_on_loopback():
    for service in SERVICES.values():
        assert set(service.get("depends_on", [])) <= set(SERVICES)
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source == "." or source in COMPOSE["volumes"]
        assert service.get("build") or (not service["image"].endswith("latest") and ":" in service["image"])


def test_the_versions_are_those_of_the_project():
    python = re.search(r"^FROM python:(\d+)\.(\d+)-slim$", DOCKERFILE, re.MULTILINE)
    oldest = re.fullmatch(r">=(\d+)\.(\d+)", PROJECT["requires-python"])
    assert tuple(map(int, python.groups())) >= tuple(map(int, oldest.groups()))
    assert SERVICES["prefect"]["image"].split(":")[1].startswith(f"{CONSTRAINTS['prefect']}-")


def test_the_image_installs_extras_that_exist_and_does_not_run_as_root():
    extras = re.search(r"-e '\.\[(.+)\]'", DOCKERFILE)[1].split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"])
    assert "psycopg2-binary" in CONSTRAINTS
    lines = [line for line in DOCKERFILE.splitlines() if line and not line.startswith(("#", " "))]
    assert [line for line in lines if line.startswith("USER")] == ["USER unfont"]
    assert "--no-install-recommends" in DOCKERFILE and "rm -rf /var/lib/apt/lists" in DOCKERFILE


def test_the_image_leaves_out_what_is_made_and_keeps_what_is_committed():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".venv", ".dvc/cache", "mlflow", "data/*"} <= set(ignored)
    kept = [path[1:] for path in ignored if path.startswith("!")]
    assert all((ROOT / path).exists() for path in kept)
