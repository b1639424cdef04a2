"""Every command of README and docs runs here, in the debug project, or is held against the program that would run it.

A line that is in no class fails: say below what is to become of it, and why.
"""

import importlib.util
import io
import re
import shlex
import shutil
import subprocess
import tarfile
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageOps

from tests.conftest import ROOT
from tests.docs.pages import pages
from tests.first_run import kept_first_run, shared_folder
from tests.project import dvc, unfont

# Commands of which only the arguments are checked, by how they begin, and why they are not run.
CHECKED = {
    "unfont ui": "serves for ever; tests/apps/test_servers.py starts it",
    "unfont serve": "serves for ever; tests/apps/test_servers.py starts it",
    "unfont join": "waits for trainings of another machine; tests/tasks/train/test_machines.py joins some",
    "unfont live": "serves for ever; tests/apps/live/test_server.py asks the server",
    "unfont tag --from data/scripts/live": "nothing was kept; tests/tasks/live/test_keep.py reads such a manifest",
    "unfont sweep": "dozens of trainings; tests/apps/test_sweep.py runs small ones",
    "unfont report": "the first run has just written it, and tests/e2e/test_chain.py once more",
    "unfont round": "tests/e2e/test_chain.py runs it",
    "unfont rollback": "there is one champion; tests/tasks/predict/test_register.py goes back to one",
    "unfont tag --from cmu-faces.tar.gz": "the archive is not ours; tests/e2e/test_own_crops.py brings in a small one",
    "unfont draw 1 0 1 --network edges:make": "tests/apps/test_draw.py runs this example, all of its page",
    "dvc repro --force": "tests/e2e/test_chain.py runs it",
    "dvc metrics diff": "compares commits, of which the debug project has none",
    "dvc plots diff": "compares commits, of which the debug project has none",
    "mlflow models serve": "serves for ever; tests/apps/test_served_model.py asks the model",
    "dask scheduler": "serves for ever",
    "dask worker": "serves for ever",
    "make run": "makes an environment and takes half an hour",
    "make test": "is what runs this",
    ". .venv/bin/activate": "of an environment that make made",
    "find scans": "tests/apps/test_predict.py lists paths on standard input",
    "npm install": "fetches",
    "pip install": "fetches",
    "python -m tasks.fonts.build": "fetches",
    "python -m unfont": "tests/unfont/test_api.py runs it",
}
# What stands for something of the user's, and what the debug project has in its place. An upper-case name is a key.
FILLED = {
    r"\bMODEL_FOLDER\b": "data/debug/rounds/1",
    r"\bFOLDER\b": "toyfonts",
    r"\bLatn,Cyrl\b": "Latn,Grek",
    r"=Cyrl\b": "=Grek",
    r"\bBangla=Beng,Arabic=Arab\b": "Latn=Latn,Grek=Grek",
    r"\bKnda\b": "Grek",
    r"\bcrops/(?= --pattern '\{script\}/\*)": "by_script/",
    r"\bcrops/\*": "by_script/Latn/*",
    r"\bscans/": "pictures/",
    r"~/Downloads/": "",
    r"\b3f9bb66d\b": "MINED_KEY",
    r"\b3fa9c2\b": "OWN_KEY",
    r"\bbackbone\.(?=\d)": "LAYER.",
    r"(?<=LAYER)\.\d": ".2",
}
# These change the crop table, so they come last; what they write into params.yaml stays for those behind them.
LATE = ("unfont tag", "unfont review")
# Only with this option `unfont tag` goes on to tag what it brought in: of all lines the tagging is the same.
TAGGED = "--beside-drawn"
NETWORK = """from collections import OrderedDict

from torch import nn


def make():
    features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3), nn.ReLU())
    return nn.Sequential(OrderedDict(features=features))
"""


def commands() -> list[str]:
    found = dict.fromkeys(line for page in pages() for line in page.commands())
    return sorted(found, key=lambda line: (line.startswith(LATE), line.startswith("unfont review")))


def is_checked(line: str) -> bool:
    return line.startswith(tuple(CHECKED))


RUN = [line for line in commands() if not is_checked(line)]


@pytest.fixture(scope="module")
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the debug project after its first run, with pictures to predict and to bring in."""
    shared = shared_folder(tmp_path_factory)
    folder = kept_first_run(shared)
    if folder is None:
        request.getfixturevalue("first_run")
        folder = kept_first_run(shared)
    assert folder is not None
    request.getfixturevalue("prefect_server")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        make_pictures(folder)
        yield folder


@pytest.fixture(scope="module")
def first_params(project: Path) -> str:
    return (project / "params.yaml").read_text(encoding="utf-8")


def make_pictures(folder: Path) -> None:
    """Crops of the table, with more room around them, as a user's files: by script and style, packed, and in lists."""
    rows = pq.read_table(folder / "data" / "debug" / "table").to_pandas()
    rows = rows[(rows["script"] != "Zxxx") & (rows["split"] == "train")]
    rows = rows.groupby(["script", "font_style"], observed=True).head(8).reset_index(drop=True)
    rows["image"] = [{"bytes": padded(image["bytes"]), "path": None} for image in rows["image"]]
    for number, row in rows.iterrows():
        for path in (f"by_script/{row['script']}", f"crops/{row['script']}/{row['font_style']}", "pictures"):
            (folder / path).mkdir(parents=True, exist_ok=True)
            (folder / path / f"{number}.png").write_bytes(row["image"]["bytes"])
    for name in ("word.png", "other.jpg"):
        shutil.copy(folder / "pictures" / "0.png", folder / name)
    labels = rows[["script", "font_style"]].astype(str)
    listed = labels.rename(columns={"script": "lang", "font_style": "style"})
    listed.assign(path=[f"{number}.png" for number in range(len(rows))]).to_csv(folder / "crops.csv", index=False)
    labels.assign(image=rows["image"]).to_parquet(folder / "train.parquet")
    with tarfile.open(folder / "crops.tar.gz", "w:gz") as archive:
        archive.add(folder / "by_script", ".")
    (folder / "mycode.py").write_text(NETWORK, encoding="utf-8")


def padded(png: bytes) -> bytes:
    """The picture on a larger ground: another one than the crop, for two of the same pixels are one crop."""
    with Image.open(io.BytesIO(png)) as crop:
        wider = ImageOps.expand(crop, border=2, fill=255)
    out = io.BytesIO()
    wider.save(out, format="PNG")
    return out.getvalue()


@pytest.mark.parametrize("line", RUN)
def test_it_runs(line: str, project: Path, first_params: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if line.startswith("unfont tag") and TAGGED not in line:
        monkeypatch.setattr("apps.bring.run_pipeline", lambda stage: None)
    if not line.startswith(LATE):
        (project / "params.yaml").write_text(first_params, encoding="utf-8")
    words = fill(project, line)
    if words[0] == "dvc":
        dvc(project, *words[1:])
        return
    assert words[0] == "unfont", "this command is in no class: see CHECKED"
    status, said = unfont(*words[1:])
    # Whether the machine is fit is not what is asked here.
    assert status == 0 or (words[1] == "doctor" and status == 1), said
    assert said.strip()


def fill(project: Path, line: str) -> list[str]:
    """The words of the command, with what the project has in place of what stands for the user's."""
    text = shlex.join(shlex.split(line))
    for pattern, value in FILLED.items():
        text = re.sub(pattern, value, text)
    if line.startswith("unfont review --"):
        text = text.replace("OWN_KEY", suspected_key(project))
    if "MINED_KEY" in text:
        text = text.replace("MINED_KEY", pq.read_table(project / "data/debug/rounds/1/mined.parquet")["key"][0].as_py())
    text = text.replace("LAYER", backbone_of(project))
    return [name for word in shlex.split(text) for name in expanded(project, word)]


def expanded(project: Path, word: str) -> list[str]:
    """As a shell expands it: files that match a word without quotes."""
    found = sorted(str(path.relative_to(project)) for path in project.glob(word)) if re.match(r"\w+/.*\*", word) else []
    return found[:2] or [word]


def suspected_key(project: Path) -> str:
    """A picture of the user's whose label is suspected, and a file of decisions on it."""
    from tasks.mine.label_errors import SUSPECT_SCHEMA

    rows = pq.read_table(project / "data/debug/table").to_pandas()
    key = rows[(rows["origin"] == "user") & rows["split"].isin(["train", "pool"])]["key"].iloc[0]
    row = {"key": key, "given": "Latn", "suggested": "Hebr", "p_given": 0.1, "p_suggested": 0.9}
    suspects = pa.Table.from_pylist([row], schema=SUSPECT_SCHEMA)
    pq.write_table(suspects, project / "data/debug/rounds/1/review.parquet")
    (project / "decisions.csv").write_text(f"key,label\n{key},Grek\n", encoding="utf-8")
    return str(key)[:8]


def backbone_of(project: Path) -> str:
    """What the layers of the champion's backbone are called before their number."""
    from safetensors import safe_open

    with safe_open(project / "data/debug/rounds/0/model.safetensors", framework="numpy") as weights:
        return next(name.split(".")[0] for name in weights.keys() if ".2." in name)  # noqa: SIM118


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
        case ["dask", ("scheduler" | "worker") as kind, *rest]:
            parse(importlib.import_module(f"distributed.cli.dask_{kind}").main, rest)
        case ["make", target]:
            subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True)
        case ["python", "-m", module, *rest]:
            check_module(module, rest)
        case ["npm", "install", *_, folder, _] if "--prefix" in words:
            assert (ROOT / folder / "package.json").is_file()
        case ["pip", "install", "-e", ".[dask]"]:
            project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
            assert "dask" in project["optional-dependencies"]
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
