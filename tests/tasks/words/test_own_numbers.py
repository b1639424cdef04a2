"""Numbers in a script's own digits."""

import unicodedata

import pytest

from tasks.words.own_numbers import ZEROS, own_numbers


@pytest.mark.parametrize("script", sorted(ZEROS))
def test_numbers_are_many_and_of_two_digits_or_more_of_one_set(script: str) -> None:
    found = own_numbers(script, 100)
    assert len(set(found)) == 100 and found == sorted(found) == own_numbers(script, 100)
    for text in found:
        figures = [char for char in text if char not in "/-."]
        assert len(figures) >= 2 and {unicodedata.category(char) for char in figures} == {"Nd"}
        assert len({ord(char) - unicodedata.digit(char) for char in figures}) == 1
        assert script != "Deva" or all("DEVANAGARI" in unicodedata.name(char) for char in figures)
    assert len({char for text in found for char in text if char not in "/-."}) == 10 * len(ZEROS[script])


def test_a_script_without_digits_of_its_own_has_none() -> None:
    assert own_numbers("Latn", 100) == [] == own_numbers("Deva", 0)
