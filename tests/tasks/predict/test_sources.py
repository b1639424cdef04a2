import os

import pytest

from tasks.predict.sources import Item, find_pictures
from unfont.errors import UserError

NAMES = ("b.png", "a.JPG", "deep/er/c.tiff", ".hidden.png", ".folder/d.png", "__MACOSX/b.png", "notes.txt")


@pytest.fixture
def scans(here):
    for name in NAMES:
        (here / "scans" / name).parent.mkdir(parents=True, exist_ok=True)
        (here / "scans" / name).touch()
    return here / "scans"


def paths_of(*sources, listed=b""):
    found = find_pictures(sources, listing=lambda: listed)
    assert found.total == len(found.paths)
    assert list(found.items()) == [Item(path, path) for path in found.paths]
    return found.paths


def test_a_folder_stands_for_its_pictures_at_any_depth_but_hidden_ones(scans):
    assert paths_of("scans") == ["scans/a.JPG", "scans/b.png", "scans/deep/er/c.tiff"]


def test_a_pattern_is_as_in_a_shell_and_reaches_any_depth(scans):
    assert paths_of("scans/*.png") == ["scans/b.png"]
    assert paths_of("scans/**/*.[pt]*") == ["scans/b.png", "scans/deep/er/c.tiff", "scans/notes.txt"]


def test_a_file_with_the_name_of_a_pattern_is_that_file(here):
    (here / "a[1].png").touch()
    assert paths_of("a[1].png") == ["a[1].png"]


def test_sources_come_in_the_order_given(scans):
    assert paths_of("scans/b.png", "scans/deep", "scans/a.JPG") == [
        "scans/b.png",
        "scans/deep/er/c.tiff",
        "scans/a.JPG",
    ]


@pytest.mark.parametrize("listed", [b"b\xff.png\nx y.png\n", b"b\xff.png\r\n\r\nx y.png", b"b\xff.png\0x y.png\0"])
def test_standard_input_lists_one_path_a_line_or_each_ended_by_nul(listed):
    assert paths_of("-", listed=listed) == [os.fsdecode(b"b\xff.png"), "x y.png"]


def test_a_line_break_may_be_in_a_path_that_nul_ends():
    assert paths_of("-", listed=b"a\nb.png\0") == ["a\nb.png"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("none.png", r"no such file \(none.png\)"),
        ("a\nb.png", r"no such file \(a\\nb.png\)"),
        ("", "no such file"),
        ("x" * 300, "no such file"),
        ("nul\0", "no such file"),
        ("none*.png", r"no file matches \(none\*.png\)"),
        ("empty", r"holds no pictures \(empty\)"),
        ("-", "lists no file"),
    ],
)
def test_a_source_without_pictures_is_told(here, source, said):
    (here / "empty").mkdir()
    with pytest.raises(UserError, match=said):
        paths_of(source, listed=b"\n \n")


def test_sixty_thousand_paths_of_a_list_are_not_opened():
    names = [f"{number}.png" for number in range(60_000)]
    assert paths_of("-", listed="\n".join(names).encode()) == names
