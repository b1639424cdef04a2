"""Texts in scripts that are not learned."""

import unicodedata

import pytest

from tasks.words.in_script import in_script
from tasks.words.other_texts import LETTERS, other_texts


@pytest.mark.parametrize("script", ["Goth", "Mong", "Osge", "Syrc"])
def test_they_are_in_their_script_and_show_all_of_it(script: str) -> None:
    texts = other_texts(script, {}, count=300, length=20)
    assert len(texts) == 300 and set(texts.values()) == {f"und-{script}"}
    assert all(in_script(text, script) and unicodedata.normalize("NFC", text) == text for text in texts)
    letters = [sum(unicodedata.category(char)[0] == "L" for char in text) for text in texts]
    assert (min(letters), max(letters)) == LETTERS
    assert not any("SELECTOR" in unicodedata.name(char) for text in texts for char in text)


def test_marks_follow_letters_where_the_script_has_some() -> None:
    def marked(script: str) -> int:
        texts = other_texts(script, {}, count=50, length=20)
        return sum(unicodedata.category(char)[0] == "M" for text in texts for char in text)

    assert marked("Goth") == 0 and marked("Limb") > 50


def test_words_that_are_found_come_first() -> None:
    found = {"ᏣᎳᎩ": "chr", "ᎠᎹ": "chr"}
    texts = other_texts("Cher", found, count=5, length=20)
    assert list(texts)[:2] == sorted(found, key=list(texts).index) and found.items() <= texts.items()
    assert len(texts) == 5
    assert len(other_texts("Cher", found, count=1, length=20)) == 1


def test_they_are_the_same_ones_always_and_none_is_too_long() -> None:
    short = other_texts("Limb", {}, count=60, length=4)
    assert short == other_texts("Limb", {}, count=60, length=4) and max(map(len, short)) <= 4
