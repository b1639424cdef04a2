"""Sides of texts: shares, one side for all spellings, and nothing but the seed decides."""

import itertools

import pytest

from tasks.common.params import TagSettings
from tasks.crop_table.text_side import fold, may_train, parts_of, text_side

OWN = {"validation_groups": 0.0, "test_groups": 0.0, "pool": 0.0, "near": 0, "rejected": 0.05}
SETTINGS = TagSettings(validation_words=0.12, test_words=0.18, **OWN)
WORDS = ["".join(chr(97 + int(figure)) for figure in str(number)) for number in range(10_000, 14_000)]


def side(text: str, script: str = "Latn", seed: int = 0) -> str | None:
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
        ("Grek", ["ἀρχῇ", "ΑΡΧΗΙ", "ἈΡΧΗ͂Ι", "Αρχῃ"]),
        ("Latn", ["co-op", "coop", "CO‑OP", "Co\u00adop", "co-op,"]),
        ("Latn", ["l’eau", "L'EAU", "leau"]),
        ("Latn", ["Dr.", "dr", "(DR.)"]),
        ("Latn", ["paſs", "pass", "PASS"]),
        ("Cyrl", ["п'ять", "п’ять", "ПʼЯТЬ", "пять"]),
        ("Arab", ["می‌خواهم", "میخواهم"]),
        ("Arab", ["مَدْرَسَة", "مدرسة"]),
        ("Hebr", ["שָׁלוֹם", "שלום"]),
    ],
)
def test_spellings_of_a_text_stand_on_one_side(script: str, spellings: list[str]) -> None:
    for seed in range(40):
        assert len({side(text, script, seed) for text in spellings}) == 1


def test_letters_with_madda_or_hamza_are_other_letters() -> None:
    assert fold("آب", "Arab") != fold("اب", "Arab") and fold("й", "Cyrl") != fold("и", "Cyrl")


def test_a_text_of_signs_alone_stays_one() -> None:
    assert fold("-", "Latn") == "-" and side("'") is not None


def test_seed_and_script_move_texts() -> None:
    assert [side(word) for word in WORDS] != [side(word, seed=1) for word in WORDS]
    assert [side(word) for word in WORDS] != [side(word, script="Cyrl") for word in WORDS]


def test_shares_of_nothing_leave_all_texts_to_training() -> None:
    settings = TagSettings(validation_words=0.0, test_words=0.0, **OWN)
    assert {text_side(word, script="Latn", settings=settings, seed=0) for word in WORDS} == {"train"}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("(Haus, 12)", ["Haus"]),
        ("Rio Grande", ["Rio", "Grande"]),
        ("12 Haus", ["Haus"]),
        ("haus12", ["haus"]),
        ("1.200", ["1.200"]),  # no letter: a text of its own
        ("「東京」", ["東京"]),
        ("東京\u3000大阪", ["東京", "大阪"]),  # the wide space
        ("ཨ་རབ།", ["ཨ་རབ"]),  # the mark between syllables stays
        ("(l’eau)", ["l’eau"]),
        ("co-op, ver-", ["co-op", "ver"]),
        ("हिन्दी।", ["हिन्दी"]),  # the vowel sign at the end stays
        ("", [""]),
    ],
)
def test_texts_fall_into_their_words(text: str, parts: list[str]) -> None:
    assert parts_of(text) == parts


def test_what_stands_around_a_word_does_not_move_it() -> None:
    for word in WORDS[:200]:
        forms = (f"({word})", f"{word}, 12", f"3 {word.upper()}", f"«{word.title()}»", f"{word}7")
        assert {side(form) for form in forms} == {side(word)}


def test_words_of_two_sides_have_none_together() -> None:
    of_side = {side(word): word for word in ("echo", "golf", "hotel", "kilo", "lima", "mike", "oscar", "papa", "tango")}
    assert len(of_side) == 3
    for one, word in of_side.items():
        assert side(f"{word} {word.title()}") == one
        for other, second in of_side.items():
            assert side(f"{word} {second}") == (one if one == other else None)


def trains(text: str, script: str = "Latn") -> bool:
    return may_train(text, script=script, settings=SETTINGS, seed=0)


def test_training_may_show_every_letter_alone_and_of_words_its_own() -> None:
    assert len({side(letter) for letter in "abcdefghijklmnopqrstuvwxyz"}) == 3
    assert all(
        trains(form) for letter in "abcdefghijklmnopqrstuvwxyzé" for form in (letter, f"({letter})", letter.upper())
    )
    assert [trains(word) for word in WORDS] == [side(word) == "train" for word in WORDS]
    of_side = {side(word): word for word in WORDS}
    assert trains(f"a {of_side['train']} b")
    assert not trains(f"a {of_side['test']}")
    assert trains("कि", "Deva")  # a letter and its vowel sign
    assert {trains(number, "Zyyy") for number in map(str, range(10, 60))} == {True, False}


def test_every_number_of_a_text_of_no_script_has_its_side() -> None:
    sides = {number: text_side(str(number), script="Zyyy", settings=SETTINGS, seed=0) for number in range(10, 60)}
    for one, other in itertools.pairwise(sides):
        both = text_side(f"{one} {other}", script="Zyyy", settings=SETTINGS, seed=0)
        assert both == (sides[one] if sides[one] == sides[other] else None)
