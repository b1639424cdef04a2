"""Word lists as editors save them, and what is told of those that cannot be used."""

import codecs
import unicodedata
from pathlib import Path

import pytest

from tasks.common.drawing_settings import WordsSettings
from tasks.words.lists import read_lists
from unfont.errors import UserError


def read(folder: Path, name: str, content: bytes) -> list[str]:
    path = folder / name
    path.write_bytes(content)
    settings = WordsSettings(
        scripts=["Arab", "Cyrl", "Grek", "Latn"], lists=str(folder), length=20, drawn=0, common=0, others=0
    )
    return read_lists(settings)[path.stem]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Cyrl.txt", "п'ять\nоб’єкт\nпʼять\nкое-что\n"),
        ("Latn.txt", "it's\nl’eau\nco-op\n'tis\netc.\nver-\n"),
        ("Arab.txt", "می\u200cخواهم\nمَدرَسَة\n"),
    ],
)
def test_words_with_signs_in_them_are_words(name: str, text: str, tmp_path: Path) -> None:
    assert read(tmp_path, name, text.encode()) == text.split()


@pytest.mark.parametrize(
    "content",
    [
        "Αθήνα\r\n\r\n Πάτρα \r\n".encode(),
        "\ufeffΑθήνα\nΠάτρα".encode(),
        "Αθήνα\r\nΠάτρα".encode("utf-16"),
        codecs.BOM_UTF16_BE + "Αθήνα\nΠάτρα\n".encode("utf-16-be"),
        unicodedata.normalize("NFD", "Αθήνα\nΠάτρα").encode(),
    ],
    ids=["Windows lines", "byte-order mark", "UTF-16", "UTF-16, big-endian", "decomposed"],
)
def test_lists_as_editors_save_them(content: bytes, tmp_path: Path) -> None:
    assert read(tmp_path, "Grek.txt", content) == ["Αθήνα", "Πάτρα"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("Αθήνα\nHaus\n".encode(), "line 2"),
        ("Αθήνα Πάτρα\n".encode(), "line 1"),
        ("Αθήνα\n12\n".encode(), "line 2"),
        (("Α" * 21).encode(), "too long"),
        ("Αθήνα\nΚαφές".encode("iso-8859-7"), "not UTF-8"),
        ("Αθήνα".encode("utf-16-le"), "not UTF-8"),  # without a byte-order mark
        (codecs.BOM_UTF16_LE + b"\x00", "not UTF-8"),
    ],
)
def test_a_bad_list_is_told_in_one_line(content: bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=told) as caught:
        read(tmp_path, "Grek.txt", content)
    assert "Grek.txt" in str(caught.value) and "\n" not in str(caught.value)


def test_a_list_of_no_script_of_ours_is_told(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("no list", encoding="utf-8")
    with pytest.raises(UserError, match=r"latin\.txt.*words\.scripts"):
        read(tmp_path, "latin.txt", b"word")
    with pytest.raises(UserError, match="missing"):
        read_lists(WordsSettings(scripts=["Grek", "Latn"], lists="nowhere", length=20, drawn=0, common=0, others=0))
