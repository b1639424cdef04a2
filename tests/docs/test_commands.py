"""Every command of README and docs that can run here does, in the debug project (`tests.docs.commands`)."""

import io
import re
import shlex
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageOps

from tests.docs.commands import LATE, commands, is_checked
from tests.first_run import kept_first_run, shared_folder
from tests.project import dvc, unfont

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
# Only with this option `unfont tag` goes on to tag what it brought in: of all lines the tagging is the same.
TAGGED = "--beside-drawn"
NETWORK = """from collections import OrderedDict

from torch import nn


def make():
    features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3), nn.ReLU())
    return nn.Sequential(OrderedDict(features=features))
"""


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
