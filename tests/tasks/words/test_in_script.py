"""Which words are wholly in a script."""

import pytest

from tasks.words.in_script import in_script


@pytest.mark.parametrize(
    ("word", "script"),
    [
        ("Haus", "Latn"),
        ("Côte", "Latn"),
        ("Ελλάδα", "Grek"),
        ("日本語の", "Jpan"),
        ("コーヒー", "Jpan"),
        ("中国", "Hani"),
        ("한국어", "Kore"),
        ("ශ්‍රී", "Sinh"),  # with a joiner
        ("ཨ་རབ", "Tibt"),  # with the mark between syllables
        ("Африкӣ", "Cyrl"),
        ("مَرٲٹھؠ", "Arab"),
        ("d’Ivoire", "Latn"),
        ("it's", "Latn"),
        ("co-op", "Latn"),
        ("col·lega", "Latn"),
        ("Oʻzbek", "Latn"),  # the turned comma is a letter of no script
        ("etc.", "Latn"),
        ("ver-", "Latn"),
        ("п'ять", "Cyrl"),
        ("об’єкт", "Cyrl"),
        ("می‌خواهم", "Arab"),  # with a non-joiner
        ("क्‍ष", "Deva"),
    ],
)
def test_words_of_a_script(word: str, script: str) -> None:
    assert in_script(word, script)


@pytest.mark.parametrize(
    ("word", "script"),
    [
        ("Наus", "Latn"),  # its first two letters are Cyrillic
        ("Haus2", "Latn"),
        ("п'ять", "Latn"),
        ("-", "Latn"),  # no letter
        ("'\u200d.", "Latn"),
        ("日本", "Jpan"),  # no kana: Chinese to the eye
        ("中国", "Kore"),
        ("مـ٣", "Arab"),
        ("\u0301", "Latn"),  # a mark alone
        ("", "Latn"),
    ],
)
def test_not_words_of_a_script(word: str, script: str) -> None:
    assert not in_script(word, script)
