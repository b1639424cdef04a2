from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from tasks.common.params import read_params
from tasks.fonts.font_file import draws, letters_of, open_font, style_of
from tasks.fonts.sources import SCRIPT_OF_SUBSET
from tests.toyfonts import STYLES, make_toy_fonts


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_fonts(tmp_path_factory.mktemp("toys"), designs_per_style=1)


@pytest.mark.parametrize("style", STYLES)
def test_style_is_read_from_the_tables(toys: Path, style: str) -> None:
    assert style_of(open_font(toys / f"toy-{style}-1.ttf")) == style


@pytest.mark.parametrize(
    ("fixed", "kind", "panose", "style"),
    [
        (1, 1 << 8, (2, 2, 3), "serif"),
        (1, 0, (2, 0, 3), "monospace"),
        (0, 0, (0, 0, 9), "monospace"),
        (0, 5 << 8, (2, 6, 9), "monospace"),
        (0, 0, (2, 11, 9), "monospace"),
        (0, 0, (3, 0, 0), "handwriting"),
        (0, 10 << 8, (0, 0, 0), "handwriting"),
        (0, 0, (4, 0, 0), "display"),
        (0, 9 << 8, (0, 0, 0), "display"),
        (0, 3 << 8, (0, 0, 0), "serif"),
        (0, 8 << 8, (2, 2, 3), "sans-serif"),
        (0, 0, (2, 5, 3), "serif"),
        (0, 0, (2, 12, 3), "sans-serif"),
        (0, 0, (2, 0, 0), None),
        (0, 12 << 8, (5, 0, 0), None),
    ],
)
def test_style_rule(toys: Path, fixed: int, kind: int, panose: tuple[int, int, int], style: str | None) -> None:
    font = TTFont(toys / "toy-serif-1.ttf")
    font["post"].isFixedPitch, font["OS/2"].sFamilyClass = fixed, kind
    names = ("bFamilyType", "bSerifStyle", "bProportion")
    for name, value in zip(names, panose, strict=True):
        setattr(font["OS/2"].panose, name, value)
    assert style_of(font) == style


def test_letters_of_all_default_scripts_are_known_and_apart() -> None:
    scripts = read_params().words.scripts
    assert set(SCRIPT_OF_SUBSET.values()) == set(scripts)
    for script in scripts:
        assert len(letters_of(script)) >= 20
        assert draws(set(letters_of(script)), script)
        assert [other for other in scripts if draws(set(letters_of(script)), other)] == [script]
    with pytest.raises(ValueError, match="Zxxx"):
        letters_of("Zxxx")
