"""Labels by other names: which script is meant by `Bangla`, `Hindi`, `zh-Hans` or `latin`, from CLDR and Unicode."""

import functools
import re
from collections.abc import Collection, Iterable

from babel import Locale
from babel.core import get_global
from fontTools import unicodedata

from unfont.labels import COMMON, UNKNOWN, UNWRITTEN

MOST = 6  # names in a hint
# What the labels of this project take together: Han is one script, Japanese and Korean are written in several.
_TOGETHER = {"Hans": "Hani", "Hant": "Hani", "Hira": "Jpan", "Kana": "Jpan", "Hrkt": "Jpan", "Hang": "Kore"}
_SHORTEST = 4  # letters of a word that counts as a name inside a longer one


def is_script_code(label: str) -> bool:
    """Whether `label` is an ISO 15924 code that CLDR knows, such as Latn."""
    return label in Locale.parse("en").scripts


def label_meant(name: str, known: Collection[str] | None = None) -> str | None:
    """The script's code that `name` means, one of `known` if they are given; None where nobody can say.

    `name` may be the English name of a script or a language, or a code of either, in any case, alone or beside other
    words; a language means the script that it is most likely written in.
    """
    code = _script_of(name)
    if code is None:
        return None
    choices = (code, _TOGETHER.get(code))
    if known is None:
        return choices[1] or choices[0]
    return next((choice for choice in choices if choice in known), None)


def mapping_hint(names: Iterable[str], known: Collection[str] | None = None) -> str:
    """The option that maps `names` to labels: `--labels Bangla=Beng,x=CODE`, with `CODE` where nobody can say."""
    every = list(names)
    pairs = ",".join(f"{name}={label_meant(name, known) or 'CODE'}" for name in every[:MOST])
    pairs += ",…" if len(every) > MOST else ""
    return f"--labels {pairs}" if re.fullmatch(r"[\w=,.…+-]+", pairs) else f"--labels '{pairs}'"


def _script_of(name: str) -> str | None:
    plain = " ".join(re.findall(r"[^\W\d_]+", name.casefold()))
    codes = _codes()
    if plain in codes:
        return codes[plain]
    if tagged := _of_tag(name):
        return tagged
    found = {codes[word] for word in plain.split() if len(word) >= _SHORTEST and word in codes}
    return found.pop() if len(found) == 1 else None


def _of_tag(name: str) -> str | None:
    """The script of a language tag such as `zh-Hant`, `sr_Latn` or `pa_PK`."""
    language, *parts = re.split("[-_]", name)
    if not parts or language.lower() not in Locale.parse("en").languages:
        return None
    written = next((part.title() for part in parts if is_script_code(part.title())), None)
    return written or _likely(f"{language.lower()}_{parts[0].upper()}")


@functools.cache
def _codes() -> dict[str, str]:
    """Scripts by English names and codes of languages and scripts, lower-case; a script's own name comes first."""
    english = Locale.parse("en")
    found = {alias: _likely(tag) for alias, tag in get_global("language_aliases").items()}
    for tag, name in english.languages.items():
        found |= dict.fromkeys((tag, name), _likely(tag))
    # CLDR says Bangla and Odia where Unicode says Bengali and Oriya.
    for code, name in english.scripts.items():
        found |= dict.fromkeys((code, name, unicodedata.script_name(code, "")), code)
    named = {" ".join(re.findall(r"[^\W\d_]+", name.casefold())): code for name, code in found.items()}
    # Of the codes of no script in particular, those that are labels here.
    kept = {code for code in named.values() if code and (code[0] != "Z" or code in (UNWRITTEN, COMMON, UNKNOWN))}
    return {name: code for name, code in named.items() if name and code in kept}


def _likely(tag: str) -> str | None:
    """The script that a language is most likely written in."""
    parts = tag.replace("-", "_").split("_")
    written = next((part for part in parts[1:] if len(part) == 4), None)
    full = get_global("likely_subtags").get("_".join(parts)) or get_global("likely_subtags").get(parts[0])
    return written or (full.split("_")[1] if full else None)
