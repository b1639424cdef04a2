"""Whether a word is written in a script."""

import unicodedata
from functools import cache

from fontTools import unicodedata as scripts_of_unicode

from tasks.crop_table.text_side import LINKS

# Labels that consist of several Unicode scripts.
WRITTEN_IN = {"Jpan": {"Hira", "Kana", "Hani"}, "Kore": {"Hang"}}
MUST_HAVE = {"Jpan": {"Hira", "Kana"}}  # without kana a Japanese word is a Chinese one to the eye


def in_script(word: str, script: str) -> bool:
    """Whether every character of `word` is of `script`, by Unicode's Script and Script_Extensions properties.

    Marks that inherit the script of their neighbours are accepted, and so are apostrophes, hyphens, joiners and full
    stops ("п'ять", "co-op", "etc."); digits are not.
    """
    own: set[str] = set()
    for char in word:
        if not _fits(char, script):
            return False
        own.update(_letter_script(char))
    return bool(own & MUST_HAVE.get(script, WRITTEN_IN.get(script, {script})))


@cache  # a few thousand characters make up CLDR's million
def _fits(char: str, script: str) -> bool:
    if char in LINKS:
        return True
    category = unicodedata.category(char)
    found = scripts_of_unicode.script_extension(char)
    inherits = "Zinh" in found and category in ("Mn", "Me", "Cf")
    return category != "Nd" and (bool(WRITTEN_IN.get(script, {script}) & found) or inherits)


@cache
def _letter_script(char: str) -> tuple[str, ...]:
    """The script of a letter; nothing for other characters."""
    return (scripts_of_unicode.script(char),) if unicodedata.category(char)[0] == "L" else ()
