"""What prints of a script are made of."""

import unicodedata

import pytest

from tasks.words.alphabets import LETTERS, STANDARDS, SYLLABLES, alphabets_of, joins_next
from tasks.words.in_script import in_script

DESCRIBED = sorted({*LETTERS, *SYLLABLES, *STANDARDS})


@pytest.mark.parametrize("script", DESCRIBED)
def test_units_are_of_their_script_small_and_composed(script: str) -> None:
    for units in alphabets_of(script):
        assert len(set(units)) == len(units) > 20
        assert all(unit == unit.lower() == unicodedata.normalize("NFC", unit) for unit in units)
        words = (unit + "の" for unit in units) if script == "Jpan" else units
        assert all(in_script(word, script) for word in words)


@pytest.mark.parametrize(
    ("script", "units"),
    [
        ("Latn", "a ß ſ æ œ ð þ ł ø ạ ơ ꝛ ꝑ ﬁ ﬅ ɓ ŋ"),
        ("Grek", "α ά ὰ ᾶ ἀ ᾧ ῥ ϊ ΐ ς ϑ"),
        ("Cyrl", "ѣ і ѳ ѵ ӧ ө ң ў љ ґ ѡ"),
        ("Hebr", "ך שׁ בּ מָ נֹ"),
        ("Arab", "پ ژ ک گ ی ٹ ڈ ے ۇ ڭ بَ بّ نٍ"),
        ("Deva", "ॐ ऽ ऋ क़ ळ कि कं कः क्ष ज्ञ त्र द्ध"),
        ("Sinh", "ක්\u200dෂ"),
        ("Khmr", "ក្ក"),
        ("Thai", "ฌ ก็ กั เก"),
        ("Tibt", "ཀྱ ཀྵ ཧུ ཨྃ ཊ"),
        ("Ethi", "ጿ ቈ"),
        ("Kore", "가 힝 뵙"),
        ("Jpan", "あ ヴ"),
    ],
)
def test_rare_letters_marks_and_conjuncts_are_among_them(script: str, units: str) -> None:
    wanted = {unicodedata.normalize("NFC", unit) for unit in units.split()}
    assert wanted <= set(alphabets_of(script)[0])


def test_syllables_are_counted_by_hand() -> None:
    # Tamil has 23 consonants (18, and five for Sanskrit); behind one stands one of 11 vowel signs, a length mark,
    # anusvara or aytham; alone stand also 12 vowels and Om.
    consonants = [char for char in map(chr, range(0xB95, 0xBBA)) if unicodedata.category(char) == "Lo"]
    units = set(alphabets_of("Taml")[0])
    assert len(units) == 23 * 23 + 23 * (11 + 3) + 23 + 12 + 1
    assert len(consonants) == 23
    assert {one + "\u0bcd" + other for one in consonants for other in consonants} <= units
    assert {one + sign for one in consonants for sign in "ாிீுூெேைொோௌ"} <= units


def test_characters_are_those_of_the_standards() -> None:
    assert len(alphabets_of("Kore")[0]) == 2350  # KS X 1001
    simplified, traditional = map(set, alphabets_of("Hani"))
    assert len(simplified) == 3755  # GB 2312, first level
    assert {"国", "的", "们"} <= simplified and {"國", "們", "灣"} <= traditional and not simplified & traditional
    kanji = {unit[0] for unit in alphabets_of("Jpan")[0] if len(unit) == 2}
    assert len(kanji) == 2965  # JIS X 0208, first level


def test_a_script_not_described_has_no_units() -> None:
    assert alphabets_of("Cher") == [[]] and joins_next("Cher") == ()
    assert joins_next("Thai") == tuple("เแโใไ") and joins_next("Deva") == ("\u094d",)
