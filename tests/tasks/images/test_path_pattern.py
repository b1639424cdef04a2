import os

import pytest

from tasks.images.path_pattern import compile_pattern, find_files
from unfont.errors import UserError
from unfont.text import shown

COLUMNS = ["script", "font_style"]


def labels_of(pattern, path):
    match = compile_pattern(pattern, columns=COLUMNS, required="script").fullmatch(path)
    return match and match.groupdict()


def test_placeholders_are_labels():
    found = labels_of("{script}/{font_style}/*.png", "Latn/sans-serif/a b.png")
    assert found == {"script": "Latn", "font_style": "sans-serif"}
    assert labels_of("./{script}_*.p?m", "Cyrl_0.pgm") == {"script": "Cyrl"}
    assert labels_of("**/{script}/*.png", "a/b/Latn/1.png") == labels_of("**/{script}/*.png", "Latn/1.png")


@pytest.mark.parametrize("path", ["Latn/1.jpg", "Latn/deep/1.png", "1.png", "/1.png", "Latn/1xpng"])
def test_other_paths_do_not_match(path):
    assert labels_of("{script}/*.png", path) is None


@pytest.mark.parametrize(
    "pattern",
    ["*.png", "{font_style}/*.png", "{script}/{script}.png", "{script}/{x}.png", "{}/{script}.png", ""],
)
def test_wrong_patterns_say_what_is_wrong(pattern):
    with pytest.raises(UserError, match=r"\{script\}"):
        compile_pattern(pattern, columns=COLUMNS, required="script")


def test_every_file_is_found_or_left_out_with_a_reason(here):
    crops, secret = here / "crops", here / "secret.png"
    secret.touch()
    for name in ("Latn/2.png", "Latn/1.png", "Latn/notes.txt", "Cyrl/1.png"):
        (crops / name).parent.mkdir(parents=True, exist_ok=True)
        (crops / name).touch()
    (crops / "Latn/out.png").symlink_to(secret)
    (crops / "Latn/in.png").symlink_to(crops / "Latn/1.png")
    (crops / "Grek").symlink_to(here)
    expression = compile_pattern("{script}/*.png", columns=COLUMNS, required="script")
    found = {file.name: file.reason for file in find_files(crops, expression)}
    assert found == {
        "Grek": "leads out of the folder",
        "Cyrl/1.png": None,
        "Latn/1.png": None,
        "Latn/2.png": None,
        "Latn/in.png": None,
        "Latn/notes.txt": "is no picture by its suffix",
        "Latn/out.png": "leads out of the folder",
    }


def test_what_is_no_folder_is_the_users_mistake(here):
    expression = compile_pattern("{script}", columns=COLUMNS, required="script")
    with pytest.raises(UserError, match="no folder"):
        list(find_files(here / "none", expression))


def test_names_are_shown_in_one_harmless_line():
    assert shown("Ω.png") == "Ω.png"
    assert shown("a\nb\x1b[31m.png") == "a\\nb\\x1b[31m.png"
    assert shown(os.fsdecode(b"\xff.png")) == "\\xff.png"
