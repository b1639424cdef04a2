"""Old and pointed spellings, abbreviations and numerals."""

import unicodedata
from collections.abc import Iterable

import numpy as np
import pytest

from tasks.crop_table.text_side import fold
from tasks.words.in_script import in_script
from tasks.words.spellings import ABBREVIATIONS, NUMBERED, OLD, fixed_words, old_spelling, roman

VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def spelled(word: str, script: str) -> set[str]:
    random = np.random.default_rng(0)
    return {old_spelling(word, script, random) for _ in range(200)}


def test_long_s_stands_everywhere_but_at_the_end() -> None:
    assert spelled("sessions", "Latn") == {"ſeſſions"}
    assert spelled("haus", "Latn") == {"haus"}
    assert spelled("aeon", "Latn") == {"æon", "aeon"}
    assert spelled("brot", "Latn") == {"bꝛot", "brot"}


def test_old_cyrillic() -> None:
    assert spelled("дом", "Cyrl") == {"домъ"}
    assert spelled("россия", "Cyrl") == {"россія"}
    assert spelled("лес", "Cyrl") == {"лесъ", "лѣсъ"}


@pytest.mark.parametrize(("script", "word"), [("Hebr", "שלום"), ("Arab", "مدرسة"), ("Grek", "αθήνα")])
def test_points_and_accents_leave_the_word_on_its_side(script: str, word: str) -> None:
    found = spelled(word, script)
    assert len(found) > 10
    assert {fold(text.replace("ι", ""), script) for text in found if "ͅ" not in decomposed(text)} == {fold(word, script)}
    assert all(in_script(text, script) and text == unicodedata.normalize("NFC", text) for text in found)


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def test_pointed_letters_are_met_in_every_way() -> None:
    assert set("".join(spelled("מדרסה", "Hebr"))) >= set("\u05b0\u05b4\u05b7\u05b8\u05b9")
    assert set("".join(spelled("مدرسة", "Arab"))) >= set("\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652")
    assert spelled("haus", "Geor") == {"haus"} and "Geor" not in OLD


@pytest.mark.parametrize("script", sorted(ABBREVIATIONS))
def test_abbreviations_are_of_their_script(script: str) -> None:
    assert all(in_script(text, script) for text in fixed_words(script))


def value_of(numeral: str) -> int:
    """By the rule of subtraction: a smaller sign before a larger one counts against it."""
    values = [VALUES[char] for char in numeral]
    return sum(-one if one < other else one for one, other in zip(values, [*values[1:], 0], strict=True))


def test_roman_numerals_say_their_number() -> None:
    assert [value_of(roman(number)) for number in range(1, 4000)] == list(range(1, 4000))
    assert longest_run(map(roman, range(1, 4000))) == 3
    assert {roman(number) for number in NUMBERED} <= set(fixed_words("Latn"))
    assert roman(1994) == "MCMXCIV"


def longest_run(numerals: Iterable[str]) -> int:
    return max(length for numeral in numerals for char in VALUES for length in range(1, 9) if char * length in numeral)
