"""What prints of a script are made of: its letters, and its syllables with their marks and conjuncts.

CLDR's words lack many of them: polytonic Greek, long s, ѣ, pointed Hebrew, half of the conjuncts, nine characters of
ten. What a script's fonts lack as well is left out where words are rendered.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tasks.words.in_script import in_script

Ranges = tuple[tuple[int, int], ...]  # first and last code points
IS_LETTER, IS_MARK = ("Ll", "Lo"), ("L", "M")  # categories; vowels behind a base and repetition signs count as marks

# Scripts whose units are single letters. Latin: without capitals and clicks; of old prints ſ, ꝛ and abbreviations.
LETTERS: dict[str, Ranges] = {
    "Armn": ((0x561, 0x588),),
    "Cyrl": ((0x430, 0x52F),),
    "Ethi": ((0x1200, 0x135A), (0x1380, 0x138F)),
    "Geor": ((0x10D0, 0x10FF),),
    "Grek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "Latn": ((0x61, 0x7A), (0xDF, 0x1BA), (0x1BD, 0x1BF), (0x1C6, 0x24F), (0x253, 0x254), (0x256, 0x257),
             (0x259, 0x25B), (0x263, 0x263), (0x272, 0x272), (0x28A, 0x28B), (0x292, 0x292), (0x1E00, 0x1EFF),
             (0xA751, 0xA75B), (0xFB00, 0xFB06)),
}  # fmt: skip


class Syllables(NamedTuple):
    """Letters alone, and syllables: a base with each mark, bases with each vowel written before, pairs in a stack."""

    letters: Ranges
    bases: Ranges
    marks: Ranges  # marks that a base takes, and vowels written behind it
    before: Ranges = ()
    stack: str = ""  # what joins two bases: a virama


def _indic(block: int, virama: str) -> Syllables:
    """The blocks of India's scripts have one layout."""
    letters, bases = ((0x04, 0x39), (0x3D, 0x3D), (0x50, 0x50), (0x58, 0x61), (0x70, 0x7F)), ((0x15, 0x39),)
    marks = ((0x01, 0x03), (0x3E, 0x4C), (0x51, 0x52), (0x55, 0x57), (0x62, 0x63), (0x70, 0x71))
    shifted = [tuple((block + first, block + last) for first, last in part) for part in (letters, bases, marks)]
    return Syllables(shifted[0], shifted[1], shifted[2], stack=virama)


SYLLABLES = {
    "Arab": Syllables(((0x620, 0x64A), (0x66E, 0x6D5), (0x6EE, 0x6EF), (0x6FA, 0x6FF)), ((0x627, 0x64A),),
                      ((0x64B, 0x652), (0x670, 0x670))),
    "Beng": _indic(0x980, "\u09cd"),
    "Deva": _indic(0x900, "\u094d"),
    "Gujr": _indic(0xA80, "\u0acd"),
    "Guru": _indic(0xA00, "\u0a4d"),
    "Hebr": Syllables(((0x5D0, 0x5EA), (0x5F0, 0x5F2)), ((0x5D0, 0x5EA),),
                      ((0x5B0, 0x5BC), (0x5C1, 0x5C2), (0x5C7, 0x5C7))),
    "Khmr": Syllables(((0x1780, 0x17B3),), ((0x1780, 0x17A2),), ((0x17B6, 0x17D1),), stack="\u17d2"),
    "Knda": _indic(0xC80, "\u0ccd"),
    "Laoo": Syllables(((0xE81, 0xEAF), (0xEDC, 0xEDF)), ((0xE81, 0xEAE),), ((0xEB0, 0xEBC), (0xEC6, 0xECD)),
                      before=((0xEC0, 0xEC4),)),
    "Mlym": _indic(0xD00, "\u0d4d"),
    "Mymr": Syllables(((0x1000, 0x102A), (0x103F, 0x103F), (0x1050, 0x1081)), ((0x1000, 0x1021),),
                      ((0x102B, 0x1032), (0x1036, 0x1038), (0x103A, 0x103E), (0x1056, 0x1060), (0x1062, 0x1064),
                       (0x1067, 0x106D), (0x1071, 0x1074), (0x1082, 0x108D)), stack="\u1039"),
    "Orya": _indic(0xB00, "\u0b4d"),
    "Sinh": Syllables(((0xD85, 0xDC6),), ((0xD9A, 0xDC6),), ((0xD82, 0xD83), (0xDCA, 0xDDF), (0xDF2, 0xDF3)),
                      stack="\u0dca\u200d"),
    "Taml": _indic(0xB80, "\u0bcd"),
    "Telu": _indic(0xC00, "\u0c4d"),
    "Thai": Syllables(((0xE01, 0xE2F),), ((0xE01, 0xE2E),), ((0xE30, 0xE3A), (0xE45, 0xE4E)),
                      before=((0xE40, 0xE44),)),
    "Tibt": Syllables(((0xF40, 0xF6C),), ((0xF40, 0xF6A),), ((0xF39, 0xF39), (0xF71, 0xF83), (0xF90, 0xFBC))),
}  # fmt: skip

# Characters by the national standards, whose first level is what is printed every day: (encoding, first and last lead
# byte). Two standards of Hani: simplified and traditional.
STANDARDS = {
    "Hani": (("gb2312", 0xB0, 0xD7), ("big5", 0xA4, 0xC6)),
    "Jpan": (("euc_jp", 0xB0, 0xCF),),
    "Kore": (("euc_kr", 0xB0, 0xC8),),
}
HIRAGANA = tuple(map(chr, range(0x3041, 0x3097)))
KANA = (*HIRAGANA, *map(chr, range(0x30A1, 0x30FB)))


def alphabets_of(script: str) -> list[list[str]]:
    """The units of a script, each list sorted, in NFC and without capitals; empty for a script not described here.

    One list; of Hani two, of simplified characters and of those that only traditional prints have: no font has both.

    >>> alphabets_of("Armn")[0][:3], list(map(len, alphabets_of("Kore")))
    (['ա', 'բ', 'գ'], [2350])
    """
    if script in STANDARDS:
        return _characters(script)
    found = _syllables(SYLLABLES[script]) if script in SYLLABLES else _chars(LETTERS.get(script, ()), IS_LETTER)
    units = (unicodedata.normalize("NFC", unit) for unit in found)
    return [sorted({unit for unit in units if in_script(unit, script) and unit == unit.lower()})]


def joins_next(script: str) -> tuple[str, ...]:
    """What at the end of a unit makes the next letter part of it: a virama, a vowel written before its consonant."""
    found = SYLLABLES.get(script)
    return () if found is None else (*([found.stack] if found.stack else []), *_chars(found.before, IS_LETTER))


def _chars(ranges: Ranges, kinds: tuple[str, ...]) -> Iterator[str]:
    """The characters of `ranges` whose category starts with one of `kinds`."""
    for first, last in ranges:
        yield from (char for char in map(chr, range(first, last + 1)) if unicodedata.category(char).startswith(kinds))


def _syllables(script: Syllables) -> Iterator[str]:
    bases = list(_chars(script.bases, IS_LETTER))
    yield from _chars(script.letters, IS_LETTER)
    yield from (base + mark for base in bases for mark in _chars(script.marks, IS_MARK))
    yield from (vowel + base for base in bases for vowel in _chars(script.before, IS_LETTER))
    if script.stack:
        yield from (upper + script.stack + lower for upper in bases for lower in bases)


def _characters(script: str) -> list[list[str]]:
    """Characters of each of the script's standards; of Jpan each with a hiragana behind it, as its verbs have."""
    label = "Hani" if script == "Jpan" else script  # without kana no word is of Jpan
    found: list[set[str]] = []
    for standard in STANDARDS[script]:
        found.append({char for char in _level(*standard) if in_script(char, label)}.difference(*found))
    if script != "Jpan":
        return [sorted(characters) for characters in found]
    return [[*KANA, *(char + HIRAGANA[place % len(HIRAGANA)] for place, char in enumerate(sorted(found[0])))]]


def _level(encoding: str, first: int, last: int) -> Iterable[str]:
    """All characters of an encoding with two bytes, by its lead bytes."""
    pairs = (bytes((lead, trail)) for lead in range(first, last + 1) for trail in range(0x40, 0xFF))
    return "".join(pair.decode(encoding, "ignore") for pair in pairs)
