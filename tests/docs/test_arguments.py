"""Commands, options and modules that README and docs name are held against the programs that would run them."""

import importlib.util
import re
import shlex
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.docs.commands import CHECKED, commands, is_checked
from tests.docs.pages import pages


@pytest.mark.parametrize("line", [line for line in commands() if is_checked(line)])
def test_its_arguments_are_right(line: str) -> None:
    words = shlex.split(line)
    match words:
        case ["unfont", *rest]:
            parse_unfont(rest)
        case ["find", *rest] if "|" in rest:
            program, *rest = rest[rest.index("|") + 1 :]
            assert program == "unfont"
            parse_unfont(rest)
        case ["dvc", *rest]:
            from dvc.cli import parse_args

            parse_args(rest)
        case ["mlflow", "models", *rest]:
            from mlflow.models.cli import commands as group

            parse(group.commands[rest[0]], rest[1:])
        case ["prefect", *rest]:
            from prefect.cli._app import _app as prefect

            prefect.parse_args(rest, exit_on_error=False, print_error=False)
        case ["dask", ("scheduler" | "worker") as kind, *rest]:
            parse(importlib.import_module(f"distributed.cli.dask_{kind}").main, rest)
        case ["make", target]:
            subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True)
        case ["python", "-m", module, *rest]:
            check_module(module, rest)
        case ["npm", "install", *_, folder, _] if "--prefix" in words:
            assert (ROOT / folder / "package.json").is_file()
        case ["pip", "install", "-e", extra] if extra.startswith(".["):
            project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
            assert extra[2:-1] in project["optional-dependencies"]
        case ["pip", "install", folder] if folder.startswith("./"):
            assert (ROOT / folder / "pyproject.toml").is_file()
        case [".", ".venv/bin/activate"]:
            assert "VENV ?= .venv\n" in (ROOT / "Makefile").read_text(encoding="utf-8")
        case _:
            pytest.fail("nothing says how to check this command")


def parse_unfont(words: Sequence[str]) -> None:
    from typer.main import get_command

    from apps.cli import app

    group: Any = get_command(app)
    parse(group.commands[words[0]], words[1:])


def parse(command: Any, words: Sequence[str]) -> None:
    """As click does before it runs a command; raises its usage error."""
    command.make_context(command.name, list(words))


def check_module(module: str, words: Sequence[str]) -> None:
    """It is there, can be run, and its text names every option."""
    found = importlib.util.find_spec(module)
    if found is not None and found.submodule_search_locations:
        found = importlib.util.find_spec(f"{module}.__main__")
    assert found is not None and found.origin is not None, module
    text = Path(found.origin).read_text(encoding="utf-8")
    assert '__name__ == "__main__"' in text, module
    assert all(word.split("=")[0] in text for word in words if word.startswith("--")), words


def test_no_reason_is_left_over():
    assert [start for start in CHECKED if not any(line.startswith(start) for line in commands())] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_what_sentences_name_is_there(page):
    """Commands, their options, and modules; not what stands for any: `unfont COMMAND`, `python -m flows.<stage>`."""
    from typer.main import get_command

    from apps.cli import app

    group: Any = get_command(app)
    for span in page.mentions():
        program, *words = span.replace("python -m", "python").split()
        if not re.fullmatch(r"[a-z][a-z_.]*", words[0]):
            continue
        if program == "python":
            check_module(words[0], words[1:])
            continue
        assert words[0] in group.commands, span
        options = {option for each in group.commands[words[0]].params for option in each.opts}
        assert {word for word in words if word.startswith("--")} <= options, span


def test_the_reference_has_every_command_and_option():
    from typer.main import get_command

    from apps.cli import app

    text = (ROOT / "docs/reference/command-line.md").read_text(encoding="utf-8")
    rows = {found[1]: found[0] for found in re.finditer(r"^\| `([a-z]+)[` ].*$", text, re.MULTILINE)}
    group: Any = get_command(app)
    assert rows.keys() - {"make"} == group.commands.keys()
    for name, command in group.commands.items():
        options = [max(each.opts, key=len) for each in command.params if each.param_type_name == "option"]
        assert [option for option in options if option != "--help" and f"`{option}" not in rows[name]] == [], name
