import os
import pickle
import subprocess

import pytest

from tasks.common.files import read_json, sha256_of, write_json, written_whole
from unfont.errors import UserError


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "out.txt"
    with pytest.raises(RuntimeError), written_whole(path) as beside:
        beside.write_text("half")
        raise RuntimeError
    assert list(path.parent.iterdir()) == []
    with written_whole(path) as beside:
        beside.write_text("whole")
    assert path.read_text() == "whole"
    assert [file.name for file in path.parent.iterdir()] == ["out.txt"]


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "out"
    for name in ("first", "second"):
        with written_whole(path) as beside:
            beside.mkdir()
            (beside / name).touch()
    assert [file.name for file in path.iterdir()] == ["second"]
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"), written_whole(tmp_path / "file" / "out"):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_line(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot write"):
        write_json(tmp_path / "out.json", {})


def test_json_has_one_spelling(tmp_path):
    for name, value in (("a", {"b": 1, "a": "ю"}), ("b", {"a": "ю", "b": 1})):
        write_json(tmp_path / name, value)
    assert sha256_of(tmp_path / "a") == sha256_of(tmp_path / "b")
    assert read_json(tmp_path / "a") == {"a": "ю", "b": 1}


def test_a_user_error_is_one_line_and_survives_a_process_pool():
    error = UserError("it is\nbroken", where="x.ttf", fix="remove it")
    assert str(error) == "it is broken (x.ttf): remove it"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_what_a_killed_process_began_to_write_is_removed_and_a_living_one_s_is_not(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    abandoned = tmp_path / f".out.{gone.pid}-0123abcd.part"
    (abandoned / "shards").mkdir(parents=True)
    (tmp_path / f".out.{gone.pid}-0123abcd.old").touch()
    kept = [tmp_path / f".out.{os.getpid()}-0123abcd.part", tmp_path / f".other.{gone.pid}-0123abcd.part"]
    for file in kept:
        file.touch()
    write_json(tmp_path / "out", {})
    assert sorted(tmp_path.iterdir()) == sorted([*kept, tmp_path / "out"])
