"""Words and letters of each script: of Unicode CLDR through Babel, of the user's own lists, and drawn by a model.

CLDR names territories, languages, scripts, months and weekdays in every locale's language. Words are kept as found;
`tasks/crops/text_variants.py` adds capitals, numbers and punctuation when they are rendered.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from babel import Locale, localedata
from babel.core import get_global

from tasks.common.drawing_settings import WordsSettings
from tasks.common.files import written_whole
from tasks.crop_table.other_scripts import OTHER_SCRIPTS
from tasks.crop_table.text_side import LISTED, digest_of, strip_word
from tasks.words.alphabets import STANDARDS, alphabets_of
from tasks.words.common_texts import common_texts
from tasks.words.confusables import is_ambiguous
from tasks.words.drawn import DRAWN, SHORTEST, drawn_words
from tasks.words.in_script import in_script
from tasks.words.lists import read_lists
from tasks.words.other_texts import other_texts
from tasks.words.own_numbers import own_numbers
from unfont.errors import UserError
from unfont.labels import COMMON, UNKNOWN

LABEL_OF = {"Hans": "Hani", "Hant": "Hani"}  # of a locale's script subtags

NO_LANGUAGE = "zxx"  # ISO 639: no linguistic content
MOST = 3000  # words of CLDR taken of a script: Latin alone has 50,000
LETTERS = 300  # single letters taken of a script's words, the most frequent: Hani has 800
# What is taken of its alphabet beside them: letters, letters with a mark, conjuncts. Few, so that the usual letters are
# not lost among them: all of polytonic Greek and Ethiopic, half of the Latin letters, every mark of an Indic script.
UNITS = (170, 100, 50)
NUMBERS = 100  # in a script's own digits: a fiftieth of its words
CHARACTERS = 1000  # … of a script of thousands of characters, of which none is more usual than the others
NUKTA = 7  # combining class of the dot that makes another letter: ड़ is one
RARE = 0.001  # a letter in a smaller fraction of the script's words is not taken: clicks, obsolete letters
SEPARATORS = re.compile(r"[\s\-‐-―()\[\]{}/,;:·・،၊。、（）־]+")

SCHEMA = pa.schema(
    [
        ("script", pa.dictionary(pa.int32(), pa.string())),
        ("text", pa.string()),
        ("language", pa.string()),
        ("kind", pa.string()),
        ("ambiguous", pa.bool_()),
    ]
)
Languages = dict[str, str]  # text → the language it was found in
Row = tuple[str, str, str, str, bool]  # the columns of `SCHEMA`


def make_words(settings: WordsSettings, *, out: Path) -> dict[str, float]:
    """Write the words and letters of `settings.scripts`, texts of no script and of scripts not learned, to `out`.

    Columns are script, text, language, kind, ambiguous.

    `kind` is `word` or `letter`, which may be a syllable; `language` is `DRAWN` of words that a model of the script's
    letters drew, `LISTED` of those of its alphabet alone; `ambiguous` texts have homoglyphs in another script.

    Raises:
        UserError: a script has no words; a word list is missing, cannot be decoded, or holds a word of another script.
    """
    lists = read_lists(settings)
    found = _cldr_words(settings)
    rows: list[Row] = [
        (script, *text, is_ambiguous(text[0], script, among=settings.scripts))
        for script in sorted(set(settings.scripts))
        for text in _texts_of(script, found[script], lists.get(script, []), settings)
    ]
    rows += [(COMMON, text, NO_LANGUAGE, "word", False) for text in common_texts(settings.common)]
    others = _others(found, settings)
    frame = pd.DataFrame(rows + others, columns=SCHEMA.names)
    _write(frame, out)
    words, languages = frame["kind"] == "word", frame["language"]
    counted = words & ~languages.isin([DRAWN, NO_LANGUAGE]) & (frame["script"] != UNKNOWN)
    counts = frame[counted].groupby("script").size()
    totals = {"words": counts.sum(), "drawn": (languages == DRAWN).sum(), "letters": (~words).sum()}
    totals |= {"others": len(others)}
    return {name: float(count) for name, count in totals.items()} | {
        "ambiguous": float(frame["ambiguous"].sum()),
        "scripts": float(len(counts)),
        "fewest_words": float(counts.min()),
    }


def _texts_of(
    script: str, found: Languages, listed: Iterable[str], settings: WordsSettings
) -> Iterator[tuple[str, str, str]]:
    """A script's texts in order, each with its language and kind."""
    words = _choose(found, script)
    words |= {word: LISTED for word in listed if word not in words}
    if not words:
        fix = f"add a list of its words, {settings.lists}/{script}.txt"
        raise UserError("CLDR has no words in this script", where=f"words.scripts: {script}", fix=fix)
    letters = letters_of({**found, **words}, script)
    letters |= dict.fromkeys(units_of(script, besides=letters), LISTED)
    drawn = drawn_words(script, words, count=settings.drawn, length=settings.length)
    # A word of one syllable is a word, a drawn one a syllable.
    languages = dict.fromkeys(drawn, DRAWN) | letters | words
    languages |= dict.fromkeys(own_numbers(script, min(NUMBERS, settings.common)), NO_LANGUAGE)
    for text, language in sorted(languages.items()):
        yield text, language, "letter" if text in letters and text not in words else "word"


def _others(found: dict[str, Languages], settings: WordsSettings) -> list[Row]:
    """Rows of `settings.others` texts of each script that is not learned, sorted by text."""
    texts: Languages = {}
    for script in _other_scripts(settings):
        texts |= other_texts(script, found[script], count=settings.others, length=settings.length)
    return [
        (UNKNOWN, text, language, "word", is_ambiguous(text, UNKNOWN, among=settings.scripts))
        for text, language in sorted(texts.items())
    ]


def _other_scripts(settings: WordsSettings) -> list[str]:
    return [script for script in OTHER_SCRIPTS if script not in settings.scripts] if settings.others else []


def write_no_words(out: Path) -> dict[str, float]:
    """Write an empty table, for a problem that renders nothing."""
    _write(pd.DataFrame([], columns=SCHEMA.names), out)
    return {"words": 0.0}


def _write(frame: pd.DataFrame, out: Path) -> None:
    with written_whole(out) as beside:
        pq.write_table(pa.Table.from_pandas(frame, schema=SCHEMA, preserve_index=False), beside, compression="zstd")


def letters_of(words: Languages, script: str) -> Languages:
    """The `LETTERS` most frequent letters of `words`, without rare ones; lower-case where the script has case.

    No marks, and no modifier letters such as the long-vowel sign of kana.
    """
    counts = Counter[str]()
    first: Languages = {}
    for word, language in words.items():
        for char in dict.fromkeys(word.lower()):
            counts[char] += 1
            first.setdefault(char, language)
    common = [char for char in counts if counts[char] >= RARE * len(words)]
    common = [char for char in common if unicodedata.category(char) in ("Ll", "Lo") and in_script(char, script)]
    commonest = sorted(common, key=lambda char: (-counts[char], char))[:LETTERS]
    return {char: first[char] for char in commonest}


def units_of(script: str, *, besides: Collection[str]) -> list[str]:
    """Units of the script's alphabet that are not of `besides`: at most `UNITS` of each size, every mark in its turn.

    Of scripts of thousands of characters at most `CHARACTERS`, each alone: a Japanese character with the hiragana that
    its alphabet has behind it is no letter.
    """
    units = {unit for units in alphabets_of(script) for unit in units}.difference(besides)
    if script in STANDARDS:
        return _spread(script, [unit for unit in units if len(unit) == 1])[:CHARACTERS]
    sizes = {unit: min(_size(unit), len(UNITS)) for unit in units}
    return [
        unit
        for size, most in enumerate(UNITS, start=1)
        for unit in _spread(script, [unit for unit in units if sizes[unit] == size])[:most]
    ]


def _spread(script: str, units: Iterable[str]) -> list[str]:
    """`units` in pseudo-random order, but for their last characters: these take turns."""
    turns = Counter[str]()
    found: list[tuple[int, str]] = []
    for unit in sorted(units, key=lambda unit: digest_of("letter", script, unit)):
        found.append((turns[unit[-1]], unit))
        turns[unit[-1]] += 1
    return [unit for _, unit in sorted(found, key=lambda pair: pair[0])]


def _size(unit: str) -> int:
    """Characters of a unit: one of a letter, two with a mark, three or more of a conjunct."""
    return sum(unicodedata.combining(char) != NUKTA for char in unit)


def _cldr_words(settings: WordsSettings) -> dict[str, Languages]:
    """Script → word → the first language, by name, that has it."""
    found: dict[str, Languages] = {script: {} for script in (*settings.scripts, *_other_scripts(settings))}
    for name in sorted(localedata.locale_identifiers()):
        script = _script_of(name)
        if script not in found or _is_regional(name):
            continue
        locale = Locale.parse(name)
        for word in _split_names(_names(locale)):
            if SHORTEST <= len(word) <= settings.length and word not in found[script] and in_script(word, script):
                found[script][word] = name.replace("_", "-")
    return found


def _script_of(name: str) -> str | None:
    """Label of the script that a locale is written in: named in it, or the likely one."""
    parts = name.split("_")
    script = next((part for part in parts[1:] if len(part) == 4 and part.isalpha()), None)
    if script is None:
        likely = get_global("likely_subtags")
        tag = likely.get("_".join(parts[:2])) or likely.get(parts[0])
        script = tag.split("_")[1] if tag else None
    return LABEL_OF.get(script, script) if script else None


def _is_regional(name: str) -> bool:
    # de_AT has nearly the same names as de. Scripts have four letters; variants, as el_POLYTON, more.
    return any(len(part) < 4 for part in name.split("_")[1:])


def _names(locale: Locale) -> Iterator[str]:
    yield from locale.territories.values()
    yield from locale.languages.values()
    yield from locale.scripts.values()
    for calendar in (locale.months, locale.days):
        for context in ("format", "stand-alone"):
            yield from calendar[context]["wide"].values()


def _split_names(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        for word in SEPARATORS.split(unicodedata.normalize("NFC", name)):
            if stripped := strip_word(word):
                yield f"{stripped}." if word.endswith(".") else stripped  # "St. Lucia" has an abbreviation


def _choose(found: Languages, script: str) -> Languages:
    """At most `MOST` words, pseudo-randomly by their digests."""
    return {word: found[word] for word in sorted(found, key=lambda word: digest_of("word", script, word))[:MOST]}
