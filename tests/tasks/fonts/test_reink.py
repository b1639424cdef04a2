import io
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.areaPen import AreaPen
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.ttLib import TTFont, newTable
from PIL import ImageFont

from tasks.common.drawing_settings import FontsSettings, ReinkedSettings
from tasks.fonts.build import make_fonts
from tasks.fonts.pens import PENS
from tasks.fonts.reink import LoadedFont, name_of, plan_reinking, redraw, reink
from tasks.fonts.sources import FontSource
from tests.toyfonts import make_toy_fonts, pen_of, strokes_of, write_font

LETTERS = "abcxyzABC"


def source(family: str, script: str = "Latn", weight: int = 400) -> FontSource:
    facts = {"path": Path(f"{family}.ttf"), "font_style": "serif", "licence": "OFL-1.1"}
    return FontSource(family=family, script=script, weight=weight, **facts)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> LoadedFont:
    strokes = {char: strokes_of(char, "Latn") for char in LETTERS} | {"α": strokes_of("α", "Grek")}
    path = write_font(tmp_path_factory.mktemp("toy") / "toy.ttf", pen_of("sans-serif", 2, 0), strokes)
    return LoadedFont(source("toy"), [], path.read_bytes())


def drawn(font: TTFont, char: str) -> float:
    glyphs = font.getGlyphSet()
    pen = AreaPen(glyphs)
    glyphs[font.getBestCmap()[ord(char)]].draw(pen)
    return abs(pen.value)


def test_only_the_outlines_change(toy: LoadedFont) -> None:
    made = redraw((toy, ["round", "chisel"]))
    assert [(font.source.family, font.source.font_style) for font in made] == [
        ("toy (round)", "sans-serif"),
        ("toy (chisel)", "display"),
    ]
    before = TTFont(io.BytesIO(toy.data))
    for each in made:
        after = TTFont(io.BytesIO(each.data))
        assert set(map(chr, each.coverage)) == {*LETTERS, " ", "\xa0"}  # of Greek it keeps nothing
        for char in LETTERS:
            names = before.getBestCmap()[ord(char)], after.getBestCmap()[ord(char)]
            assert before["hmtx"][names[0]][0] == after["hmtx"][names[1]][0]
            assert 0.4 < drawn(after, char) / drawn(before, char) < 2
        assert after["name"].getBestFamilyName() == each.source.family
        assert ImageFont.truetype(io.BytesIO(each.data), 20).getbbox("a")[2] > 0


def test_the_same_source_is_the_same_bytes(toy: LoadedFont) -> None:
    one, other = (redraw((toy, list(PENS))) for _ in range(2))
    assert [font.data for font in one] == [font.data for font in other]
    assert len({font.data for font in one}) == len(PENS)


def test_postscript_outlines_become_truetype_ones() -> None:
    canvas = T2CharStringPen(500, None)
    for x in (100, 300):
        canvas.moveTo((x, 0))
        for point in ((x + 80, 0), (x + 80, 700), (x, 700)):
            canvas.lineTo(point)
        canvas.closePath()
    builder = FontBuilder(1000, isTTF=False)
    builder.setupGlyphOrder([".notdef", "a"])
    builder.setupCharacterMap({ord("a"): "a"})
    builder.setupCFF(
        "Toy", {}, {".notdef": T2CharStringPen(500, None).getCharString(), "a": canvas.getCharString()}, {}
    )
    builder.setupHorizontalMetrics({".notdef": (500, 0), "a": (500, 100)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Toy"})
    builder.setupOS2()
    builder.setupPost()
    buffer = io.BytesIO()
    builder.font.save(buffer)
    (made,) = redraw((LoadedFont(source("toy"), [], buffer.getvalue()), ["round"]))
    font = TTFont(io.BytesIO(made.data))
    assert made.data[:4] == b"\0\1\0\0"
    assert "CFF " not in font
    # Two bars of three quarters of the width, 60, with round ends, from end to end of the source's ink.
    assert drawn(font, "a") == pytest.approx(2 * (60 * 640 + np.pi * 30**2), rel=0.03)
    assert ImageFont.truetype(io.BytesIO(made.data), 20).getbbox("a")[2] > 0


def test_a_colour_font_is_left_out_and_named(toy: LoadedFont, caplog: pytest.LogCaptureFixture) -> None:
    font = TTFont(io.BytesIO(toy.data))
    font["COLR"] = newTable("COLR")
    font["COLR"].version, font["COLR"].ColorLayers = 0, {}
    buffer = io.BytesIO()
    font.save(buffer)
    painted = replace(toy, source=source("painted"), data=buffer.getvalue())
    with caplog.at_level(logging.WARNING, "unfont"):
        made = reink([(painted, ("round",)), (toy, ("round",)), (painted, ("brush",))], workers=1)
    assert [font.source.family for font in made] == ["toy (round)"]
    assert [record.getMessage().split(": ")[-1] for record in caplog.records if record.name == "unfont"] == ["painted"]


def test_scripts_of_few_training_designs_are_filled_up() -> None:
    found = [source(name, "Tibt") for name in ("one", "two", "held")]
    found += [source("one", "Tibt", weight=700), source("twin", "Tibt"), *(source(f"l{n}") for n in range(4))]
    design_of = {each.family: each.family for each in found} | {"twin": "one"}
    side_of = dict.fromkeys(design_of.values(), "train") | {"held": "test_unseen"}
    plan = plan_reinking(found, design_of, side_of, ReinkedSettings(designs=5, pens=2, workers=1))
    names = list(PENS)
    assert {(each.family, each.script, each.weight): pens for each, pens in plan.items()} == {
        ("one", "Tibt", 400): (names[0], names[1]),
        ("two", "Tibt", 400): (names[1],),
        ("l0", "Latn", 400): (names[0],),
    }
    few = plan_reinking(found, design_of, side_of, ReinkedSettings(designs=50, pens=1, workers=1))
    assert [len(pens) for pens in few.values()] == [1] * 6
    assert plan_reinking(found, design_of, side_of, ReinkedSettings(designs=0, pens=4, workers=1)) == {}


def test_the_table_has_them_as_training_designs_of_their_own(tmp_path: Path) -> None:
    folder = make_toy_fonts(tmp_path / "fonts", scripts=("Latn",), designs_per_style=1)
    settings = FontsSettings(
        source=str(folder),
        optional=False,
        weights=[400],
        widths=[100],
        italics=[],
        font_style=None,
        reinked=ReinkedSettings(designs=3, pens=4, workers=1),
    )
    counts = make_fonts(settings, scripts=["Latn"], out=tmp_path / "t", designs=tmp_path / "none.json")
    table = pd.read_parquet(tmp_path / "t")
    new = table[table["family"].str.contains(r"\(")]
    sources = set(table[table["side"] == "train"]["family"]) - set(new["family"])
    assert counts["reinked"] == len(new) == 3 - len(sources)
    assert set(new["family"]) <= {name_of(family, pen) for family in sources for pen in PENS}
    assert (new["design"] == new["family"]).all()
    assert set(new["side"]) == {"train"}
    assert list(table["family"]) == sorted(table["family"])
    assert counts["left_out"] == 0
