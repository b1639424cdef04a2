"""Whatever a package says of itself: its fonts are read, or one line tells what is wrong with it."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.fonts.metadata import read_package
from tasks.fonts.npm import install_packages
from tasks.fonts.sources import FontSource, Wanted, packaged_fonts
from tests.tasks.fonts.toypackages import make_package
from tests.toyfonts import make_toy_fonts
from unfont.errors import UserError

# What metadata.json says beside what the toys' says: none of it keeps the fonts from being read.
VALID: dict[str, dict[str, Any]] = {
    "weights as strings": {"weights": ["300", "700"]},
    "weights as a range": {"weights": "100..900"},
    "weights as names": {"weights": ["light", "bold"]},
    "weights as a mapping": {"weights": {"300": True}},
    "no weights": {"weights": []},
    "weights null": {"weights": None},
    "subsets as a string": {"subsets": "latin"},
    "subsets empty": {"subsets": []},
    "subsets null": {"subsets": None},
    "variable font's axes": {"variable": {"wght": {"default": "400", "min": "100", "max": "900", "step": "1"}}},
    "styles missing": {"styles": None},
    "unicode ranges": {"unicodeRange": {"latin": "U+0000-00FF"}},
    "type in capitals": {"type": "Google"},
    "a version that is a number": {"version": 21},
    "metadata's licence as a list": {"license": [{"type": "MIT"}, 3]},
}
# The licence in package.json, and what it comes to.
LICENCES = [
    ("OFL-1.1", "OFL-1.1"),
    ({"type": "MIT", "url": "https://example.org"}, "MIT"),
    ([{"type": "MIT"}, "Apache-2.0"], "MIT OR Apache-2.0"),
    (None, "CC0-1.0"),
    ({"type": None}, "CC0-1.0"),
    ("\ud800", "CC0-1.0"),
]
UNREADABLE = [
    b"",
    b"[]",
    b"3",
    b"null",
    b'"font"',
    b"{",
    b"\xff\xfe{\x00}\x00",
    b'{"category": "s\xe9rif"}',
    b"[" * 9999,
]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_fonts(tmp_path_factory.mktemp("toys"), designs_per_style=1) / "toy-serif-1.ttf"


@pytest.fixture
def package(toy: Path, tmp_path: Path) -> Path:
    return make_package(tmp_path, "@fontsource/toy", toy)


def say(package: Path, file: str = "metadata.json", **facts: Any) -> None:
    said = json.loads((package / file).read_text()) | facts
    (package / file).write_text(json.dumps(said))


def fonts_of(package: Path, **options: Any) -> list[FontSource]:
    return packaged_fonts(package.parents[2], Wanted(scripts=["Grek", "Latn"], weights=[400, 700], **options))


@pytest.mark.parametrize("facts", VALID.values(), ids=VALID.keys())
def test_what_metadata_says_otherwise_is_no_matter(package: Path, facts: dict[str, Any]) -> None:
    say(package, **facts)
    fonts = fonts_of(package)
    assert [(font.script, font.weight) for font in fonts] == [(s, w) for s in ("Grek", "Latn") for w in (300, 700)]
    assert {font.font_style for font in fonts} == {
        "sans-serif" if "category with" in str(facts) else fonts[0].font_style
    }


@pytest.mark.parametrize("category", [None, 3, "other", "", ["serif"]])
def test_without_a_category_the_fonts_tables_say_the_style(package: Path, category: Any) -> None:
    say(package, category=category)
    assert {font.font_style for font in fonts_of(package)} == {"serif"}


def test_a_byte_order_mark_is_skipped(package: Path) -> None:
    path = package / "metadata.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(fonts_of(package)) == 4


@pytest.mark.parametrize(("said", "licence"), LICENCES)
def test_a_licence_is_read_as_text_object_or_list(package: Path, said: Any, licence: str) -> None:
    say(package, license={"type": "CC0-1.0"})
    say(package, "package.json", license=said)
    assert read_package(package).licence == licence


def test_a_weight_that_some_subset_lacks_is_taken_where_it_is(package: Path) -> None:
    (package / "files" / "toy-greek-700-normal.woff").unlink()
    assert [(font.script, font.weight) for font in fonts_of(package)] == [("Grek", 300), ("Latn", 300), ("Latn", 700)]


@pytest.mark.parametrize("file", ["metadata.json", "package.json"])
@pytest.mark.parametrize("content", UNREADABLE)
def test_a_file_that_is_no_object_is_named(package: Path, file: str, content: bytes) -> None:
    (package / file).write_bytes(content)
    with pytest.raises(UserError, match=rf"(not JSON|no keys).*toy/{file}.*node_modules"):
        fonts_of(package)


@pytest.mark.parametrize("file", ["metadata.json", "package.json", "files"])
def test_what_is_missing_or_of_another_kind_is_named(package: Path, file: str) -> None:
    (package / file).rename(package / "away")
    for make in (lambda path: None, lambda path: path.symlink_to("gone"), lambda path: path.mkdir()):
        (package / file).unlink(missing_ok=True)
        make(package / file)
        with pytest.raises(UserError, match=rf"toy/{file}\): "):
            fonts_of(package)


def test_a_package_without_a_licence_is_named(package: Path) -> None:
    say(package, "package.json", license=[])
    with pytest.raises(UserError, match=r"no `license`.*toy/package\.json.*pin"):
        fonts_of(package)


@pytest.mark.parametrize(
    "name", ["toy-latin-400-italic.woff", "toy-latin-wght-normal.woff2", "toy-latin-bold-normal.woff", "other.woff"]
)
def test_a_package_without_an_upright_font_is_named(package: Path, name: str) -> None:
    kept, *others = (package / "files").iterdir()
    kept.rename(package / "files" / name)
    for path in others:
        path.unlink()
    with pytest.raises(UserError, match=r"no upright font.*-normal\.woff.*toy/files.*take it out"):
        fonts_of(package)


def test_a_folder_in_place_of_a_font_is_named(package: Path) -> None:
    say(package, type="other")
    path = package / "files" / "toy-latin-700-normal.woff"
    path.unlink()
    path.mkdir()
    with pytest.raises(UserError, match=r"does not open.*toy-latin-700"):
        fonts_of(package)


def test_a_package_that_draws_no_script_is_said(package: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "unfont"):
        assert packaged_fonts(package.parents[2], Wanted(scripts=["Thai"], weights=[400])) == []
    assert "left out: @fontsource/toy" in caplog.text


@pytest.mark.parametrize("listed", [["@fontsource/toy"], "toy", 3])
def test_a_list_of_packages_that_is_no_mapping_is_named(package: Path, listed: Any) -> None:
    (package.parents[2] / "package.json").write_text(json.dumps({"dependencies": listed}))
    with pytest.raises(UserError, match=r"`dependencies`.*package\.json"):
        fonts_of(package)


@pytest.mark.parametrize("lock", [{}, {"packages": []}, {"packages": {"node_modules/a": "1.0.0"}}])
def test_a_lock_of_another_format_is_named(package: Path, lock: Any) -> None:
    (package.parents[2] / "package-lock.json").write_text(json.dumps(lock))
    with pytest.raises(UserError, match=r"`packages`.*package-lock\.json.*lock again"):
        install_packages(package.parents[2])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("category", "weights", "subsets", "styles", "type", "license", "variable", "unicodeRange", "version")


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    metadata=JSON | st.dictionaries(st.sampled_from(FIELDS), JSON | st.sampled_from(["google", "icons", "serif"])),
    package_json=JSON | st.fixed_dictionaries({"license": JSON | st.just("MIT")}),
)
def test_any_json_gives_fonts_or_one_line(package: Path, metadata: Any, package_json: Any) -> None:
    (package / "metadata.json").write_text(json.dumps(metadata))
    (package / "package.json").write_text(json.dumps(package_json))
    try:
        fonts = fonts_of(package, font_style="display")
    except UserError as error:
        assert str(package) in str(error) and "\n" not in str(error)
    else:
        assert {font.family for font in fonts} == {"toy"}
        assert all(font.font_style and font.licence.isprintable() for font in fonts)
