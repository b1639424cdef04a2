"""Variants of a word as texts show it: in capitals, with a number or punctuation, two words, or a single letter.

Pure: uniform random numbers in, text out. Characters that the font lacks are left out.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from tasks.common.drawing_settings import MixSettings
from tasks.crop_table.text_side import LINKS, OPTIONAL_MARKS, fold
from tasks.words.own_numbers import ZEROS, in_digits
from unfont.labels import COMMON

Form = Literal["word", "two", "letter"]
Case = Literal["lower", "title", "capitals"]
Covers = Callable[[str], bool]

UNIFORMS = 9  # uniform random numbers that a text takes
BICAMERAL = {"Armn", "Cyrl", "Grek", "Latn"}
VERTICAL = {"Hani", "Jpan", "Kore"}
ROMAN = re.compile("[IVXLCDM]{2,}")  # a Roman numeral, as the words have it: "Xiv" is no spelling of it

# "_" stands for the word. Half of the marks are the script's own, where it has some.
COMMON_MARKS = ("_,", "_.", "_:", "_;", "_!", "_?", "(_)", '"_"', "“_”", "«_»", "‘_’", "_…", "-_")
OWN_MARKS = {
    "Arab": ("_،", "_؛", "_؟", "«_»"), "Armn": ("_։", "_՝", "«_»"), "Beng": ("_।",), "Cyrl": ("«_»", "„_“"),
    "Deva": ("_।", "_॥"), "Ethi": ("_።", "_፣", "_፤", "_፥"), "Geor": ("„_“",), "Grek": ("_·", "_;", "«_»"),
    "Guru": ("_।",), "Hani": ("_，", "_。", "_、", "_：", "_！", "_？", "（_）", "《_》", "“_”"), "Hebr": ("_׃", "„_“"),
    "Jpan": ("_、", "_。", "_！", "_？", "「_」", "『_』", "（_）"), "Khmr": ("_។", "_៖"), "Kore": ("《_》", "「_」"),
    "Latn": ("„_“", "‹_›", "»_«", "¿_?", "¡_!", "& _", "§ _", "_*", "_†", "–_"),
    "Mymr": ("_၊", "_။"), "Orya": ("_।",), "Tibt": ("_།", "_༎"),
}  # fmt: skip


class TextPlan(NamedTuple):
    """How a text is composed; without a number `number` is empty, without punctuation `marks` is "_"."""

    form: Form
    case: Case
    number: str
    marks: str
    vertical: bool


def plan_text(script: str, mix: MixSettings, uniforms: Sequence[float], *, covers: Covers) -> TextPlan:
    """Sample how a crop's text is composed, from `UNIFORMS` numbers in [0, 1); `covers` tells what the font has.

    Single letters, vertical texts and those of no script have neither a number nor marks.
    """
    form, case, vertical, number, shape, own, place, marks, mark = uniforms
    standing = script in VERTICAL and vertical < mix.vertical
    plan = TextPlan(_form(mix, form, covers), _case(mix, script, case), "", "_", standing)
    if plan.form == "letter" or standing or script == COMMON:
        return plan
    if number < mix.digits:
        plan = plan._replace(number=_number(script, shape, own, place, covers))
    if marks < mix.punctuation:
        plan = plan._replace(marks=_marks(script, mark, covers))
    return plan


def compose(words: Sequence[str], script: str, plan: TextPlan, *, covers: Covers) -> str:
    """The text as rendered: `words` (one or two) in the plan's case, with its number and marks.

    Nothing follows the hyphen of a word that is cut at a line's end, and no mark the full stop of an abbreviation. A
    number in the script's own digits stands alone: a text without letters has its own side, and with a mark another.
    """
    cased = [_in_case(word, script, plan.case, covers) for word in sorted(words, key=_is_cut)]
    text = " ".join(cased)
    if _is_cut(text) or not any(map(str.isalpha, text)):
        return text
    if not text.endswith("."):
        text = plan.marks.replace("_", text)
    return plan.number.replace("_", text) if plan.number else text


def _is_cut(text: str) -> bool:
    return text.endswith("-")


def _form(mix: MixSettings, uniform: float, covers: Covers) -> Form:
    if uniform < mix.letter:
        return "letter"
    return "two" if uniform < mix.letter + mix.two and covers(" ") else "word"


def _case(mix: MixSettings, script: str, uniform: float) -> Case:
    if script not in BICAMERAL or uniform >= mix.title + mix.capitals:
        return "lower"
    return "title" if uniform < mix.title else "capitals"


def _in_case(word: str, script: str, case: Case, covers: Covers) -> str:
    """`word` in another case; unchanged where the font lacks a letter of it or the result is another word."""
    if script not in BICAMERAL:
        return word
    changed = word.lower()
    if case != "lower":
        changed = title(word) if case == "title" and not ROMAN.fullmatch(word) else capitals(word, script)
    return changed if fold(changed, script) == fold(word, script) and covers(changed) else word


def title(word: str) -> str:
    """`word` with an upper-case first letter, the others lower-case.

    >>> title("it's"), title("’TIS")
    ("It's", '’Tis')
    """
    first = next((place for place, char in enumerate(word) if char.isalpha() and char not in LINKS), 0)
    return word[: first + 1].title() + word[first + 1 :].lower()


def capitals(word: str, script: str) -> str:
    """`word` in capitals, in Greek without accents and breathings."""
    apart = unicodedata.normalize("NFD", word.upper())
    return unicodedata.normalize("NFC", OPTIONAL_MARKS["Grek"].sub("", apart) if script == "Grek" else apart)


def _number(script: str, shape: float, own: float, place: float, covers: Covers) -> str:
    """One to four digits beside the word ("_ 12", "12 _", "_12"), the script's own or 0 to 9; empty without digits."""
    figures = str(int(10 ** (4 * shape)))
    zeros = ZEROS.get(script, "")
    first = zeros[int(2 * own * len(zeros)) :][:1] if own < 0.5 else "0"
    for zero in (*first, "0", *zeros):
        number = in_digits(figures, zero)
        if covers(number):
            return (f"_ {number}", f"{number} _", f"_{number}")[int(3 * place)] if covers(" ") else f"_{number}"
    return ""


def _marks(script: str, uniform: float, covers: Covers) -> str:
    """Punctuation around the word: the script's own in half of the cases, where there is any; "_" without."""
    own = OWN_MARKS.get(script, ())
    tried = (own, COMMON_MARKS) if own and uniform < 0.5 else (COMMON_MARKS, own)
    within = 2 * uniform % 1 if own else uniform
    for marks in tried:
        possible = [mark for mark in marks if covers(mark.replace("_", ""))]
        if possible:
            return possible[int(within * len(possible))]
    return "_"
