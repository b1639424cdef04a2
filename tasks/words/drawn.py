"""Words that a model of a script's letters draws, with every letter, syllable and mark of the script in its turn.

CLDR has a thousand names a script, and of many letters no word. Drawn words show them all, and the forms that words
have in prints: old and pointed spellings, abbreviations, numerals, hyphens.
"""

import math
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, cycle, islice
from typing import Literal

import numpy as np

from tasks.crop_table.text_side import digest_of
from tasks.words.alphabets import STANDARDS, alphabets_of, joins_next
from tasks.words.in_script import in_script
from tasks.words.letter_model import LetterModel, split_units
from tasks.words.spellings import HYPHENATED, OLD, fixed_words, old_spelling

Form = Literal["whole", "old", "cut", "compound", "abbreviation"]

DRAWN = "model"  # the language of drawn words
SHORTEST = 2  # characters
FIXED = 1 / 8  # largest fraction of the words that are abbreviations and numerals
TRIES = 4  # attempts for each word that is asked for: a small model soon draws nothing new
FORMS = 16  # words after which the forms come again: of hyphenated scripts one each of these, and four in old spelling
HYPHENED: tuple[Form, ...] = ("cut", "compound", "abbreviation")
OLD_SPELLINGS = 4
MOST_EACH = 4  # units put into a word
FINAL = dict(zip("σכמנפצ", "ςךםןףץ", strict=True))  # letter → its form at a word's end
USUAL = {ord(final): letter for letter, final in FINAL.items()}
_ENDS = re.compile(f"[{''.join(FINAL)}](?=[\u0591-\u05c7]*(?:-.|$))")  # a letter at a word's end, but for its points


def drawn_words(script: str, words: Collection[str], *, count: int, length: int) -> list[str]:
    """At most `count` words of `script`, none of `words` and none longer than `length`, sorted.

    Drawn by a `LetterModel` of `words`. Into most of them units of the script's alphabet are put, at most `MOST_EACH`,
    in turn: with a `count` of 2000 every unit comes. The same words give the same words.
    """
    random = np.random.default_rng(int.from_bytes(digest_of("drawn", script)[:16]))
    fixed = fixed_words(script)[: int(FIXED * count)]
    attempts = _attempts(script, words, random, count=count - len(fixed), length=length)
    found: dict[str, None] = {}
    for text in islice(chain(fixed, attempts), TRIES * count):
        word = _ENDS.sub(lambda found: FINAL[found[0]], unicodedata.normalize("NFC", text))
        if SHORTEST <= len(word) <= length and word not in words and in_script(word, script):
            found[word] = None
            if len(found) == count:
                break
    return sorted(found)


def _attempts(
    script: str, words: Collection[str], random: np.random.Generator, *, count: int, length: int
) -> Iterator[str]:
    """Words without end, each in the form whose turn it is."""
    model = LetterModel(split_units(word.lower().translate(USUAL), joins_next(script)) for word in sorted(words))
    alphabets = alphabets_of(script)
    turns = [_turns(units, random) for units in alphabets]
    lots = [which for which, units in enumerate(alphabets) for _ in units] or [0]  # an alphabet by its size
    forms = _forms(script)
    each = min(MOST_EACH, math.ceil(len(lots) * FORMS / (max(1, count) * forms.count("whole"))))
    for form in cycle(forms):
        word, featured = model.draw(random, most=length * 2 // 3), each
        if form == "whole":
            if script in STANDARDS:  # thousands of characters: words of them alone
                word, featured = [], max(each, int(random.integers(1, 4)))
            which = lots[int(random.random() * len(lots))]
            yield "".join(_put_in(word, list(islice(turns[which], featured)), random))
        elif form == "old":
            yield old_spelling("".join(word), script, random)
        elif form == "compound":
            yield "-".join(("".join(word), "".join(model.draw(random, most=length // 3))))
        elif len(word) > 2:
            yield "".join(word[: random.integers(2, len(word))]) + ("-" if form == "cut" else ".")


def _turns(units: Sequence[str], random: np.random.Generator) -> Iterator[str]:
    """The units in random order, again and again; nothing where there are none."""
    while units:
        yield from (units[place] for place in random.permutation(len(units)))


def _forms(script: str) -> tuple[Form, ...]:
    special: list[Form] = [*HYPHENED] if script in HYPHENATED else []
    if script in OLD:
        special += ["old"] * OLD_SPELLINGS
    whole: list[Form] = ["whole"] * (FORMS - len(special))
    return *special, *whole


def _put_in(word: list[str], units: Sequence[str], random: np.random.Generator) -> list[str]:
    """`word` with `units` in it, each in the place of a letter of the same base where there is one."""
    free = list(range(len(word)))
    for unit in units:
        places = [place for place in free if _base(word[place]) == _base(unit)] or free
        if ord(unit[0]) in USUAL or not places:
            word.append(unit)
        else:
            place = places[int(random.random() * len(places))]
            word[place] = unit
            free.remove(place)
    return word


def _base(unit: str) -> str:
    return unicodedata.normalize("NFD", unit)[0]
