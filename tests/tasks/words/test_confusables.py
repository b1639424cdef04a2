"""Texts that could be read in another script."""

import pytest

from tasks.words.confusables import RECOMMENDED, is_ambiguous, twin_scripts


@pytest.mark.parametrize(
    ("text", "script", "others"),
    [
        ("ВОТ", "Cyrl", {"Latn", "Grek"}),
        ("ΡΟΗ", "Grek", {"Latn", "Cyrl"}),
        ("POH", "Latn", {"Grek", "Cyrl"}),
        ("вот", "Cyrl", set()),  # phonetic capitals are no letters of Latin words
        ("Haus", "Latn", set()),
        ("сосо", "Cyrl", {"Latn"}),
        ("ё", "Cyrl", {"Latn"}),
        ("сосо, 12", "Cyrl", {"Latn"}),  # numbers and marks say nothing
        ("12", "Latn", set()),
        ("В-О.Т’", "Cyrl", {"Latn", "Grek"}),  # nor do signs within a word
        ("ВʼОТ", "Cyrl", {"Latn", "Grek"}),
        ("ロ", "Jpan", {"Hani"}),
        ("口", "Hani", {"Jpan"}),
        ("日口", "Hani", set()),  # kana have a homoglyph of one of the two alone
        ("జల", "Telu", {"Knda"}),
        ("వల", "Telu", set()),
        ("ס", "Hebr", {"Latn", "Grek", "Cyrl", "Armn", "Arab", "Mlym", "Mymr"}),
    ],
)
def test_scripts_that_a_text_could_be_read_in(text: str, script: str, others: set[str]) -> None:
    assert twin_scripts(text, script) & RECOMMENDED == others
    assert is_ambiguous(text, script) == bool(others)


def test_all_letters_must_be_of_the_same_other_script() -> None:
    assert "Latn" in twin_scripts("о", "Cyrl") and "Grek" in twin_scripts("п", "Cyrl")
    assert "Latn" not in twin_scripts("оп", "Cyrl")


def test_only_scripts_that_are_asked_for_count() -> None:
    assert is_ambiguous("ВОТ", "Cyrl", among={"Cyrl", "Grek"})
    assert not is_ambiguous("ВОТ", "Cyrl", among={"Cyrl", "Hebr"})
