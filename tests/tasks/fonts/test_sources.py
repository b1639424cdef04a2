from pathlib import Path

import pytest

from tasks.fonts.sources import nearest, packaged_fonts
from tests.tasks.fonts.toypackages import make_package
from tests.toyfonts import make_toy_fonts
from unfont.errors import UserError


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_fonts(tmp_path_factory.mktemp("toys"), designs_per_style=1)


def test_nearest_weights() -> None:
    assert nearest([400], [400, 700]) == [400]
    assert nearest([300, 500], [400]) == [300]
    assert nearest(range(100, 1000, 100), [400, 700]) == [400, 700]


def test_whole_fonts_in_one_file_serve_every_script_they_have(toys: Path, tmp_path: Path) -> None:
    make_package(tmp_path, "@fontsource/toy", toys / "toy-serif-1.ttf", type="other", subsets=["latin"], weights=[400])
    fonts = packaged_fonts(tmp_path, scripts=["Grek", "Hebr", "Latn", "Thai"], weights=[400])
    assert [font.script for font in fonts] == ["Grek", "Hebr", "Latn"]
    assert len({font.path for font in fonts}) == 1


def test_other_files_of_the_font_come_with_it(toys: Path, tmp_path: Path) -> None:
    toy = toys / "toy-serif-1.ttf"
    make_package(tmp_path, "@fontsource/toy", toy, subsets=["latin", "latin-ext", "greek"], weights=[400])
    grek, latn = packaged_fonts(tmp_path, scripts=["Grek", "Latn"], weights=[400])
    assert [part.name for part in grek.parts] == ["toy-latin-400-normal.woff"]
    assert [part.name for part in latn.parts] == ["toy-latin-ext-400-normal.woff"]


def test_icons_serve_no_script(toys: Path, tmp_path: Path) -> None:
    toy = toys / "toy-serif-1.ttf"
    make_package(tmp_path, "@fontsource/toy", toy, category="icons", subsets=["latin"], weights=[400])
    make_package(tmp_path, "@fontsource/noto-emoji", toy, subsets=["emoji", "latin"], weights=[400])
    fonts = packaged_fonts(tmp_path, scripts=["Latn"], weights=[400])
    assert [(font.family, font.script) for font in fonts] == [("noto-emoji", "Zsym"), ("toy", "Zsym")]
    assert fonts[0].path.name == "noto-emoji-emoji-400-normal.woff"


def test_a_broken_list_of_packages_is_named(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{")
    with pytest.raises(UserError, match=r"not JSON.*package\.json.*git"):
        packaged_fonts(tmp_path, scripts=["Latn"], weights=[400])
