"""The import as a command: what cannot be used is refused before anything is changed."""

import io
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.project import unfont

SCRIPTS = ("Latn", "Cyrl")


def png(seed: int) -> bytes:
    data = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (12, 30)).astype(np.uint8)).save(data, "PNG")
    return data.getvalue()


def make_folder(folder: Path, names: tuple[str, ...] = SCRIPTS, suffix: str = ".png", each: int = 10) -> Path:
    for place, name in enumerate(names, start=sum(1 for _ in folder.glob("*"))):
        (folder / name).mkdir(parents=True)
        for number in range(each):
            (folder / name / f"{number}{suffix}").write_bytes(png(100 * place + number))
    return folder


@pytest.fixture
def project(here, monkeypatch):
    """The project's params alone; the pipeline behind the import is left out."""
    shutil.copy(ROOT / "params.yaml", here / "params.yaml")
    monkeypatch.setattr("apps.bring.run_pipeline", lambda stage: None)
    monkeypatch.setattr("apps.bring.count_own", lambda table: (0, 0))  # there is no table
    return here


def refused(project: Path, *words: str) -> str:
    """What is said by a command that changes nothing."""
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file() and path.stat().st_nlink == 1}
    status, said = unfont(*words)
    assert status == 2, said
    after = {path: path.read_bytes() for path in project.rglob("*") if path.is_file() and path.stat().st_nlink == 1}
    assert after == before
    return said.strip().splitlines()[-1]


def brought(project: Path, *words: str) -> tuple[str, dict[str, str]]:
    """What is said, and the label of each picture."""
    status, said = unfont(*words)
    assert status == 0, said
    assert "source: own" in (project / "params.yaml").read_text().split("faces:")[0]
    rows = pq.read_table(project / "data/pictures/scripts").to_pylist()
    return said, {row["name"]: row["script"] for row in rows if row["reason"] is None}


def test_a_zip_made_on_macos_comes_in(project):
    make_folder(project / "mine")
    with zipfile.ZipFile(project / "mine.zip", "w") as archive:
        for path in sorted((project / "mine").rglob("*.png")):
            name = path.relative_to(project / "mine").as_posix()
            archive.write(path, name)
            archive.writestr(f"__MACOSX/{Path(name).parent}/._{path.name}", b"\0\5\x16\7")
        archive.writestr("Latn/.DS_Store", b"\0\0\0\1Bud1")
    said, labels = brought(project, "tag", "--from", "mine.zip")
    assert "20 of 20 pictures" in said and said.count("operating system") == 1 and "21 files" in said
    assert sorted(set(labels.values())) == ["Cyrl", "Latn"]


def test_names_are_mapped_to_labels_in_folders_and_lists(project):
    make_folder(project / "mine", ("Bangla", "Bengali", "Hindi"))
    mapping = "Bangla=Beng,Bengali=Beng,Hindi=Deva"
    labels = brought(project, "tag", "--from", "mine", "--labels", mapping)[1]
    assert (labels["Bangla/0.png"], labels["Bengali/0.png"], labels["Hindi/0.png"]) == ("Beng", "Beng", "Deva")
    rows = [f"{name}\\0.png;{name}" for name in ("Bangla", "Hindi")]
    (project / "list.csv").write_text("\r\n".join(["path;script", *rows]), encoding="utf-16")
    listed = brought(project, "tag", "--from", "mine", "--manifest", "list.csv", "--labels", mapping.replace(",", ", "))
    assert listed[1] == {"Bangla/0.png": "Beng", "Hindi/0.png": "Deva"}
    assert "no picture is labelled Bengali" in listed[0]


def test_names_of_scripts_are_told_with_their_codes(project):
    make_folder(project / "mine", ("Bangla", "Klingon"))
    said = refused(project, "tag", "--from", "mine", "--beside-drawn")
    assert "--labels Bangla=Beng,Klingon=CODE" in said
    said = brought(project, "tag", "--from", "mine")[0]  # labels may be anything
    assert "--labels Bangla=Beng,Klingon=CODE" in said


def test_mixed_suffixes_come_in_and_a_narrow_pattern_is_told(project):
    make_folder(project / "mine")
    make_folder(project / "mine", ("Grek",), ".PNG")
    make_folder(project / "mine", ("Hebr",), ".jpeg")
    said = refused(project, "tag", "--from", "mine", "--pattern", "{script}/*.png")
    assert "20 of 40 pictures" in said and "--pattern '{script}/*' would take them all" in said
    (project / "mine/Latn/0.gt.txt").write_text("text")
    said, labels = brought(project, "tag", "--from", "mine")
    assert len(labels) == 40 and "left out: 1 file" in said


def test_links_to_one_file_are_copies(project):
    make_folder(project / "mine")
    for number in range(20):
        os.link(project / "mine/Latn/1.png", project / f"mine/Latn/link{number}.png")
    assert "20 pictures are copies of one" in refused(project, "tag", "--from", "mine")


def test_two_copies_with_two_labels_are_both_refused(project):
    make_folder(project / "mine")
    for number in range(3):
        shutil.copy(project / f"mine/Latn/{number}.png", project / f"mine/Cyrl/copy{number}.png")
    assert "two values of script" in refused(project, "tag", "--from", "mine")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "mine/Latn"], "name the folder above"),
        (["--from", "."], "--pattern '**/{script}/*'"),
        (["--from", "mine/Latn/0.png"], "one picture"),
        (["--from", "mine", "--labels", "Latin=Latn"], "NAME=LABEL with names that occur: Cyrl, Latn"),
        (["--from", "mine", "--labels", "Latn"], "no pair"),
        (["--from", "mine", "--labels", "Latn=Cyrl"], "nothing to tell apart"),
        (["--labels", "Latn=Latn"], "give --from or --manifest"),
        (["--from", "mine", "--manifest", "list.csv"], "say --from ."),
        (["--from", "gifs"], "this is a GIF: save it as PNG"),
        (["--from", "crops"], "--pattern '{script}/*.crop'"),
    ],
)
def test_wrong_inputs_change_nothing(project, words, said):
    make_folder(project / "mine")
    make_folder(project / "crops", suffix=".crop")
    (project / "gifs/Latn").mkdir(parents=True)
    Image.new("L", (30, 12)).save(project / "gifs/Latn/a.gif")
    (project / "list.csv").write_text("path,script\nmine/Latn/0.png,Latn\n")
    assert said in refused(project, "tag", *words)
