"""Scripts that are not learned: together the label `Zzzz` (ISO 15924: unknown script), each of them a design of it.

A model that is to notice a script that it never saw must be tested on such scripts, so whole scripts are held out. Each
side has alphabets, a syllabary and abugidas, writing from left to right and from right to left, and a cursive script.
Left out are those whose letters are those of a learned script: Lisu (Latin, turned), Lydian, Lycian and Carian (Greek).
"""

import unicodedata
from collections import defaultdict
from functools import cache
from typing import NamedTuple

from fontTools import unicodedata as scripts_of_unicode

from tasks.crop_table.splits import TEST_UNSEEN, TRAIN, VALIDATION
from unfont.labels import UNKNOWN

LAST = 0x1FFFF  # code point: all letters but rare Han characters


class OtherScript(NamedTuple):
    """The side of a script, the Unicode subset of font packages that has it, and what is set between its words."""

    side: str
    subset: str
    joint: str = " "


OTHER_SCRIPTS = {
    # Alphabets
    "Copt": OtherScript(TRAIN, "coptic"),
    "Glag": OtherScript(TRAIN, "glagolitic"),
    "Ital": OtherScript(TRAIN, "old-italic"),
    "Olck": OtherScript(TRAIN, "ol-chiki"),
    "Osge": OtherScript(TRAIN, "osage"),
    "Runr": OtherScript(TRAIN, "runic"),
    "Kali": OtherScript(VALIDATION, "kayah-li"),
    "Tfng": OtherScript(VALIDATION, "tifinagh"),
    "Dsrt": OtherScript(TEST_UNSEEN, "deseret"),
    "Goth": OtherScript(TEST_UNSEEN, "gothic"),
    "Tale": OtherScript(TEST_UNSEEN, "tai-le", ""),
    # Alphabets from right to left; Adlm, Rohg and Syrc are cursive, as Mong is
    "Adlm": OtherScript(TRAIN, "adlam"),
    "Hung": OtherScript(TRAIN, "old-hungarian"),
    "Phnx": OtherScript(TRAIN, "phoenician", "\U0001091f"),
    "Thaa": OtherScript(TRAIN, "thaana"),
    "Samr": OtherScript(VALIDATION, "samaritan"),
    "Syrc": OtherScript(VALIDATION, "syriac"),
    "Orkh": OtherScript(TEST_UNSEEN, "old-turkic"),
    "Rohg": OtherScript(TEST_UNSEEN, "hanifi-rohingya"),
    "Mong": OtherScript(TRAIN, "mongolian"),
    # Syllabaries, Cprt from right to left, and signs for words
    "Cans": OtherScript(TRAIN, "canadian-aboriginal"),
    "Linb": OtherScript(TRAIN, "linear-b"),
    "Xsux": OtherScript(TRAIN, "cuneiform", ""),
    "Vaii": OtherScript(VALIDATION, "vai"),
    "Xpeo": OtherScript(VALIDATION, "old-persian", "\U000103d0"),
    "Bopo": OtherScript(TEST_UNSEEN, "chinese-traditional", ""),
    "Cher": OtherScript(TEST_UNSEEN, "cherokee"),
    "Cprt": OtherScript(TEST_UNSEEN, "cypriot"),
    "Egyp": OtherScript(TEST_UNSEEN, "egyptian-hieroglyphs", ""),
    # Abugidas
    "Bali": OtherScript(TRAIN, "balinese", ""),
    "Bugi": OtherScript(TRAIN, "buginese", ""),
    "Cham": OtherScript(TRAIN, "cham"),
    "Hano": OtherScript(TRAIN, "hanunoo"),
    "Java": OtherScript(TRAIN, "javanese", ""),
    "Mtei": OtherScript(TRAIN, "meetei-mayek"),
    "Sund": OtherScript(TRAIN, "sundanese"),
    "Talu": OtherScript(TRAIN, "new-tai-lue", ""),
    "Tglg": OtherScript(TRAIN, "tagalog"),
    "Brah": OtherScript(VALIDATION, "brahmi", ""),
    "Limb": OtherScript(VALIDATION, "limbu"),
    "Rjng": OtherScript(VALIDATION, "rejang", ""),
    "Gran": OtherScript(TEST_UNSEEN, "grantha"),
    "Tavt": OtherScript(TEST_UNSEEN, "tai-viet", ""),
}


def design_of_script(code: str) -> str:
    """The design of a script that is not learned: `Zzzz:Cher`."""
    return f"{UNKNOWN}:{code}"


def script_of_text(text: str) -> str:
    """The Unicode script of the first character of `text`.

    >>> script_of_text("ᏣᎳᎩ")
    'Cher'
    """
    return scripts_of_unicode.script(text[0])


@cache
def _chars_by_script() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for char in map(chr, range(LAST + 1)):
        if unicodedata.category(char)[0] in "LM":
            found[scripts_of_unicode.script(char)].append(char)
    return {script: tuple(chars) for script, chars in found.items()}


def chars_of_script(script: str, kinds: tuple[str, ...]) -> tuple[str, ...]:
    """The script's letters and marks whose Unicode category starts with one of `kinds`, in Unicode's order."""
    return tuple(char for char in _chars_by_script().get(script, ()) if unicodedata.category(char).startswith(kinds))
