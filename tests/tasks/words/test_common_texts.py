"""Texts without letters."""

import unicodedata

from fontTools import unicodedata as scripts_of_unicode

from tasks.words.common_texts import KINDS, SIGNS, common_texts


def test_they_are_of_no_script() -> None:
    texts = common_texts(3000)
    assert len(set(texts)) == 3000 and texts == sorted(texts)
    chars = set("".join(texts))
    assert {scripts_of_unicode.script(char) for char in chars} == {"Zyyy"}
    assert not any(unicodedata.category(char)[0] in "LZ" for char in chars)
    assert {char for char in chars if char.isdecimal()} == set("0123456789")


def test_they_are_the_same_ones_always_and_more_add_to_them() -> None:
    assert common_texts(500) == common_texts(500)
    assert set(common_texts(500)) < set(common_texts(800))
    assert common_texts(0) == [] and len(common_texts(3)) == 3


def test_every_kind_is_among_them() -> None:
    texts = set(common_texts(3000))
    assert {sign.replace(" ", "") for sign in SIGNS} <= texts
    for mark in "€$%§()[]#+-–/:×=.,":
        assert any(mark in text and any(map(str.isdecimal, text)) for text in texts), mark
    assert len(set(KINDS)) == 11
    lengths = [len(text) for text in texts]
    assert min(lengths) == 1 and max(lengths) <= 16
