import io
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from tasks.fonts.font_file import open_font, sfnt_of
from tasks.fonts.variable import instance_of, locations_of
from tests.tasks.fonts.toypackages import make_variable
from tests.toyfonts import make_toy_fonts


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_fonts(tmp_path_factory.mktemp("toys"), scripts=("Latn",), designs_per_style=1) / "toy-serif-1.ttf"


def test_asked_places_are_taken_as_far_as_the_axes_go(toy: Path, tmp_path: Path) -> None:
    font = open_font(make_variable(toy, tmp_path / "v.ttf"))
    places = [(("wght", 400.0), ("wdth", 75.0)), (("wght", 400.0), ("wdth", 100.0))]
    places += [(("wght", 900.0), ("wdth", 75.0)), (("wght", 900.0), ("wdth", 100.0))]
    assert locations_of(font, [400, 900, 1000], [50, 75, 100, 150]) == places
    assert locations_of(open_font(toy), [400, 700], [75, 100]) == [()]


def test_an_axis_that_is_not_asked_for_stays_at_its_default(toy: Path, tmp_path: Path) -> None:
    font = TTFont(make_variable(toy, tmp_path / "v.ttf", axes=("wdth",)))
    font["fvar"].axes[0].axisTag = "opsz"
    assert locations_of(font, [400, 700], [75]) == [(("opsz", 100.0),)]


@pytest.mark.parametrize(("width", "ratio"), [(75.0, 0.75), (100.0, 1.0)])
def test_an_instance_is_a_plain_font_of_that_width(toy: Path, tmp_path: Path, width: float, ratio: float) -> None:
    path = make_variable(toy, tmp_path / "v.ttf")
    cut = instance_of(open_font(path), (("wght", 700.0), ("wdth", width)))
    plain = TTFont(io.BytesIO(sfnt_of(cut, path)))
    assert "fvar" not in plain and "gvar" not in plain
    name = plain.getBestCmap()[ord("H")]
    assert plain["hmtx"][name][0] == pytest.approx(ratio * TTFont(toy)["hmtx"][name][0], abs=1)
