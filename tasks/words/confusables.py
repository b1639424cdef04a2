"""Ambiguous texts, which have homoglyphs in another script throughout: "ВОТ" and "BOT", "ΡΟΗ" and "POH".

The confusable characters are Unicode's (UTS #39, confusables.txt), from the package confusable-homoglyphs.
"""

import unicodedata
from collections.abc import Collection
from functools import cache, lru_cache

from fontTools import unicodedata as scripts_of_unicode

from tasks.crop_table.text_side import LINKS

# Unicode scripts whose label here differs. Kana are what distinguishes Japanese words from Chinese ones.
LABEL_OF = {"Hira": "Jpan", "Kana": "Jpan", "Hang": "Kore"}
# The scripts in modern use: Unicode's recommended ones (UAX #31, table 5), by their labels here.
RECOMMENDED = frozenset({
    "Arab", "Armn", "Beng", "Bopo", "Cyrl", "Deva", "Ethi", "Geor", "Grek", "Gujr", "Guru", "Hani", "Hebr", "Jpan",
    "Khmr", "Knda", "Kore", "Laoo", "Latn", "Mlym", "Mymr", "Orya", "Sinh", "Taml", "Telu", "Thaa", "Thai", "Tibt",
})  # fmt: skip
# Letters of modern alphabets, first and last code point: with homoglyphs among obsolete and phonetic letters nearly
# every word would be ambiguous ("вот" is "ʙoᴛ" in phonetic capitals). Other scripts count whole.
ALPHABETS = {
    "Latn": ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x137), (0x139, 0x17E), (0x18F, 0x18F),
             (0x259, 0x259), (0x1E00, 0x1EF9)),
    "Grek": ((0x386, 0x3CE),),
    "Cyrl": ((0x400, 0x45F), (0x48A, 0x4FF)),
    "Geor": ((0x10D0, 0x10F0), (0x1C90, 0x1CB0)),
}  # fmt: skip
LEFT_TO_RIGHT = "\u200e"  # the package keeps the direction marks around the list's Hebrew and Arabic characters


def is_ambiguous(text: str, script: str, *, among: Collection[str] = RECOMMENDED) -> bool:
    """Whether every letter of `text` has a homoglyph in the same other script of `among`; False without a letter.

    To be asked of the text as rendered: capitals have other homoglyphs than lower-case letters.

    >>> is_ambiguous("ВОТ", "Cyrl"), is_ambiguous("вот", "Cyrl")
    (True, False)
    """
    return any(label in among for label in twin_scripts(text, script))


@lru_cache(maxsize=1 << 16)
def twin_scripts(text: str, script: str) -> frozenset[str]:
    """Labels of the other scripts that have a homoglyph of every letter of `text`.

    Accents shared by all scripts are ignored ("ё" is "ë"), as are digits, punctuation, apostrophes and spaces.
    """
    found: frozenset[str] | None = None
    for char in unicodedata.normalize("NFD", text):
        is_letter = unicodedata.category(char)[0] == "L" and char not in LINKS
        if is_letter or (is_mark(char) and not is_shared(char)):
            labels = _labels_of(char)
            found = labels if found is None else found & labels
            if not found:
                break
    return (found or frozenset()) - {script}


def is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"


def is_shared(char: str) -> bool:
    """Whether a character belongs to no script of its own."""
    return scripts_of_unicode.script(char) in ("Zinh", "Zyyy")


@cache
def _labels_of(char: str) -> frozenset[str]:
    """Scripts with a homoglyph of `char`, its own included: letters for letters, marks for marks."""
    kind = unicodedata.category(char)[0]
    alike = {
        homoglyph
        for homoglyph in _family_of(char)
        if len(homoglyph) == 1 and unicodedata.category(homoglyph)[0] == kind
    }
    return frozenset(
        _label(homoglyph) for homoglyph in {char} | {homoglyph for homoglyph in alike if _in_use(homoglyph)}
    )


def _family_of(char: str) -> set[str]:
    """All homoglyphs of `char`: the list leads from each character to a prototype, and from that to all of them."""
    near = _alike(char)
    return near.union(*(_alike(other) for other in near))


def _alike(char: str) -> set[str]:
    # Read on first use: most commands do not need it.
    from confusable_homoglyphs.confusables import confusables_data

    entries = confusables_data.get(char, []) or confusables_data.get(f"{LEFT_TO_RIGHT}{char}{LEFT_TO_RIGHT}", [])
    return {entry["c"].strip(LEFT_TO_RIGHT) for entry in entries}


def _in_use(char: str) -> bool:
    ranges = ALPHABETS.get(scripts_of_unicode.script(char))
    modern = ranges is None or any(first <= ord(char) <= last for first, last in ranges)
    # Full-width and mathematical letters are the same letters again.
    return modern and unicodedata.normalize("NFKD", char) == unicodedata.normalize("NFD", char)


def _label(char: str) -> str:
    script = scripts_of_unicode.script(char)
    return LABEL_OF.get(script, script)
