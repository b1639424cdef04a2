"""Which side of the data a text stands on: a pure function of the text, its script and the seed.

(Which side a font's design stands on is decided in `tasks/designs.py`.)
"""

import hashlib
import unicodedata
from typing import Literal

from tasks.params import TagSettings

TONOS = "\u0301"  # the Greek accent, as a combining mark
LISTED = "und"  # the language of the words of a user's list: undetermined
TextSide = Literal["train", "validation", "test"]


def text_side(text: str, *, script: str, settings: TagSettings, seed: int) -> TextSide:
    """Side of `text`; "Haus" and "HAUS" are the same text and stand on one side.

    Training and the pool share a side; so do both test splits.
    """
    position = share_of("text", seed, script, fold(text, script))
    if position < settings.validation_words:
        return "validation"
    return "test" if position < settings.validation_words + settings.test_words else "train"


def fold(text: str, script: str) -> str:
    """What two spellings of one text have in common: case, and the accents that Greek capitals drop."""
    apart = unicodedata.normalize("NFD", text.casefold())
    return apart.replace(TONOS, "") if script == "Grek" else apart


def digest_of(*parts: object) -> bytes:
    """SHA-256 of `parts`: 32 bytes of chance that depend on nothing but them."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()


def share_of(*parts: object) -> float:
    """A number in [0, 1), uniform over `parts`."""
    return int.from_bytes(digest_of(*parts)[:6]) / 2**48
