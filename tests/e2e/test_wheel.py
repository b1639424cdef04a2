"""The pipeline's wheel beside the library's, in an environment of their own: each has its modules, and answers."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from tasks.crop_table.png import encode_png
from tests.conftest import ROOT
from tests.toyhome import LABELS, make_toy_home, picture, toy_params
from tests.unfont.drawing import word

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PACKAGES = ("apps", "flows", "tasks", "models")
PARAMS = toy_params()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By distribution; built from a copy: setuptools writes beside its sources, and takes what an earlier build left.

    The library's own folder is all that its wheel is built from.
    """
    folder = tmp_path_factory.mktemp("built")
    sources = folder / "sources"
    for name in (*PACKAGES, "unfont"):
        ignored = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
        shutil.copytree(ROOT / name, sources / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    pip("wheel", "--no-build-isolation", "--wheel-dir", folder, sources / "unfont")
    pip("wheel", "--no-build-isolation", "--wheel-dir", folder, sources)
    return {name: next(folder.glob(f"{name}-*.whl")) for name in ("unfont", "unfont_pipeline")}


@pytest.fixture(scope="module")
def environment(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an environment's programs: it has this one's dependencies, and the two wheels alone."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    programs = folder / "bin"
    pip("--python", programs / "python", "install", "--no-index", *wheels.values())
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    # A folder that a .pth file names is searched after the environment's own, and its .pth files are not read: an
    # editable unfont there stays out.
    shared = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site / "shared.pth").write_text("\n".join(shared), encoding="utf-8")
    return programs


def pip(*arguments: object) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments), "--no-deps"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def run(programs: Path, folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment in `folder`, with nothing of the checkout in reach."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MLFLOW"))}
    return subprocess.run([programs / program, *arguments], cwd=folder, env=variables, capture_output=True, text=True)


def packed(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def files_of(*packages: str) -> set[str]:
    found = (path for name in packages for path in (ROOT / name).rglob("*") if path.is_file())
    scratch = ("__pycache__", "build", "unfont.egg-info")
    return {path.relative_to(ROOT).as_posix() for path in found if not set(scratch) & set(path.parts)}


def test_the_pipelines_wheel_has_every_module_and_template(wheels):
    files = files_of(*PACKAGES)
    assert any(name.endswith(".html.jinja") for name in files)
    assert packed(wheels["unfont_pipeline"]) == files


def test_the_librarys_wheel_has_its_modules_and_no_others(wheels):
    own = {"unfont/pyproject.toml", "unfont/README.md", "unfont/LICENSE"}
    assert packed(wheels["unfont"]) == files_of("unfont") - own
    assert wheels["unfont"].stat().st_size <= 6 * 2**20


def test_what_runs_there_is_the_wheel(environment, tmp_path):
    code = "import apps.cli, flows.logs, tasks, unfont; print(apps.cli.__file__, flows.logs.__file__, unfont.__file__)"
    done = run(environment, tmp_path, "python", "-c", code)
    assert done.returncode == 0, done.stderr
    assert all(Path(file).is_relative_to(environment.parent) for file in done.stdout.split())


def test_help_comes_anywhere(environment, tmp_path):
    done = run(environment, tmp_path, "unfont", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: unfont" in done.stdout and "│ predict " in done.stdout


def test_in_an_empty_folder_it_says_where_to_stand_and_the_shipped_model_predicts(environment, tmp_path):
    done = run(environment, tmp_path, "unfont", "words")
    said = "unfont: there are no parameters (params.yaml): run unfont in the project's folder\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)
    (tmp_path / "picture.png").write_bytes(encode_png(word("handwriting")))
    done = run(environment, tmp_path, "unfont", "predict", "picture.png", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "unfont: model shipped with unfont\n")
    assert json.loads(done.stdout)[0]["script"] == "Latn"
    done = run(environment, tmp_path, "python", "-m", "unfont", "picture.png")
    assert done.returncode == 0 and done.stdout.startswith("Latn\t")


def test_in_a_project_it_predicts(environment, tmp_path):
    make_toy_home(tmp_path / "made", params=PARAMS)
    (tmp_path / PARAMS.home).parent.mkdir()
    (tmp_path / "made/home").rename(tmp_path / PARAMS.home)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMS.model_dump()), encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(encode_png(picture(np.random.default_rng(0), 0)))
    done = run(environment, tmp_path, "unfont", "predict", "picture.png", "--format", "json")
    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)
    assert answer["file"] == "picture.png" and answer["script"] in LABELS
