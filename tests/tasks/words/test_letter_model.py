"""The model of letters: frequencies as they were seen, words that end, and rare letters raised."""

from collections import Counter

import numpy as np
import pytest

from tasks.words.letter_model import LetterModel, split_units


def drawn(words: list[str], *, count: int = 2000, most: int = 12) -> list[str]:
    model, random = LetterModel(words), np.random.default_rng(0)
    return ["".join(model.draw(random, most=most)) for _ in range(count)]


@pytest.mark.parametrize(
    ("word", "joins", "units"),
    [
        ("haus", (), ["h", "a", "u", "s"]),
        ("ä̃b", (), ["ä̃", "b"]),
        ("नमस्ते", ("\u094d",), ["न", "म", "स्ते"]),
        ("नमस्ते", (), ["न", "म", "स्", "ते"]),
        ("ශ්\u200dරී", ("\u0dca\u200d",), ["ශ්\u200dරී"]),
        ("ไทย", ("ไ",), ["ไท", "ย"]),
        ("\u0301", (), ["\u0301"]),
        ("", (), []),
    ],
)
def test_units(word: str, joins: tuple[str, ...], units: list[str]) -> None:
    assert split_units(word, joins) == units and "".join(units) == word


def test_a_letter_that_was_always_followed_by_one_is_so_as_often_as_the_estimate_says() -> None:
    # "a" was seen 40 times, always before "b": n = 40, t = 1, for both orders. The model stays with it in 40 of 41
    # cases, in 40 of 41 of the rest, and then samples "a" or "b" of two equally frequent letters.
    words = drawn(["ab"] * 40, most=2)
    first_a = [word for word in words if word[0] == "a"]
    expected = 1 - (1 / 41) ** 2 / 2
    assert sum(word == "ab" for word in first_a) / len(first_a) == pytest.approx(expected, abs=0.005)


def test_rare_letters_are_raised_to_the_root_of_their_frequency() -> None:
    # With each word seen once all contexts are left half of the time or more; the first letter of a word of 100 a and
    # one z: n = 101, t = 2. P(z) = stays/101 + (1 - stays)(stays/101 + (1 - stays) √1/(√100 + √1)), stays = 101/103.
    stays = 101 / 103
    expected = (1 - (1 - stays) ** 2) / 101 + (1 - stays) ** 2 / 11
    words = drawn(["aa"] * 100 + ["zz"], count=20_000, most=2)
    found = Counter(word[0] for word in words)["z"] / len(words)
    assert found == pytest.approx(expected, abs=3 * (expected / len(words)) ** 0.5)


def test_words_have_two_units_and_end_in_time() -> None:
    words = drawn(["a", "b", "abcabcabcabcabcabc"], most=7)
    assert {len(word) for word in words} <= set(range(2, 8)) and min(map(len, words)) == 2
    assert drawn(["a", "ab"]) == drawn(["a", "ab"])


def test_a_word_that_reaches_the_room_ends_there() -> None:
    model = LetterModel([["ab", "cd", "ef", "gh"]] * 50)
    words = [model.draw(np.random.default_rng(seed), most=5) for seed in range(50)]
    assert max(len("".join(word)) for word in words) == 6  # units are whole
