"""The scripts that are not learned, and which of them are held out."""

import pytest
from fontTools import unicodedata as scripts_of_unicode

from tasks.common.params import read_params
from tasks.crop_table.other_scripts import OTHER_SCRIPTS, chars_of_script, script_of_text
from tasks.crop_table.splits import DESIGN_SIDES

SYLLABARIES = {"Cans", "Cher", "Cprt", "Linb", "Vaii"}
ABUGIDAS = {
    "Bali",
    "Brah",
    "Bugi",
    "Cham",
    "Gran",
    "Hano",
    "Java",
    "Limb",
    "Mtei",
    "Rjng",
    "Sund",
    "Talu",
    "Tavt",
    "Tglg",
}
CURSIVE = {"Adlm", "Mong", "Rohg", "Syrc"}


def test_they_are_scripts_of_unicode_and_none_is_learned() -> None:
    assert all(scripts_of_unicode.script_name(code, "") for code in OTHER_SCRIPTS)
    assert not OTHER_SCRIPTS.keys() & set(read_params().words.scripts)
    assert len({other.subset for other in OTHER_SCRIPTS.values()}) == len(OTHER_SCRIPTS)


@pytest.mark.parametrize("side", DESIGN_SIDES)
def test_every_side_has_every_kind(side: str) -> None:
    here = {code for code, other in OTHER_SCRIPTS.items() if other.side == side}
    assert len(here) >= 9
    from_right = {code for code in here if scripts_of_unicode.script_horizontal_direction(code, "LTR") == "RTL"}
    for kind in (SYLLABARIES, ABUGIDAS, CURSIVE, from_right, here - SYLLABARIES - ABUGIDAS - CURSIVE - from_right):
        assert here & kind


def test_scripts_that_came_back_as_a_learned_one_are_held_out() -> None:
    assert {OTHER_SCRIPTS[code].side for code in ("Bopo", "Cher", "Goth")} == {"test_unseen"}


def test_letters_and_marks_are_told_by_unicode() -> None:
    assert "".join(chars_of_script("Goth", ("Lo",))).startswith("𐌰𐌱𐌲")
    assert set(chars_of_script("Limb", ("Mn",))) >= {"\u1920", "\u1921"} and chars_of_script("Klin", ("L",)) == ()
    for code in OTHER_SCRIPTS:
        letters = chars_of_script(code, ("Lo", "Ll", "Lu"))
        assert len(letters) >= 17 and {script_of_text(letter) for letter in letters} == {code}
