"""Faces as they are read, and the people that are held out."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.ablation.faces import POSES, read_faces, rotations_of
from tests.tasks.toycrops import toy_params
from tests.toyfaces import PEOPLE, make_toy_faces
from unfont.errors import UserError

PROBLEM = toy_params().problems["faces"]
SIZE = (24, 32)


def repacked(archive: Path, keep: Callable[[str], bool], *, cut: str | None = None, added: str | None = None) -> Path:
    """The archive with those of its files whose names are kept; one cut off, and one more."""
    out = archive.with_name("other.tar.gz")
    with tarfile.open(archive) as given, tarfile.open(out, "w:gz") as new:
        for entry in given.getmembers():
            if keep(entry.name):
                data = given.extractfile(entry).read()
                data = data[:60] if entry.name == cut else data
                entry.size = len(data)
                new.addfile(entry, io.BytesIO(data))
        if added:
            file = io.BytesIO()
            Image.new("L", (32, 24)).save(file, "PPM")
            entry = tarfile.TarInfo(added)
            entry.size = len(file.getvalue())
            new.addfile(entry, io.BytesIO(file.getvalue()))
    return out


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    make_toy_faces(tmp_path / "faces.tar.gz", damaged=2)
    return tmp_path / "faces.tar.gz"


def test_every_good_picture_is_read_with_pose_and_person(archive, caplog):
    faces = read_faces(archive, PROBLEM, size=SIZE)
    assert faces.images.shape == (256, *SIZE)
    for name, pose, person, pair in zip(faces.names, faces.poses, faces.people, faces.pairs, strict=True):
        assert Path(name).name == f"{person}_{POSES[pose]}_{pair}_2.pgm"
    assert [record.message for record in caplog.records] == [
        "left out: 2 files, each of which is no picture by its suffix (faces/ada/ada_left_0_open_2.pgm.bad, …)"
    ]


def test_pictures_of_another_size_are_scaled(archive):
    assert read_faces(archive, PROBLEM, size=(12, 16)).images.shape == (256, 12, 16)


def test_what_cannot_be_used_is_told_in_one_line_each(archive, caplog):
    cut = "faces/bob/bob_up_sad_open_2.pgm"
    only_one = "faces/cyd/cyd_up_sad_open_2.pgm"
    other = repacked(
        archive, lambda name: "cyd" not in name or name == only_one, cut=cut, added="faces/ada/ada_down_sad_open_2.pgm"
    )
    faces = read_faces(other, PROBLEM, size=SIZE)
    assert len(faces.names) == 256 - 32 - 1
    lines = [record.message for record in caplog.records]
    assert len(lines) == 4 and all(line.startswith("left out: ") for line in lines)
    assert any("cannot be read" in line and cut in line for line in lines)
    assert any(line.endswith(": cyd") and "people with one picture" in line for line in lines)
    assert any("shows none of the poses" in line for line in lines)


@pytest.mark.parametrize(
    ("kept", "line"),
    [
        (lambda name: "_up_" not in name, "no picture looks up"),
        (lambda name: name.endswith(".bad"), "no picture looks left"),
    ],
)
def test_a_pose_without_pictures_is_an_error(archive, kept, line):
    with pytest.raises(UserError, match=line):
        read_faces(repacked(archive, kept), PROBLEM, size=SIZE)


def test_a_missing_archive_is_an_error(tmp_path):
    with pytest.raises(UserError, match="there is no such folder or archive"):
        read_faces(tmp_path / "none.tar.gz", PROBLEM, size=SIZE)


def test_every_person_is_new_once_and_never_learned_from(archive):
    faces = read_faces(archive, PROBLEM, size=SIZE)
    new = []
    for split in rotations_of(faces, 4):
        people = {part: set(faces.people[rows].tolist()) for part, rows in split.items()}
        assert len(people["new"]) == 2 and len(people["validation"]) == 1
        assert people["train"] == people["test"] == set(PEOPLE) - people["new"] - people["validation"]
        assert sorted(np.concatenate(list(split.values()))) == list(range(256))
        assert 0.1 < len(split["test"]) / len(split["train"]) < 0.5
        new += sorted(people["new"])
    assert sorted(new) == sorted(PEOPLE)


def test_too_few_people_and_a_pose_of_one_person_alone_are_errors(archive):
    faces = read_faces(repacked(archive, lambda name: "ada" in name or "bob" in name), PROBLEM, size=SIZE)
    with pytest.raises(UserError, match="2 people are too few for 2 rotations"):
        rotations_of(faces, 2)
    alone = read_faces(repacked(archive, lambda name: "_up_" not in name or "ada" in name), PROBLEM, size=SIZE)
    with pytest.raises(UserError, match="no picture to learn from looks up"):
        rotations_of(alone, 4)
