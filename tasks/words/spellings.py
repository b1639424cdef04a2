"""How words are written beside their usual spelling: old and pointed spellings, abbreviations, numerals.

The rules put the signs where prints have them; they need not be right for the word.
"""

import re
import unicodedata
from typing import NamedTuple

import numpy as np

# Scripts whose words are cut at the end of a line with a hyphen, joined by one, and cut short with a full stop.
HYPHENATED = frozenset(
    {"Armn", "Beng", "Cyrl", "Deva", "Geor", "Grek", "Gujr", "Guru", "Knda", "Latn", "Mlym", "Orya", "Taml", "Telu"}
)
ABBREVIATIONS = {
    "Arab": "إلخ. د. أ.د. ص.ب. ق.م.",
    "Armn": "և այլն. տ. մ.թ.ա. հմմտ.",
    "Beng": "ডা. ড. মো. খ্রি.",
    "Cyrl": "т.д. т.п. т.е. др. пр. см. ср. стр. гл. г. гг. в. вв. им. ул. д. кв. руб. коп. тыс. млн. проф. н.э.",
    "Deva": "डॉ. श्री. रु. ई.पू. कृ. पृ. सं.",
    "Geor": "ე.ი. ა.შ. ბ-ნი ქ-ნი გვ.",
    "Grek": "κ.λπ. π.χ. δηλ. κ.ά. σελ. βλ. μ.Χ. π.μ. Δρ. Αγ. τ.μ.",
    "Gujr": "ડૉ. શ્રી. રૂ.",
    "Hebr": "ד״ר עמ׳ וכו׳ ע״י ארה״ב צה״ל ר׳ רח׳ מס׳ לפנה״ס",
    "Latn": "Dr. Mr. Mrs. Ms. Prof. St. etc. e.g. i.e. vs. No. Nr. vol. p. pp. ed. eds. cf. ca. Inc. Ltd. Co. Jr. Sr. "
            "z.B. d.h. usw. bzw. u.a. Abb. S. Str. Hr. Fr. M. Mme. Mlle. c.-à-d. p.ex. Sra. Ud. pág. núm. Sig. ecc. "
            "nn. kr. tzv. atd. np. itd. tj. ul. al. fol. ibid. op. cit. Fig. Chap.",
    "Taml": "திரு. டாக்டர். கி.மு. கி.பி.",
    "Telu": "డా. శ్రీ. క్రీ.పూ.",
    "Thai": "พ.ศ. ค.ศ. ดร. กทม. น.ส. ม.ค. ก.พ. จ. อ. ต. ร.ร.",
}  # fmt: skip
_ROMAN = ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
          (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))  # fmt: skip
NUMBERED = (*range(2, 40), *range(40, 100, 7), *range(100, 1000, 90), *range(1450, 2030, 13))  # chapters, years


class Rule(NamedTuple):
    """A fraction `share` of the places where `pattern` is found get one of `choices`."""

    pattern: str
    choices: tuple[str, ...]
    share: float


_NIQQUD = tuple("\u05b0\u05b1\u05b2\u05b3\u05b4\u05b5\u05b6\u05b7\u05b8\u05b9\u05bb")
_BREATHED = {"α": "ἀἁἄἅἂἃἆἇᾳᾀ", "ε": "ἐἑἔἕ", "η": "ἠἡἤἥἢἦἧᾐ", "ι": "ἰἱἴἵἶἷ", "ο": "ὀὁὄὅ", "υ": "ὐὑὔὕὖὗ", "ω": "ὠὡὤὥὦὧᾠ"}
_ACCENTED = {"ά": "ὰάᾶᾴᾷ", "έ": "ὲέ", "ή": "ὴήῆῃῇῄ", "ί": "ὶίῖ", "ό": "ὸό", "ύ": "ὺύῦ", "ώ": "ὼώῶῳῷῴ"}
OLD = {
    "Arab": (Rule(r"(?<=[ء-ي])(?=[ء-ي])", (*"\u064e\u064f\u0650\u0652", "\u0651\u064e", "\u0651\u0650"), 0.8),
             Rule(r"(?<=[ء-ي])$", tuple("\u064b\u064c\u064d\u064e\u064f\u0650"), 0.6)),
    "Cyrl": (Rule("и(?=[аеёиоуыэюя])", ("і",), 1.0), Rule("е", ("ѣ",), 0.5), Rule("ф", ("ѳ",), 0.5),
             Rule("(?<=[бвгджзклмнпрстфхцчшщѳ])$", ("ъ",), 1.0), Rule("ё", ("е",), 1.0)),
    "Grek": (*(Rule(f"^{vowel}", tuple(marked), 1.0) for vowel, marked in _BREATHED.items()),
             *(Rule(vowel, tuple(marked), 1.0) for vowel, marked in _ACCENTED.items()), Rule("^ρ", ("ῥ",), 1.0)),
    "Hebr": (Rule("ש", ("ש\u05c1", "ש\u05c2"), 1.0), Rule("(?<=[בגדכפת])(?=.)", ("\u05bc",), 0.4),
             Rule(r"(?<=[א-ת\u05bc\u05c1\u05c2])(?=[א-ת])", _NIQQUD, 0.8)),
    "Latn": (Rule(r"ss(?=\w)", ("ſſ",), 1.0), Rule(r"s(?=\w)", ("ſ",), 1.0), Rule("ae", ("æ",), 0.7),
             Rule("oe", ("œ",), 0.7), Rule(r"(?<=[bdhopy])r(?=\w)", ("ꝛ",), 0.3)),
}  # fmt: skip


def old_spelling(word: str, script: str, random: np.random.Generator) -> str:
    """`word` with the letters and marks of old and pointed prints, in NFC; unchanged where the script has none here."""
    for pattern, choices, share in OLD.get(script, ()):

        def replaced(found: re.Match[str], choices: tuple[str, ...] = choices, share: float = share) -> str:
            return choices[int(random.random() * len(choices))] if random.random() < share else found[0]

        word = re.sub(pattern, replaced, word)
    return unicodedata.normalize("NFC", word)


def fixed_words(script: str) -> list[str]:
    """Abbreviations of the script's languages, and in Latin Roman numerals."""
    numerals = map(roman, NUMBERED) if script == "Latn" else ()
    return [*ABBREVIATIONS.get(script, "").split(), *numerals]


def roman(number: int) -> str:
    """`number`, 1 to 3999, as a Roman numeral.

    >>> roman(1994)
    'MCMXCIV'
    """
    numeral = ""
    for value, letters in _ROMAN:
        count, number = divmod(number, value)
        numeral += count * letters
    return numeral
