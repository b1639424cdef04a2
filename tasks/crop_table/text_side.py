"""The side of the data that a text is on: a pure function of the text, its script and the seed.

(The sides of typeface designs are decided in `tasks/fonts/designs.py`.)
"""

import hashlib
import re
import unicodedata

from tasks.common.params import TagSettings
from tasks.crop_table.splits import TEST, TRAIN, VALIDATION, TextSide
from unfont.labels import COMMON

LISTED = "und"  # the language of the words of a user's list: undetermined
JOINERS = "\u00ad\u200c\u200d"  # soft hyphen, zero-width non-joiner and joiner: invisible, no font needs them
# Signs that stand within words of any script: п'ять, l’eau, Oʻzbek, co-op, col·lega, e.g.
LINKS = frozenset("'’‘ʼʻ-\u2010\u2011·." + JOINERS)
# Marks of which a word is often written without, by script, in NFD: accents and breathings of Greek (capitals drop
# them), points of Hebrew, vowel signs of Arabic. Madda and hamza belong to the letter.
OPTIONAL_MARKS = {
    "Grek": re.compile("[\u0300\u0301\u0313\u0314\u0342]"),
    "Hebr": re.compile("[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]"),
    "Arab": re.compile("[\u064b-\u0652\u0670]"),
}
_LINK = re.compile(f"[{re.escape(''.join(sorted(LINKS)))}]")


def text_side(text: str, *, script: str, settings: TagSettings, seed: int) -> TextSide | None:
    """Side of `text`, or None where its words are on different sides.

    "Haus", "HAUS" and "(Haus, 12)" are the same text, so are "co-op" and "coop"; "Rio Grande" is the two texts "Rio"
    and "Grande"; of texts of no script every number is one. Training and the pool share a side; so do both test splits.
    """
    sides = {_side_of(part, script, settings, seed) for part in _parts_of(text, script)}
    return sides.pop() if len(sides) == 1 else None


def may_train(text: str, *, script: str, settings: TagSettings, seed: int) -> bool:
    """Whether training may show `text`: its words are on that side, or letters alone.

    An alphabet has too few letters to hide some of them from training, and words show them all.
    """
    parts = _parts_of(text, script)
    return all(is_letter(part) or _side_of(part, script, settings, seed) == TRAIN for part in parts)


def is_letter(text: str) -> bool:
    """Whether `text` has one letter, marks and signs aside.

    >>> [is_letter(text) for text in ("é", "(a)", "ab", "7")]
    [True, True, False, False]
    """
    return sum(char.isalpha() for char in unicodedata.normalize("NFC", text)) == 1


def _parts_of(text: str, script: str) -> list[str]:
    return text.split() if script == COMMON else parts_of(text)


def parts_of(text: str) -> list[str]:
    """The words of `text` without digits, punctuation and symbols around them; `text` itself if it has no letter.

    >>> parts_of("(Haus, 12)")
    ['Haus']
    >>> parts_of("12")
    ['12']
    """
    return [part for word in text.split() if (part := strip_word(word))] or [text]


def strip_word(word: str) -> str:
    """`word` from its first letter to its last letter or mark; empty if it has no letter."""
    if word[:1].isalpha() and word[-1:].isalpha():
        return word
    kinds = [unicodedata.category(char)[0] for char in word]
    if "L" not in kinds:
        return ""
    last = max(position for position, kind in enumerate(kinds) if kind in "LM")
    return word[kinds.index("L") : last + 1]


def _side_of(word: str, script: str, settings: TagSettings, seed: int) -> TextSide:
    position = share_of("text", seed, script, fold(word, script))
    if position < settings.validation_words:
        return VALIDATION
    return TEST if position < settings.validation_words + settings.test_words else TRAIN


def fold(text: str, script: str) -> str:
    """What the spellings of one text have in common: no case, no `LINKS`, no marks that are often left out.

    >>> fold("Co-op", "Latn") == fold("COOP", "Latn"), fold("Ἀθήνα", "Grek") == fold("ΑΘΗΝΑ", "Grek")
    (True, True)
    """
    apart = unicodedata.normalize("NFD", text.casefold())
    apart = _LINK.sub("", apart) or apart
    return OPTIONAL_MARKS[script].sub("", apart) or apart if script in OPTIONAL_MARKS else apart


def digest_of(*parts: object) -> bytes:
    """SHA-256 of `parts`: 32 pseudo-random bytes, a function of them alone."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()


def share_of(*parts: object) -> float:
    """A pseudo-random number in [0, 1), uniform over `parts`."""
    return int.from_bytes(digest_of(*parts)[:6]) / 2**48
