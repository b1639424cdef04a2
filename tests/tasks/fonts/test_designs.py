import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.common.params import read_params
from tasks.crop_table.other_scripts import OTHER_SCRIPTS
from tasks.crop_table.splits import DESIGN_SIDES
from tasks.fonts.designs import DesignInfo, hold_out, join_designs, read_designs, write_designs
from tasks.fonts.font_file import letters_of, open_font
from tasks.fonts.npm import is_installed
from tasks.fonts.outlines import cluster, outlines_of
from tasks.fonts.sources import Wanted, packaged_fonts
from tests.toyfonts import Pen, make_toy_fonts, strokes_of, write_font
from unfont.errors import UserError

FONTS = Path("data/fonts")
STYLES = ("serif", "sans-serif", "display")
LATIN = {chr(point): strokes_of(chr(point), "Latn") for point in letters_of("Latn")}
# Families for one script that is not learned: each script is a design, and its side is in `OTHER_SCRIPTS`.
OF_OTHERS = {f"noto-{style}-{other.subset}" for other in OTHER_SCRIPTS.values() for style in ("sans", "serif")}
THIN, BOLD = Pen("sans-serif", 60, 0.0, 1.0), Pen("serif", 110, 0.2, 0.8)


def drawn(folder: Path, name: str, *parts: tuple[Pen, str]) -> dict[str, np.ndarray]:
    """Measures of a font whose letters, some with one pen and some with another, are Latin."""
    rows = np.full((52, 5), np.nan)
    for number, (pen, letters) in enumerate(parts):
        path = write_font(folder / f"{name}-{number}.ttf", pen, {char: LATIN[char] for char in letters})
        part = outlines_of(open_font(path), "Latn")
        rows = np.where(np.isnan(part), rows, part)
    return {"Latn": rows}


ALL = "".join(LATIN)


def test_two_names_for_the_same_outlines_are_one_design(tmp_path: Path) -> None:
    families = {"zig": drawn(tmp_path, "zig", (THIN, ALL)), "arm": drawn(tmp_path, "arm", (THIN, ALL))}
    families["far"] = drawn(tmp_path, "far", (BOLD, ALL))
    assert cluster(families) == {"arm": "arm", "far": "far", "zig": "arm"}


def test_one_common_glyph_chains_nothing(tmp_path: Path) -> None:
    families = {
        "one": drawn(tmp_path, "one", (THIN, ALL)),
        "two": drawn(tmp_path, "two", (THIN, ALL[:1]), (BOLD, ALL[1:])),
    }
    assert len(set(cluster(families).values())) == 2


def test_a_copy_that_is_scaled_and_raised_is_the_same_design(tmp_path: Path) -> None:
    one = drawn(tmp_path, "one", (THIN, ALL))
    copy = {"Latn": 1.3 * one["Latn"] + [0, 0.05, 0, 0, 0]}
    assert set(cluster({"one": one, "two": copy}).values()) == {"one"}
    assert set(cluster({"one": copy, "two": drawn(tmp_path, "two", (BOLD, ALL))}).values()) == {"one", "two"}


def test_few_shared_letters_prove_nothing(tmp_path: Path) -> None:
    families = {"one": drawn(tmp_path, "one", (THIN, ALL)), "two": drawn(tmp_path, "two", (THIN, ALL[:5]))}
    assert len(set(cluster(families).values())) == 2


def test_most_letters_alike_is_one_design_and_one_script_is_enough(tmp_path: Path) -> None:
    one = drawn(tmp_path, "one", (THIN, ALL))
    two = drawn(tmp_path, "two", (THIN, ALL[:40]), (BOLD, ALL[40:]))
    assert set(cluster({"one": one, "two": two}).values()) == {"one"}
    greek = np.random.default_rng(0).uniform(0.1, 0.5, (2, 48, 5))
    other = {"Grek": greek[0], "Latn": two["Latn"]}
    assert set(cluster({"one": one | {"Grek": greek[1]}, "two": other}).values()) == {"one"}


def test_every_toy_font_is_a_design_of_its_own(tmp_path: Path) -> None:
    families = {
        path.stem: {"Latn": outlines_of(open_font(path), "Latn")}
        for path in make_toy_fonts(tmp_path, scripts=("Latn",), designs_per_style=5).iterdir()
    }
    assert len(set(cluster(families).values())) == 15


def test_measures_do_not_see_grid_direction_or_side_bearing(tmp_path: Path) -> None:
    path = write_font(tmp_path / "a.ttf", BOLD, LATIN)
    font = open_font(path)
    plain = outlines_of(font, "Latn")
    glyphs = font["glyf"]
    for name in glyphs.keys():  # noqa: SIM118 - the table is no mapping
        glyph = glyphs[name]
        if glyph.numberOfContours > 0:
            glyph.coordinates.translate((37, 0))
            glyph.coordinates.scale((2.048, 2.048))
            glyph.coordinates.toInt()
            glyph.recalcBounds(glyphs)
    font["head"].unitsPerEm = 2048
    for name, (width, _) in font["hmtx"].metrics.items():
        font["hmtx"].metrics[name] = (width, getattr(glyphs[name], "xMin", 0))
    assert abs(outlines_of(font, "Latn") - plain).max() < 0.002


def test_new_families_join_listed_designs(tmp_path: Path) -> None:
    families = {"b": drawn(tmp_path, "b", (THIN, ALL)), "a": drawn(tmp_path, "a", (THIN, ALL))}
    families["c"] = drawn(tmp_path, "c", (BOLD, ALL))
    assert join_designs(families, {"b": "old"}) == {"a": "old", "b": "old", "c": "c"}
    assert join_designs(families, {}) == {"a": "a", "b": "a", "c": "c"}


infos = st.lists(
    st.sets(st.tuples(st.sampled_from("ABCDE"), st.sampled_from(STYLES)), min_size=1, max_size=5), max_size=24
).map(lambda cells: [DesignInfo(f"d{number:02}", frozenset(each)) for number, each in enumerate(cells)])


@settings(max_examples=30)
@given(infos, st.integers(0, 5))
def test_hold_out_is_total_and_does_not_depend_on_order(designs: list[DesignInfo], seed: int) -> None:
    sides = hold_out(designs, seed)
    assert sides.keys() == {info.name for info in designs}
    assert set(sides.values()) <= set(DESIGN_SIDES)
    assert hold_out(designs[::-1], seed) == sides


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 14), st.lists(st.sampled_from(STYLES), min_size=14, max_size=14))))
def test_scripts_of_their_own_designs_get_what_they_want(counts: list[tuple[int, list[str]]]) -> None:
    designs = [
        DesignInfo(f"{script}-{number:02}", frozenset({(str(script), styles[number])}))
        for script, (count, styles) in enumerate(counts[:5])
        for number in range(count)
    ]
    sides = hold_out(designs, 0)
    for script, (count, _) in enumerate(counts[:5]):
        totals = Counter(side for name, side in sides.items() if name.startswith(f"{script}-"))
        if count == 1:
            assert totals == {"train": 1}
        elif count == 2:
            assert totals == {"train": 1, "test_unseen": 1}
        else:
            assert all(totals[side] >= 1 for side in DESIGN_SIDES)
            assert totals["train"] >= count / 2 or count == 3
            assert totals["validation"] <= max(1, round(0.15 * count)) + 1
            assert totals["test_unseen"] <= max(1, round(0.25 * count)) + 1


def test_scripts_that_share_designs_are_settled_together() -> None:
    """Three scripts of three designs that share two of them: only one way of sharing out serves all."""
    cells = {"a": "XY", "b": "XYZ", "c": "X", "d": "Y", "e": "Z", "f": "Z"}
    designs = [DesignInfo(name, frozenset((script, "serif") for script in where)) for name, where in cells.items()]
    for seed in range(8):
        sides = hold_out(designs, seed)
        assert sides["c"] == sides["d"]
        for script in "XYZ":
            assert {sides[name] for name, where in cells.items() if script in where} == set(DESIGN_SIDES)


def test_fixed_sides_stay() -> None:
    designs = [DesignInfo(name, frozenset({("Latn", "serif")})) for name in "abcdef"]
    sides = hold_out(designs, 0, fixed={"a": "test_unseen", "b": "test_unseen", "gone": "train"})
    assert sides["a"] == sides["b"] == "test_unseen"
    assert sides.keys() == set("abcdef")
    assert Counter(sides.values())["validation"] == 1


def test_the_list_is_read_as_it_was_written(tmp_path: Path) -> None:
    designs, sides = {"a": "a", "b": "a", "c": "c"}, {"a": "train", "c": "test_unseen"}
    write_designs(tmp_path / "designs.json", designs, sides)
    assert read_designs(tmp_path / "designs.json") == (designs, sides)
    assert read_designs(tmp_path / "none.json") == ({}, {})


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"designs": {"a": ["a"]}}',
        '{"designs": {"a": ["x"], "b": ["x"]}, "sides": {"a": "train", "b": "train"}}',
        '{"designs": {"a": ["a"]}, "sides": {"a": "test"}}',
        '{"designs": {"a": ["a"]}, "sides": {}}',
    ],
)
def test_a_damaged_list_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "designs.json").write_text(text)
    with pytest.raises(UserError, match=r"damaged.*designs\.json.*git"):
        read_designs(tmp_path / "designs.json")


def test_the_committed_list_names_every_package_once() -> None:
    packages = json.loads((FONTS / "package.json").read_text())
    locked = json.loads((FONTS / "package-lock.json").read_text())["packages"]
    designs, sides = read_designs(FONTS / "designs.json")
    everything = packages["dependencies"] | packages["optionalDependencies"]
    assert packages["private"] is True
    others = {name for name in everything if name.removeprefix("@fontsource/") in OF_OTHERS}
    assert designs.keys() == {name.rpartition("/")[2] for name in everything.keys() - others}
    assert len(packages["dependencies"].keys() - others) <= 175
    assert not packages["dependencies"].keys() & packages["optionalDependencies"].keys()
    assert "@fontsource/caveat" in packages["dependencies"]
    assert all(designs[design] == design for design in sides)
    assert "http" not in (FONTS / "package-lock.json").read_text()
    for name, version in everything.items():
        assert locked[f"node_modules/{name}"]["version"] == version
        assert locked[f"node_modules/{name}"]["integrity"].startswith("sha512-")
        assert "resolved" not in locked[f"node_modules/{name}"]


@pytest.mark.parametrize("optional", [False, True])
def test_the_committed_sides_serve_every_script(optional: bool) -> None:
    if not is_installed(FONTS, optional=optional):
        pytest.skip("the packages are not installed")
    designs, sides = read_designs(FONTS / "designs.json")
    scripts = read_params().words.scripts
    found: dict[str, set[str]] = {script: set() for script in [*scripts, "Zsym"]}
    fonts = packaged_fonts(FONTS, Wanted(scripts=scripts, weights=[400]), optional=optional)
    others = {font.other for font in fonts if font.script == "Zzzz"}
    assert others == OTHER_SCRIPTS.keys()
    fonts = [font for font in fonts if not font.other]
    for font in fonts:
        found[font.script].add(designs[font.family])
    for script, names in found.items():
        assert {sides[name] for name in names} == set(DESIGN_SIDES), script
    assert len({font.family for font in fonts if font.script != "Zsym"}) >= (220 if optional else 165)
