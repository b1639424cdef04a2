"""Sides of texts: shares, one side for all spellings, and nothing but the seed decides."""

import pytest

from tasks.params import TagSettings
from tasks.split import text_side

SETTINGS = TagSettings(validation_words=0.12, test_words=0.18, rejected=0.05)
WORDS = [f"word{number}" for number in range(4000)]


def side(text: str, script: str = "Latn", seed: int = 0) -> str:
    return text_side(text, script=script, settings=SETTINGS, seed=seed)


def test_sides_have_their_shares() -> None:
    sides = [side(word) for word in WORDS]
    # Three standard deviations of a binomial share over 4,000 words are 0.022 at most.
    assert sides.count("validation") / len(WORDS) == pytest.approx(0.12, abs=0.022)
    assert sides.count("test") / len(WORDS) == pytest.approx(0.18, abs=0.022)
    assert set(sides) == {"train", "validation", "test"}


@pytest.mark.parametrize(
    ("script", "spellings"),
    [
        ("Latn", ["straße", "STRASSE", "Strasse"]),
        ("Latn", ["E\u0301cole", "école", "ÉCOLE"]),
        ("Cyrl", ["москва", "Москва", "МОСКВА"]),
        ("Grek", ["Αθήνα", "ΑΘΗΝΑ", "ΑΘΉΝΑ"]),
    ],
)
def test_spellings_of_a_text_stand_on_one_side(script: str, spellings: list[str]) -> None:
    for seed in range(40):
        assert len({side(text, script, seed) for text in spellings}) == 1


def test_seed_and_script_move_texts() -> None:
    assert [side(word) for word in WORDS] != [side(word, seed=1) for word in WORDS]
    assert [side(word) for word in WORDS] != [side(word, script="Cyrl") for word in WORDS]


def test_shares_of_nothing_leave_all_texts_to_training() -> None:
    settings = TagSettings(validation_words=0.0, test_words=0.0, rejected=0.0)
    assert {text_side(word, script="Latn", settings=settings, seed=0) for word in WORDS} == {"train"}
