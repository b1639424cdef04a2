"""Drawn words: in their script, new, and with every unit."""

import re
import unicodedata

import pytest

from tasks.words.alphabets import alphabets_of
from tasks.words.drawn import FINAL, drawn_words
from tasks.words.in_script import in_script

WORDS = {
    "Cyrl": ["Москва", "январь", "понедельник", "Африка", "остров", "п'ять"],
    "Deva": ["भारत", "हिन्दी", "सोमवार", "अफ्रीका", "संयुक्त"],
    "Grek": ["Αθήνα", "Ελλάδα", "Κύπρος", "Δευτέρα"],
    "Hebr": ["ירושלים", "ישראל", "אנגלית", "צרפת"],
    "Jpan": ["コーヒー", "アメリカ", "の"],
    "Latn": ["Deutschland", "France", "Österreich", "lundi", "Montag"],
    "Thai": ["ไทย", "อังกฤษ", "เกาหลี"],
}


def drawn(script: str, *, count: int = 2000, length: int = 20) -> list[str]:
    return drawn_words(script, WORDS[script], count=count, length=length)


@pytest.mark.parametrize("script", sorted(WORDS))
def test_every_unit_of_the_script_comes(script: str) -> None:
    found = drawn(script)
    assert found == sorted(set(found)) and len(found) == 2000 and not set(found) & set(WORDS[script])
    assert all(in_script(word, script) and 2 <= len(word) <= 20 for word in found)
    assert all(word == unicodedata.normalize("NFC", word) for word in found)
    together = "\n".join(found)
    assert not [unit for units in alphabets_of(script) for unit in units if unit not in together]


def test_the_same_words_give_the_same_words() -> None:
    again = drawn_words("Latn", reversed_words := WORDS["Latn"][::-1], count=100, length=20)
    assert again == drawn("Latn", count=100) and reversed_words != WORDS["Latn"]
    assert again != drawn_words("Latn", ["Roma", "Milano"], count=100, length=20)


def test_as_many_as_are_asked_for_and_none_too_long() -> None:
    assert drawn("Latn", count=0) == []
    assert len(drawn("Grek", count=37)) == 37
    assert max(map(len, drawn("Latn", count=300, length=6))) <= 6
    few = drawn_words("Cher", ["ᏣᎳᎩ"], count=500, length=3)  # a script not described, and three letters of it
    assert 0 < len(few) < 500 and set("".join(few)) == set("ᏣᎳᎩ".lower())


def test_words_come_in_the_forms_of_prints() -> None:
    found = drawn("Latn")
    forms = {
        "cut at a line's end": r"\w{2,}-",
        "joined by a hyphen": r"\w+-\w+",
        "cut short": r"\w+\.",
        "Roman numeral": r"[IVXLCDM]+",
        "with long s": r"\w*ſ\w+",
    }
    counts = {form: sum(bool(re.fullmatch(pattern, word)) for word in found) for form, pattern in forms.items()}
    assert all(count >= 20 for count in counts.values()), counts
    assert {"Dr.", "etc.", "e.g.", "XIV"} <= set(found)
    assert not [word for word in drawn("Thai") if "-" in word]


def test_final_letters_end_their_words() -> None:
    for script in ("Grek", "Hebr"):
        marks = "[\u0591-\u05c7]*"
        inside = [word for word in drawn(script) if re.search(f"[{''.join(FINAL.values())}]{marks}\\w", word)]
        assert inside == []
        ends = [word for word in drawn(script) if re.search(f"[{''.join(FINAL)}]{marks}$", word)]
        assert ends == []
