import io
from collections.abc import Callable
from pathlib import Path

import pytest
from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._g_l_y_f import Glyph

from tasks.crops.shaping import Shaper, is_visible
from tests.toyfonts import Pen, strokes_of, write_font

PACKAGES = Path("data/fonts/node_modules/@fontsource")
LETTERS = "abcdefi\u0301\u05d0\u05d1"
NAMES = {char: f"uni{ord(char):04X}" for char in LETTERS}


@pytest.fixture
def toy(tmp_path: Path) -> Callable[..., Shaper]:
    """Make a shaper of a toy font; `blank` letters lose their outlines, `features` are substitutions."""

    def make(blank: str = "", features: str = "") -> Shaper:
        strokes = {char: strokes_of(char, "Latn") or strokes_of("a", "Latn") for char in LETTERS}
        font = TTFont(write_font(tmp_path / "toy.ttf", Pen("serif", 80, 0.0, 1.0), strokes))
        font["post"].formatType = 2.0
        font["post"].extraNames, font["post"].mapping = [], {}
        for char in blank:
            font["glyf"][font.getBestCmap()[ord(char)]] = Glyph()
        if features:
            addOpenTypeFeaturesFromString(font, features.format(**{f"u{n}": g for n, g in _glyphs(font).items()}))
        buffer = io.BytesIO()
        font.save(buffer)
        return Shaper(buffer.getvalue())

    return make


def _glyphs(font: TTFont) -> dict[str, str]:
    return {chr(point): name for point, name in font.getBestCmap().items() if chr(point).isascii()}


def test_letters_that_are_there_are_drawn(toy: Callable[..., Shaper]) -> None:
    shaper = toy()
    assert shaper.can_draw("abc")
    assert shaper.can_draw("abc", vertical=True)
    assert shaper.can_draw("\u05d0\u05d1")


def test_a_missing_glyph_is_seen_first_and_last(toy: Callable[..., Shaper]) -> None:
    shaper = toy()
    assert not shaper.can_draw("abz")
    assert not shaper.can_draw("zab")
    assert not shaper.can_draw("")


def test_a_blank_letter_is_no_letter(toy: Callable[..., Shaper]) -> None:
    shaper = toy(blank="b")
    assert shaper.can_draw("ac")
    assert not shaper.can_draw("abc")
    assert not shaper.can_draw("b", vertical=True)


def test_spaces_and_joiners_may_be_blank(toy: Callable[..., Shaper]) -> None:
    shaper = toy()
    assert shaper.can_draw("a b")
    assert shaper.can_draw("a\u200db")
    assert shaper.can_draw("a\u00adb")


def test_a_blank_accent_is_not_hidden_by_its_letter(toy: Callable[..., Shaper]) -> None:
    assert toy().can_draw("a\u0301")
    assert not toy(blank="\u0301").can_draw("a\u0301")


def test_a_ligature_needs_no_code_point(toy: Callable[..., Shaper]) -> None:
    # f and i become the glyph of e, which no character of the text stands for.
    shaper = toy(features="feature liga {{ sub {uf} {ui} by {ue}; }} liga;")
    assert shaper.can_draw("fi")
    assert not toy(blank="e", features="feature liga {{ sub {uf} {ui} by {ue}; }} liga;").can_draw("fi")


def test_a_substitution_to_notdef_is_seen(toy: Callable[..., Shaper]) -> None:
    shaper = toy(features="feature ccmp {{ sub {ub} by .notdef; }} ccmp;")
    assert shaper.can_draw("ac")
    assert not shaper.can_draw("abc")


def test_what_is_visible() -> None:
    assert all(map(is_visible, "aß中ก1,€+\u0301"))
    assert not any(map(is_visible, " \u00a0\u200d\u00ad\ufe0f\u3164\n"))


@pytest.mark.parametrize(
    ("file", "drawn", "not_drawn"),
    [
        ("hind/files/hind-devanagari-400-normal.woff", ["हिन्दी", "क्षत्रिय"], ["ि", "č"]),
        ("battambang/files/battambang-khmer-400-normal.woff", ["កក្កដា", "កាកូ"], ["្ក"]),
        ("amiri/files/amiri-arabic-400-normal.woff", ["العربية", "الله"], ["ꙮ"]),
        ("google-sans/files/google-sans-telugu-400-normal.woff", ["ఎమిరేట్స్"], ["ㄅ"]),
    ],
)
def test_real_fonts_draw_their_conjuncts(file: str, drawn: list[str], not_drawn: list[str]) -> None:
    if not (PACKAGES / file).is_file():
        pytest.skip("the packages are not installed")
    font = TTFont(PACKAGES / file)
    font.flavor = None
    buffer = io.BytesIO()
    font.save(buffer)
    shaper = Shaper(buffer.getvalue())
    assert [text for text in drawn if not shaper.can_draw(text)] == []
    assert [text for text in not_drawn if shaper.can_draw(text)] == []


def test_a_glyphs_ink_is_looked_at_once(toy: Callable[..., Shaper], monkeypatch: pytest.MonkeyPatch) -> None:
    shaper = toy()
    assert shaper.can_draw("abcde")
    monkeypatch.delattr(Shaper, "_look_at")
    assert shaper.can_draw("edcba")
