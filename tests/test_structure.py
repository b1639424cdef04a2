"""The structure: imports go one way, each flow is a stage, each stage declares the code that it runs."""

import ast
import importlib
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

LAYERS = ("apps", "flows", "tasks", "models", "unfont")
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
# What a stage may import without a rerun when it changes: reading params, writing files, recording runs.
PLUMBING = {
    "flows/stage.py",
    "models/settings.py",
    "tasks/__init__.py",
    "unfont/errors.py",
    "unfont/labels.py",
    *(
        f"tasks/common/{name}.py"
        for name in (
            "drawing_settings",
            "dvc_stage",
            "files",
            "front_address",
            "mlflow_figures",
            "mlflow_record",
            "mlflow_runs",
            "mlflow_store",
            "orphans",
            "params",
            "prefect_profile",
        )
    ),
}


def test_imports_go_one_way():
    done = subprocess.run(["lint-imports"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "imported"), [("models/wrong.py", "tasks"), ("tasks/common/wrong.py", "tasks.report")]
)
def test_the_contracts_can_fail(tmp_path, module, imported):
    rooms = [path.parent.relative_to(ROOT) for path in (ROOT / "tasks").glob("*/__init__.py")]
    for package in (*LAYERS, *rooms):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / module).write_text(f"import {imported}\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run(["lint-imports", "--no-cache"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert module.removesuffix(".py").replace("/", ".") in done.stdout


@pytest.mark.parametrize("name", STAGES)
def test_each_stage_is_one_flow_of_its_name(name):
    from flows.stage import Stage

    module = importlib.import_module(f"flows.{name}")
    stages = [value for value in vars(module).values() if isinstance(value, Stage) and value.name == name]
    assert len(stages) == 1
    assert stages[0].flow.name == name
    assert command_of(name).startswith(f"PATH=${{PWD%%/.dvc/tmp/exps/*}}/.venv/bin:$PATH python -m flows.{name}")


@pytest.mark.parametrize("copy", [".", ".dvc/tmp/exps/tmpabc", ".dvc/tmp/exps/standalone/tmpabc"])
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_stage_finds_the_project_s_python_where_nothing_is_activated(tmp_path, shell, copy):
    project = tmp_path / "a b"
    python = project / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    program = shutil.which(shell)
    assert program
    (project / copy).mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [program, "-c", command_of("words")],
        cwd=project / copy,
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "-m flows.words\n"


@pytest.mark.parametrize("name", STAGES)
def test_each_stage_depends_on_the_code_that_it_runs(name):
    """A folder stands for all of its code, so a stage may name one only where it runs the whole of it."""
    declared = [ROOT / dep for dep in entry_of(name)["deps"] if dep.split("/")[0] in LAYERS]
    files = [file for path in declared for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    assert len(set(files)) == len(files)
    code = {file.relative_to(ROOT).as_posix() for file in files if file.suffix == ".py" and _has_code(file)}
    assert code == code_of(f"flows/{name}.py") - PLUMBING


def entry_of(name: str) -> dict:
    return STAGES[name].get("do", STAGES[name])


def command_of(name: str) -> str:
    """What DVC hands to the shell: it reads `${` itself, unless there is a backslash before it."""
    return str(entry_of(name)["cmd"]).replace("\\${", "${")


def code_of(path: str) -> set[str]:
    """Every file of this project that `path` imports, near or far, found by reading the source."""
    found: set[str] = set()
    left = [path]
    while left:
        file = left.pop()
        if file in found:
            continue
        found.add(file)
        # Other flows are imported for the place of their output alone.
        if not file.startswith("flows/") or file == path:
            left += imported_by(ROOT / file)
    return {file for file in found if not file.startswith("flows/") or file == path}


def imported_by(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    paths = [name.replace(".", "/") for name in names if name.split(".")[0] in LAYERS]
    files = [file for path in paths for file in (f"{path}.py", f"{path}/__init__.py")]
    # A package's own file counts where it holds code.
    return [file for file in files if (ROOT / file).is_file() and _has_code(ROOT / file)]


def _has_code(path: Path) -> bool:
    return len(ast.parse(path.read_text(encoding="utf-8")).body) > 1
