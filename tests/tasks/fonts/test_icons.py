import unicodedata
from pathlib import Path

import pytest
from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.ttLib import TTFont

from tasks.fonts.font_file import open_font
from tasks.fonts.icons import background_icons, icons_of, is_icon
from tests.toyfonts import Pen, strokes_of, write_font

PACKAGES = Path("data/fonts/node_modules/@fontsource")


def test_pictures_are_icons_and_whatever_is_read_is_not() -> None:
    assert all(is_icon(ord(char)) for char in "☀☂✈♞🌍🐈\ue000")
    assert not any(is_icon(ord(char)) for char in "aЯ中1,①🄰🅐🔤🀇🂡🏧™␀⠿❓")


def test_icons_whose_name_spells_text_are_left_out(tmp_path: Path) -> None:
    strokes = {char: strokes_of(char, "Latn") for char in "abchdx"} | {
        char: strokes_of("a", "Latn") for char in "\ue000\ue001\ue002"
    }
    font = TTFont(write_font(tmp_path / "a.ttf", Pen("serif", 80, 0.0, 1.0), strokes))
    named = {chr(point): name for point, name in font.getBestCmap().items()}
    rules = [
        f"sub {' '.join(named[char] for char in word)} by {named[icon]};"
        for word, icon in (("cab", "\ue000"), ("hd", "\ue001"), ("abc", "\ue002"))
    ]
    addOpenTypeFeaturesFromString(font, f"feature liga {{ {' '.join(rules)} }} liga;")
    font.save(tmp_path / "b.ttf")
    assert icons_of(open_font(tmp_path / "b.ttf")) == [0xE000]


@pytest.mark.parametrize(
    ("file", "least"),
    [("material-icons-latin", 1500), ("noto-sans-symbols-2-symbols", 1500), ("noto-emoji-emoji", 1000)],
)
def test_the_pinned_symbol_fonts_have_many(file: str, least: int) -> None:
    path = PACKAGES / file.rpartition("-")[0] / "files" / f"{file}-400-normal.woff"
    if not path.is_file():
        pytest.skip("the packages are not installed")
    assert len(icons_of(open_font(path))) >= least


def test_icons_are_no_letters_digits_or_marks() -> None:
    icons = background_icons(range(0x20000))
    assert len(icons) > 1000
    assert {unicodedata.category(chr(point)) for point in icons} <= {"So", "Co", "Cn", "Sk"}
    names = [unicodedata.name(chr(point), "") for point in icons]
    assert not [name for name in names if "LATIN" in name or "DIGIT" in name or "KEYCAP" in name]


@pytest.mark.parametrize("point", [0xE052, 0xE3D0, 0x1F520, 0x1F3E7, 0x24B6, 0x2122, 0x1F004])
def test_pictures_of_letters_and_digits_are_left_out(point: int) -> None:
    assert background_icons([point]) == []
