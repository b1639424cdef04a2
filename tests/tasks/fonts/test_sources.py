import shutil
from pathlib import Path

import pytest

from tasks.fonts.sources import Wanted, nearest, packaged_fonts
from tests.tasks.fonts.toypackages import make_package, make_variable
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
    fonts = packaged_fonts(tmp_path, Wanted(scripts=["Grek", "Hebr", "Latn", "Thai"], weights=[400]))
    assert [font.script for font in fonts] == ["Grek", "Hebr", "Latn"]
    assert len({font.path for font in fonts}) == 1


def test_other_files_of_the_font_come_with_it(toys: Path, tmp_path: Path) -> None:
    toy = toys / "toy-serif-1.ttf"
    make_package(tmp_path, "@fontsource/toy", toy, subsets=["latin", "latin-ext", "greek"], weights=[400])
    grek, latn = packaged_fonts(tmp_path, Wanted(scripts=["Grek", "Latn"], weights=[400]))
    assert [part.name for part in grek.parts] == ["toy-latin-400-normal.woff"]
    assert [part.name for part in latn.parts] == ["toy-latin-ext-400-normal.woff"]


def test_icons_serve_no_script(toys: Path, tmp_path: Path) -> None:
    toy = toys / "toy-serif-1.ttf"
    make_package(tmp_path, "@fontsource/toy", toy, category="icons", subsets=["latin"], weights=[400])
    make_package(tmp_path, "@fontsource/noto-emoji", toy, subsets=["emoji", "latin"], weights=[400])
    fonts = packaged_fonts(tmp_path, Wanted(scripts=["Latn"], weights=[400]))
    assert [(font.family, font.script) for font in fonts] == [("noto-emoji", "Zsym"), ("toy", "Zsym")]
    assert fonts[0].path.name == "noto-emoji-emoji-400-normal.woff"


def test_a_broken_list_of_packages_is_named(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{")
    with pytest.raises(UserError, match=r"not JSON.*package\.json.*git"):
        packaged_fonts(tmp_path, Wanted(scripts=["Latn"], weights=[400]))


def test_italics_are_taken_in_one_weight_for_the_scripts_asked_for(toys: Path, tmp_path: Path) -> None:
    make_package(tmp_path, "@fontsource/toy", toys / "toy-serif-1.ttf", styles=["normal", "italic"])
    wanted = Wanted(scripts=["Grek", "Latn"], weights=[400, 700], italics=["Grek", "Thai"])
    found = [(font.script, font.weight, font.italic) for font in packaged_fonts(tmp_path, wanted)]
    grek = [("Grek", 300, True), ("Grek", 300, False), ("Grek", 700, False)]
    assert found == [*grek, ("Latn", 300, False), ("Latn", 700, False)]


def test_a_variable_package_is_cut_and_leaves_latin_to_others(toys: Path, tmp_path: Path) -> None:
    variable = make_variable(toys / "toy-serif-1.ttf", tmp_path / "v.ttf")
    make_package(tmp_path, "@fontsource-variable/toy", variable, weights=["standard", "wght"], category="serif")
    wanted = Wanted(scripts=["Grek", "Latn"], weights=[400, 700], widths=[75, 100])
    found = packaged_fonts(tmp_path, wanted)
    assert [(font.family, font.script, font.weight) for font in found] == [
        ("toy", "Grek", w) for w in (400, 400, 700, 700)
    ]
    assert {font.path.name for font in found} == {"toy-greek-standard-normal.woff2"}
    assert {part.name for font in found for part in font.parts} == {"toy-latin-standard-normal.woff2"}


def test_a_package_of_another_publisher_is_searched_for_fonts(toys: Path, tmp_path: Path) -> None:
    folder = make_package(tmp_path, "@other/toy", toys / "toy-serif-1.ttf")
    (folder / "metadata.json").unlink()
    for path in (folder / "files").iterdir():
        path.unlink()
    (folder / "400Regular").mkdir()
    shutil.copy(toys / "toy-serif-1.ttf", folder / "400Regular" / "Toy_Regular.ttf")
    found = packaged_fonts(tmp_path, Wanted(scripts=["Grek", "Latn"], weights=[400, 700]))
    assert [(font.script, font.weight, font.font_style) for font in found] == [
        ("Grek", 400, "serif"),
        ("Latn", 400, "serif"),
    ]
    (folder / "400Regular" / "Toy_Regular.ttf").unlink()
    with pytest.raises(UserError, match="no upright font"):
        packaged_fonts(tmp_path, Wanted(scripts=["Latn"], weights=[400]))


def test_a_listed_style_comes_before_the_category(toys: Path, tmp_path: Path) -> None:
    make_package(tmp_path, "@fontsource/toy", toys / "toy-serif-1.ttf", category="display")
    (tmp_path / "styles.json").write_text('{"blackletter": ["toy"]}')
    found = packaged_fonts(tmp_path, Wanted(scripts=["Latn"], weights=[400]))
    assert {font.font_style for font in found} == {"blackletter"}


def test_a_noto_font_of_a_script_that_is_not_learned_serves_that_alone(toys: Path, tmp_path: Path) -> None:
    toy = toys / "toy-serif-1.ttf"
    names = ("noto-sans-gothic", "cardo")  # Cardo is a Latin font that has Gothic letters too
    for name in names:
        make_package(tmp_path, f"@fontsource/{name}", toy, subsets=["latin", "gothic"], weights=[400])
    make_package(tmp_path, "@fontsource/kai", toy, subsets=["latin", "chinese-traditional"], weights=[400])
    fonts = packaged_fonts(tmp_path, Wanted(scripts=["Hani", "Latn"], weights=[400]))
    found = [(font.family, font.script, font.other) for font in fonts]
    assert found == [
        ("cardo", "Latn", ""),
        ("kai", "Hani", ""),
        ("kai", "Latn", ""),
        ("kai", "Zzzz", "Bopo"),
        ("noto-sans-gothic", "Zzzz", "Goth"),
    ]
    assert [font.path.name for font in fonts][-1] == "noto-sans-gothic-gothic-400-normal.woff"


def test_once_the_script_is_learned_its_noto_font_serves_as_any_other(toys: Path, tmp_path: Path) -> None:
    toy = toys / "toy-serif-1.ttf"
    make_package(tmp_path, "@fontsource/noto-sans-gothic", toy, subsets=["latin", "gothic"], weights=[400])
    goth, latn = packaged_fonts(tmp_path, Wanted(scripts=["Goth", "Latn"], weights=[400]))
    assert (goth.script, goth.other, latn.script) == ("Goth", "", "Latn")
    assert [part.name for part in goth.parts] == ["noto-sans-gothic-latin-400-normal.woff"]
