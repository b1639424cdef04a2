"""Real words of each script, from Unicode CLDR through Babel and from the user's own lists.

CLDR names the world's territories, languages, scripts, months and weekdays in every locale's own language.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from babel import Locale, localedata
from babel.core import get_global
from fontTools import unicodedata as scripts_of_unicode

from tasks.errors import UserError
from tasks.files import written_whole
from tasks.params import WordsSettings
from tasks.split import LISTED, TONOS, digest_of, share_of

# Writing systems of several Unicode scripts, and the ones of a locale that belong to a label.
WRITTEN_IN = {"Jpan": {"Hira", "Kana", "Hani"}, "Kore": {"Hang"}}
LABEL_OF = {"Hans": "Hani", "Hant": "Hani"}
MUST_HAVE = {"Jpan": {"Hira", "Kana"}}  # without kana a Japanese word is a Chinese one to the eye
BICAMERAL = {"Armn", "Cyrl", "Grek", "Latn"}

SHORTEST = 2  # characters
MOST = 3000  # words of CLDR taken of a script: Latin alone has 50,000
CAPITALS = 1 / 3  # share of the words of a script with case that come in capitals as well
SEPARATORS = re.compile(r"[\s\-‐-―()\[\]{}/,;:·・،၊。、（）־]+")

SCHEMA = pa.schema(
    [("script", pa.dictionary(pa.int32(), pa.string())), ("text", pa.string()), ("language", pa.string())]
)


def make_words(settings: WordsSettings, *, out: Path) -> dict[str, float]:
    """Write the words of `settings.scripts` to `out`: script, text, language.

    Raises:
        UserError: a script has no words; a word list is missing, no UTF-8, or holds a word of another script.
    """
    lists = {path.stem: _read_list(path, settings) for path in _list_files(Path(settings.lists))}
    found = _cldr_words(settings)
    rows = []
    for script in sorted(set(settings.scripts)):
        words = _choose(found.get(script, {}), script)
        words |= {word: LISTED for word in lists.get(script, []) if word not in words}
        if not words:
            where = f"words.scripts: {script}"
            raise UserError(
                "CLDR has no words in this script",
                where=where,
                mend=f"add a list of its words, {settings.lists}/{script}.txt",
            )
        rows += [(script, word, language) for word, language in sorted(words.items())]
    frame = pd.DataFrame(rows, columns=SCHEMA.names)
    with written_whole(out) as beside:
        pq.write_table(pa.Table.from_pandas(frame, schema=SCHEMA, preserve_index=False), beside, compression="zstd")
    counts = frame.groupby("script").size()
    return {"words": float(len(frame)), "scripts": float(len(counts)), "fewest_words": float(counts.min())}


def in_script(word: str, script: str) -> bool:
    """Whether every character of `word` is of `script`, by Unicode's Script and Script_Extensions properties.

    Marks and joiners that take the script of their neighbours count; digits never do.
    """
    wanted = WRITTEN_IN.get(script, {script})
    own: set[str] = set()
    for char in word:
        category = unicodedata.category(char)
        found = scripts_of_unicode.script_extension(char)
        inherits = "Zinh" in found and category in ("Mn", "Me", "Cf")
        if category == "Nd" or not (wanted & found or inherits):
            return False
        if category[0] == "L":
            own.add(scripts_of_unicode.script(char))
    return bool(own & MUST_HAVE.get(script, wanted))


def _cldr_words(settings: WordsSettings) -> dict[str, dict[str, str]]:
    """Script → word → the first language, by name, that has it."""
    found: dict[str, dict[str, str]] = {script: {} for script in settings.scripts}
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
    # de_AT has the names of de but for a handful.
    return any(len(part) != 4 for part in name.split("_")[1:])


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
            if stripped := _strip(word):
                yield stripped


def _strip(word: str) -> str:
    """`word` without the punctuation, digits and symbols around it."""
    kinds = [unicodedata.category(char)[0] for char in word]
    if "L" not in kinds:
        return ""
    last = max(place for place, kind in enumerate(kinds) if kind in "LM")
    return word[kinds.index("L") : last + 1]


def _choose(found: dict[str, str], script: str) -> dict[str, str]:
    """At most `MOST` words, by their hash, and a share of them in capitals too."""
    chosen = sorted(found, key=lambda word: digest_of("word", script, word))[:MOST]
    words = {word: found[word] for word in chosen}
    if script in BICAMERAL:
        for word in chosen:
            if share_of("capitals", script, word) < CAPITALS:
                words.setdefault(capitals(word, script), found[word])
    return words


def capitals(word: str, script: str) -> str:
    """`word` in capitals; Greek ones carry no accent."""
    apart = unicodedata.normalize("NFD", word.upper())
    return unicodedata.normalize("NFC", apart.replace(TONOS, "") if script == "Grek" else apart)


def _list_files(folder: Path) -> list[Path]:
    """The users' lists, `<Script>.txt`; what else lies there (a README) is no list."""
    if not folder.is_dir():
        raise UserError("the folder of word lists is missing", where=f"words.lists: {folder}", mend="make it")
    return sorted(folder.glob("*.txt"))


def _read_list(path: Path, settings: WordsSettings) -> list[str]:
    where, script = path, path.stem
    if script not in settings.scripts:
        raise UserError(
            "a word list is named by its script, and this is none of words.scripts",
            where=where,
            mend="name it as Cyrl.txt, or add the script to words.scripts",
        )
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"the word list cannot be read: {error.strerror}", where=where, mend="mend its path") from None
    except UnicodeDecodeError as error:
        raise UserError(
            "the word list is not UTF-8", where=f"{where}, byte {error.start}", mend="save it as UTF-8"
        ) from None
    words = []
    for number, line in enumerate(lines, start=1):
        word, where_it_is = unicodedata.normalize("NFC", line.strip()), f"{path}, line {number}"
        if not word:
            continue
        if not in_script(word, script):
            raise UserError(
                f"'{word:.40}' is no word in {script}",
                where=where_it_is,
                mend="one word of that script a line",
            )
        if len(word) > settings.length:
            raise UserError(f"'{word:.40}' is too long", where=where_it_is, mend="shorten it, or raise words.length")
        words.append(word)
    return words
