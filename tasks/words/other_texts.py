"""Texts in scripts that are not learned, label `Zzzz`: names of CLDR, and letters in random order."""

import random
import unicodedata
from collections.abc import Mapping, Sequence

from tasks.crop_table.other_scripts import chars_of_script
from tasks.crop_table.text_side import digest_of
from tasks.words.in_script import in_script

LETTERS = (2, 8)  # of a text, fewest and most
MARKED = 0.4  # fraction of the letters that a mark follows, where the script has marks

SELECTOR = "VARIATION SELECTOR"  # in the name of a mark without ink: Mongolian has three

Random = random.Random


def other_texts(script: str, found: Mapping[str, str], *, count: int, length: int) -> dict[str, str]:
    """`count` texts of `script`, none longer than `length` characters → their languages.

    First the words `found` → language, chosen by their digests, then random ones, language `und-<script>`. The same
    arguments give the same texts.
    """
    chosen = sorted(found, key=lambda word: digest_of("other", script, word))[:count]
    texts = {word: found[word] for word in chosen}
    chance = Random(digest_of("other", script))
    letters, marks = chars_of_script(script, ("Ll", "Lo")), chars_of_script(script, ("Mn", "Mc"))
    marks = tuple(mark for mark in marks if SELECTOR not in unicodedata.name(mark))
    while len(texts) < count:
        text = unicodedata.normalize("NFC", _random_text(letters, marks, chance))
        if len(text) <= length and in_script(text, script):
            texts.setdefault(text, f"und-{script}")
    return texts


def _random_text(letters: Sequence[str], marks: Sequence[str], chance: Random) -> str:
    """Letters of equal probability, some with a mark; of scripts with case in one of its three forms."""
    text = ""
    for _ in range(chance.randint(*LETTERS)):
        text += chance.choice(letters)
        if marks and chance.random() < MARKED:
            text += chance.choice(marks)
    return chance.choice((text, text.title(), text.upper()))
