import io
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from fontTools.ttLib import TTFont
from PIL import ImageFont

from tasks.common.drawing_settings import FontsSettings, ReinkedSettings
from tasks.fonts import build as module
from tasks.fonts.build import SCHEMA, make_fonts, write_no_fonts
from tasks.fonts.font_file import letters_of
from tests.tasks.fonts.toypackages import make_package
from tests.toyfonts import STYLES, Pen, make_toy_fonts, strokes_of, write_font
from unfont.errors import UserError

SCRIPTS = ["Grek", "Hebr", "Latn"]


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_fonts(tmp_path_factory.mktemp("toys"))


def build(folder: Path, out: Path, **changes: Any) -> pd.DataFrame:
    options = {"scripts": SCRIPTS, "designs": folder / "none.json"} | changes
    make_fonts(settings_of(folder), out=out, **options)
    return pd.read_parquet(out)


def settings_of(folder: Path, *, optional: bool = False, font_style: str | None = None) -> FontsSettings:
    weights, widths, italics = [400, 700], [75, 100], ["Grek", "Latn"]
    return FontsSettings(
        source=str(folder), optional=optional, weights=weights, widths=widths, italics=italics, font_style=font_style
    )


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


def test_processes_that_share_the_families_give_the_same_bytes(
    toys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(toys, tmp_path / "alone.parquet")
    monkeypatch.setattr(module, "MANY", 1)
    settings = settings_of(toys).model_copy(update={"reinked": ReinkedSettings(designs=0, pens=1, workers=2)})
    make_fonts(settings, scripts=SCRIPTS, out=tmp_path / "shared.parquet", designs=toys / "none.json")
    assert (tmp_path / "shared.parquet").read_bytes() == (tmp_path / "alone.parquet").read_bytes()


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


def test_packages_give_style_scripts_and_weights(toys: Path, tmp_path: Path) -> None:
    make_package(tmp_path, "@fontsource/toy", toys / "toy-serif-1.ttf")
    make_fonts(settings_of(tmp_path), scripts=["Grek", "Latn"], out=tmp_path / "t", designs=tmp_path / "d")
    table = pd.read_parquet(tmp_path / "t")
    assert table["script"].tolist() == ["Grek", "Grek", "Latn", "Latn"]
    assert table["weight"].tolist() == [300, 700, 300, 700]
    assert set(table["font_style"]) == {"handwriting"}
    assert set(table["design"]) == {"toy"}
    assert all(data[:4] == b"\0\1\0\0" for data in table["font"])


def test_optional_packages_are_read_when_asked_for(toys: Path, tmp_path: Path) -> None:
    make_package(tmp_path, "@fontsource/toy", toys / "toy-serif-1.ttf", subsets=["latin"])
    make_package(tmp_path, "@fontsource/more", toys / "toy-serif-2.ttf", subsets=["latin"], optional=True)
    for optional, families in ((False, {"toy"}), (True, {"toy", "more"})):
        options = {"scripts": ["Latn"], "out": tmp_path / "t", "designs": tmp_path / "d"}
        make_fonts(settings_of(tmp_path, optional=optional), **options)
        assert set(pd.read_parquet(tmp_path / "t")["family"]) == families


def test_icon_fonts_stand_apart(toys: Path, tmp_path: Path) -> None:
    make_package(tmp_path, "@fontsource/toy", toys / "toy-serif-1.ttf")
    strokes = {char: strokes_of("a", "Latn") for char in "abc☀☂\ue000①"}
    icons = write_font(tmp_path / "icons.ttf", Pen("serif", 80, 0.0, 1.0), strokes)
    for family in ("pictures", "signs"):
        make_package(tmp_path, f"@fontsource/{family}", icons, category="icons", subsets=["latin"], weights=[400])
    (tmp_path / "d").write_text('{"designs": {"signs": ["signs"]}, "sides": {"signs": "test_unseen"}}')
    options = {"scripts": ["Grek", "Latn"], "out": tmp_path / "t", "designs": tmp_path / "d"}
    counts = make_fonts(settings_of(tmp_path), **options)
    rows = pd.read_parquet(tmp_path / "t").query("script == 'Zsym'")
    assert dict(zip(rows["design"], rows["side"], strict=True)) == {"pictures": "train", "signs": "test_unseen"}
    assert [list(map(chr, coverage)) for coverage in rows["coverage"]] == [["☀", "☂", "\ue000"]] * 2
    assert (counts["scripts"], counts["families"], counts["symbol_fonts"]) == (2, 1, 2)


def test_an_italic_is_a_design_of_its_own_on_its_uprights_side(toys: Path, tmp_path: Path) -> None:
    make_package(tmp_path, "@fontsource/toy", toys / "toy-serif-1.ttf", styles=["normal", "italic"])
    (tmp_path / "d").write_text('{"designs": {"slab": ["toy"]}, "sides": {"slab": "test_unseen"}}')
    counts = make_fonts(settings_of(tmp_path), scripts=["Latn"], out=tmp_path / "t", designs=tmp_path / "d")
    table = pd.read_parquet(tmp_path / "t")
    assert table["design"].tolist() == ["slab italic", "slab", "slab"]
    assert set(table["side"]) == {"test_unseen"} and set(table["font_style"]) == {"handwriting"}
    assert (counts["families"], counts["designs_test_unseen"]) == (1, 2)


def test_a_script_with_one_design_is_said(toys: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_package(tmp_path, "@fontsource/toy", toys / "toy-serif-1.ttf")
    make_package(tmp_path, "@fontsource/other", toys / "toy-serif-2.ttf", subsets=["latin"])
    with caplog.at_level(logging.WARNING, "unfont"):
        make_fonts(settings_of(tmp_path), scripts=["Grek", "Latn"], out=tmp_path / "t", designs=tmp_path / "d")
    assert "none to hold out: Grek" in caplog.text


def test_a_font_without_a_style_asks_for_one(tmp_path: Path) -> None:
    folder = make_toy_fonts(tmp_path / "fonts", scripts=("Latn",), designs_per_style=1)
    font = TTFont(folder / "toy-serif-1.ttf")
    font["OS/2"].sFamilyClass, font["OS/2"].panose.bFamilyType, font["OS/2"].panose.bProportion = 0, 0, 0
    font.save(folder / "toy-serif-1.ttf")
    with pytest.raises(UserError, match=r"style.*toy-serif-1\.ttf.*--font-style"):
        build(folder, tmp_path / "t", scripts=["Latn"])
    options = {"scripts": ["Latn"], "out": tmp_path / "t", "designs": tmp_path / "d"}
    make_fonts(settings_of(folder, font_style="display"), **options)
    assert sorted(pd.read_parquet(tmp_path / "t")["font_style"]) == ["display", "monospace", "sans-serif"]


def test_a_problem_that_draws_nothing_has_no_fonts(tmp_path: Path) -> None:
    assert write_no_fonts(tmp_path / "fonts.parquet") == {"fonts": 0.0}
    assert pq.read_table(tmp_path / "fonts.parquet").schema.equals(SCHEMA)


def test_reading_fonts_does_not_load_torch() -> None:
    code = "import sys, tasks.fonts.build; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_font_of_a_script_that_is_not_learned_covers_that_alone(toys: Path, tmp_path: Path) -> None:
    strokes = {char: strokes_of(char, "Latn") for char in "ABC12" + "".join(map(chr, letters_of("Goth")))}
    font = write_font(tmp_path / "gothic.ttf", Pen("serif", 80, 0.0, 1.0), strokes)
    make_package(tmp_path, "@fontsource/noto-sans-gothic", font, subsets=["latin", "gothic"], weights=[400])
    make_package(tmp_path, "@fontsource/toy", toys / "toy-serif-1.ttf", weights=[400])
    make_package(tmp_path, "@fontsource/noto-sans-osage", font, subsets=["latin", "osage"], weights=[400])
    counts = make_fonts(settings_of(tmp_path), scripts=["Grek", "Latn"], out=tmp_path / "t", designs=tmp_path / "d")
    table = pd.read_parquet(tmp_path / "t")
    (row,) = table[table["script"] == "Zzzz"].to_dict("records")
    assert (row["family"], row["design"], row["side"]) == ("noto-sans-gothic", "Zzzz:Goth", "test_unseen")
    assert list(row["coverage"]) == [0x20, *letters_of("Goth")]
    assert (counts["other_scripts"], counts["families"], counts["designs"], counts["left_out"]) == (1, 1, 1, 1)
