import io
from pathlib import Path

import pytest
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from tasks.fonts.font_file import open_font, sfnt_of
from tasks.fonts.merge_subsets import belongs, splice
from tests.toyfonts import COMMON, LETTERS, Pen, strokes_of, write_font

PACKAGES = Path("data/fonts/node_modules/@fontsource")


def subset_of(font: Path, text: str, out: Path) -> TTFont:
    part = TTFont(font)
    subsetter = Subsetter(Options(notdef_outline=True))
    subsetter.populate(text=text)
    subsetter.subset(part)
    part.save(out)
    return open_font(out)


def drawn(font: TTFont, text: str) -> list[tuple[object, int]]:
    """Outline, components drawn out, and advance width of each character."""
    glyphs, cmap = font.getGlyphSet(), font.getBestCmap()
    found = []
    for char in text:
        pen = DecomposingRecordingPen(glyphs)
        glyphs[cmap[ord(char)]].draw(pen)
        found.append((pen.value, glyphs[cmap[ord(char)]].width))
    return found


def saved(font: TTFont) -> TTFont:
    return TTFont(io.BytesIO(sfnt_of(font, Path("it opens"))))


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    chars = "".join(LETTERS["Latn"] + LETTERS["Cyrl"] + COMMON)
    strokes = {char: strokes_of(char, "Cyrl" if char in LETTERS["Cyrl"] else "Latn") for char in chars}
    return write_font(tmp_path / "whole.ttf", Pen("serif", 70, 0.1, 1.0), strokes)


def test_parts_draw_what_the_whole_font_draws(whole: Path, tmp_path: Path) -> None:
    text = "Üàéß"
    base = subset_of(whole, "abcABC", tmp_path / "a.ttf")
    splice(base, subset_of(whole, text + "bc", tmp_path / "b.ttf"), "Latn")
    assert drawn(saved(base), "abc" + text) == drawn(TTFont(whole), "abc" + text)


def test_signs_come_and_letters_of_other_scripts_do_not(whole: Path, tmp_path: Path) -> None:
    base = subset_of(whole, "абв", tmp_path / "a.ttf")
    splice(base, subset_of(whole, "abc123-'", tmp_path / "b.ttf"), "Cyrl")
    assert set(map(chr, base.getBestCmap())) == set("абв123-'")
    assert drawn(saved(base), "ав-12") == drawn(TTFont(whole), "ав-12")


def test_the_fonts_own_glyphs_stay_first(whole: Path, tmp_path: Path) -> None:
    base = subset_of(whole, "ab", tmp_path / "a.ttf")
    before = list(base.getGlyphOrder())
    splice(base, subset_of(whole, "12", tmp_path / "b.ttf"), "Latn")
    after = saved(base)
    assert after["maxp"].numGlyphs == len(before) + 2
    assert [after.getGlyphID(after.getBestCmap()[ord(char)]) for char in "ab12"] == [
        *(before.index(TTFont(tmp_path / "a.ttf").getBestCmap()[ord(char)]) for char in "ab"),
        len(before),
        len(before) + 1,
    ]


def test_fonts_on_another_grid_are_left_alone(whole: Path, tmp_path: Path) -> None:
    base, other = subset_of(whole, "ab", tmp_path / "a.ttf"), subset_of(whole, "12", tmp_path / "b.ttf")
    other["head"].unitsPerEm = 2048
    splice(base, other, "Latn")
    assert set(map(chr, base.getBestCmap())) == set("ab")


def test_what_texts_of_a_script_may_hold() -> None:
    assert all(belongs(char, "Cyrl") for char in "яґ1,€ «")
    assert not any(belongs(char, "Cyrl") for char in "aβ中\u0301\n")
    assert belongs("か", "Jpan")
    assert belongs("日", "Jpan")


@pytest.mark.parametrize("family", ["noto-sans", "playfair-display", "rubik"])
def test_real_accents_look_as_in_their_own_file(family: str) -> None:
    files = [PACKAGES / family / "files" / f"{family}-{part}-400-normal.woff" for part in ("latin", "latin-ext")]
    if not all(path.is_file() for path in files):
        pytest.skip("the packages are not installed")
    base, other = map(open_font, files)
    splice(base, other, "Latn")
    spliced = saved(base)
    assert drawn(spliced, "čőłżğ") == drawn(TTFont(files[1]), "čőłżğ")
    assert drawn(spliced, "Haus") == drawn(TTFont(files[0]), "Haus")
