from collections import Counter

import pytest

from tasks.images.file_kinds import (
    OTHER_FILE,
    SYSTEM_FILE,
    counted,
    is_system_file,
    left_out_notes,
    names_suffix,
    why_left_out,
)


@pytest.mark.parametrize(
    "name",
    ["__MACOSX/Latn/._a.png", "__MACOSX/x", "Latn/._a.png", ".DS_Store", "a/.DS_Store", "a/Thumbs.db", "Desktop.ini"],
)
def test_what_systems_leave_behind_is_known(name):
    assert is_system_file(name)
    assert why_left_out(name, matches=True, any_suffix=True) == SYSTEM_FILE


@pytest.mark.parametrize("name", ["Latn/a.png", "Latn/_a.png", "MACOSX/a.png", "Latn/.a.png", "Thumbs.db/a.png"])
def test_pictures_with_names_like_theirs_are_none(name):
    assert not is_system_file(name)


@pytest.mark.parametrize(
    ("name", "matches", "any_suffix", "reason"),
    [
        ("Latn/a.PNG", True, False, None),
        ("Latn/a.gif", True, False, None),  # told by name when it is read
        ("Latn/a.png", False, False, None),
        ("Latn/a.gt.txt", True, False, OTHER_FILE),
        ("Latn/a.crop", True, True, None),
        ("Latn/0001", True, False, None),
        ("Latn/.gitkeep", True, False, OTHER_FILE),
        ("README", False, True, OTHER_FILE),
        ("notes.txt", False, True, OTHER_FILE),
    ],
)
def test_pictures_are_known_by_suffix_or_by_a_pattern_that_says_it(name, matches, any_suffix, reason):
    assert why_left_out(name, matches=matches, any_suffix=any_suffix) == reason


def test_a_pattern_says_the_suffix_or_takes_any():
    assert names_suffix("{script}/*.png") and names_suffix("{script}_*.p?m")
    assert not any(map(names_suffix, ("{script}/*", "{script}.*", "v1.2/{script}", "{script}/*.{text}")))


def test_what_was_left_out_is_one_line_a_kind():
    assert left_out_notes(0, Counter(), "script") == []
    system, others = left_out_notes(121, Counter({".txt": 120, "": 1}), "script")
    assert "121 files of the operating system" in system
    assert "121 files without" in others and "--pattern '{script}/*.txt'" in others
    assert [counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
