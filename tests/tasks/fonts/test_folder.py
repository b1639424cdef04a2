import shutil
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from tasks.fonts.folder import fonts_in
from tasks.fonts.sources import FontSource, Wanted
from tests.tasks.fonts.toypackages import make_collection, make_variable
from tests.toyfonts import make_toy_fonts
from unfont.errors import UserError


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_fonts(tmp_path_factory.mktemp("toys"), scripts=("Latn", "Grek"), designs_per_style=1)


def taken(folder: Path, *, italics: tuple[str, ...] = ()) -> list[FontSource]:
    return fonts_in(folder, Wanted(scripts=["Latn"], weights=[400, 700], widths=[75, 100], italics=italics))


def test_every_face_of_a_collection_is_a_font(toys: Path, tmp_path: Path) -> None:
    make_collection(sorted(toys.iterdir()), tmp_path / "all.ttc")
    found = taken(tmp_path)
    assert [(font.family, font.face) for font in found] == [
        ("toy-monospace-1", 0),
        ("toy-sans-serif-1", 1),
        ("toy-serif-1", 2),
    ]
    assert [font.font_style for font in found] == ["monospace", "sans-serif", "serif"]


@pytest.mark.parametrize("length", [0, 4, 11, 14, 2000])
def test_a_damaged_collection_is_named(toys: Path, tmp_path: Path, length: int) -> None:
    whole = make_collection(sorted(toys.iterdir()), tmp_path / "all.ttc").read_bytes()
    (tmp_path / "all.ttc").write_bytes(whole[:length])
    with pytest.raises(UserError, match=r"does not open.*all\.ttc.*remove"):
        taken(tmp_path)


def test_litter_beside_the_fonts_is_skipped(toys: Path, tmp_path: Path) -> None:
    shutil.copy(toys / "toy-serif-1.ttf", tmp_path / "a.ttf")
    (tmp_path / "._a.ttf").write_bytes(b"\0\5\x16\7Mac OS X")
    assert [font.path.name for font in taken(tmp_path)] == ["a.ttf"]


def test_a_variable_font_is_taken_at_each_weight_and_width(toys: Path, tmp_path: Path) -> None:
    make_variable(toys / "toy-serif-1.ttf", tmp_path / "v.ttf")
    found = [(font.weight, dict(font.location)["wdth"]) for font in taken(tmp_path)]
    assert found == [(400, 75), (400, 100), (700, 75), (700, 100)]


def test_a_variable_font_without_the_axes_is_taken_as_it_is(toys: Path, tmp_path: Path) -> None:
    make_variable(toys / "toy-serif-1.ttf", tmp_path / "v.ttf", axes=("wdth",))
    assert [(font.weight, font.location) for font in taken(tmp_path)] == [(400, (("wdth", w),)) for w in (75, 100)]
    font = TTFont(tmp_path / "v.ttf")
    font["fvar"].axes[0].axisTag = "opsz"
    font.save(tmp_path / "v.ttf")
    assert [font.location for font in taken(tmp_path)] == [(("opsz", 100),)]


def test_an_italic_is_taken_beside_its_upright_where_asked_for(toys: Path, tmp_path: Path) -> None:
    shutil.copy(toys / "toy-serif-1.ttf", tmp_path / "a.ttf")
    font = TTFont(toys / "toy-serif-1.ttf")
    font["OS/2"].fsSelection |= 1
    font.save(tmp_path / "b.ttf")
    assert [font.path.name for font in taken(tmp_path)] == ["a.ttf"]
    found = taken(tmp_path, italics=("Latn",))
    assert [(font.path.name, font.italic) for font in found] == [("a.ttf", False), ("b.ttf", True)]
    (tmp_path / "a.ttf").unlink()
    assert [font.italic for font in taken(tmp_path, italics=("Latn",))] == [False]


@pytest.mark.parametrize("table", ["name", "OS/2", "cmap", "head", "maxp", "fvar"])
def test_a_damaged_table_is_one_line(toys: Path, tmp_path: Path, table: str) -> None:
    path = make_variable(toys / "toy-serif-1.ttf", tmp_path / "v.ttf")
    entry = TTFont(path).reader.tables[table]
    data = bytearray(path.read_bytes())
    data[entry.offset : entry.offset + entry.length] = b"\xff" * entry.length
    path.write_bytes(data)
    try:
        taken(tmp_path)
    except UserError as error:
        assert "v.ttf" in str(error) and "\n" not in str(error)
