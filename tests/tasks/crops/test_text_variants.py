"""How words are met: shares, and nothing that a font lacks."""

import random
from collections.abc import Iterator

import pytest

from tasks.common.drawing_settings import MixSettings
from tasks.crop_table.text_side import parts_of
from tasks.crops.text_variants import OWN_MARKS, UNIFORMS, VERTICAL, ZEROS, TextPlan, capitals, compose, plan_text

NONE = dict.fromkeys(MixSettings.model_fields, 0.0)
PLAIN = TextPlan("word", "lower", "", "_", vertical=False)


def mix(**shares: float) -> MixSettings:
    return MixSettings(**NONE | shares)


def plans(script: str, settings: MixSettings, *, count: int = 4000, has: str | None = None) -> Iterator[TextPlan]:
    """Plans by a seed; the font has every character, or those of `has`."""
    draw = random.Random(0)
    for _ in range(count):
        uniforms = [draw.random() for _ in range(UNIFORMS)]
        yield plan_text(script, settings, uniforms, covers=lambda text: has is None or set(text) <= set(has))


def everything(text: str) -> bool:
    return True


def test_shares_are_the_settings() -> None:
    settings = mix(letter=0.1, two=0.2, digits=0.25, punctuation=0.3, title=0.35, capitals=0.15)
    made = list(plans("Latn", settings))

    def share(where: list[bool]) -> float:
        return sum(where) / len(made)

    # Three standard deviations of a share of 4,000 are 0.024 at most.
    assert share([plan.form == "letter" for plan in made]) == pytest.approx(0.1, abs=0.024)
    assert share([plan.form == "two" for plan in made]) == pytest.approx(0.2, abs=0.024)
    assert share([plan.case == "title" for plan in made]) == pytest.approx(0.35, abs=0.024)
    assert share([plan.case == "capitals" for plan in made]) == pytest.approx(0.15, abs=0.024)
    # A letter stands alone.
    assert share([bool(plan.number) for plan in made]) == pytest.approx(0.9 * 0.25, abs=0.024)
    assert share([plan.marks != "_" for plan in made]) == pytest.approx(0.9 * 0.3, abs=0.024)
    assert not any(plan.vertical for plan in made)


def test_no_mix_is_the_word_in_small_letters() -> None:
    assert set(plans("Latn", mix(), count=100)) == {PLAIN}
    assert compose(["Haus"], "Latn", PLAIN, covers=everything) == "haus"


@pytest.mark.parametrize("script", sorted(VERTICAL))
def test_standing_texts_are_plain(script: str) -> None:
    made = list(plans(script, mix(vertical=0.5, digits=1.0, punctuation=1.0)))
    standing = [plan for plan in made if plan.vertical]
    assert len(standing) / len(made) == pytest.approx(0.5, abs=0.024)
    assert all(not plan.number and plan.marks == "_" for plan in standing)
    assert not any(plan.vertical for plan in plans("Latn", mix(vertical=1.0), count=50))


@pytest.mark.parametrize(
    ("word", "script", "expected"),
    [
        ("école", "Latn", ("école", "École", "ÉCOLE")),
        ("Αθήνα", "Grek", ("αθήνα", "Αθήνα", "ΑΘΗΝΑ")),  # capitals carry no accent
        ("ΟΔΟΣ", "Grek", ("οδος", "Οδος", "ΟΔΟΣ")),
        ("Москва", "Cyrl", ("москва", "Москва", "МОСКВА")),
        ("հայերեն", "Armn", ("հայերեն", "Հայերեն", "ՀԱՅԵՐԵՆ")),
        ("İzmir", "Latn", ("i̇zmir", "İzmir", "İZMIR")),
        ("ἀρχῇ", "Grek", ("ἀρχῇ", "Ἀρχῇ", "ΑΡΧΗΙ")),  # nor breathings, and the iota stands beside
        ("it's", "Latn", ("it's", "It's", "IT'S")),
        ("L’eau", "Latn", ("l’eau", "L’eau", "L’EAU")),
        ("'tis", "Latn", ("'tis", "'Tis", "'TIS")),
        ("co-op", "Latn", ("co-op", "Co-op", "CO-OP")),
        ("п’ять", "Cyrl", ("п’ять", "П’ять", "П’ЯТЬ")),
        ("ſo", "Latn", ("ſo", "So", "SO")),
        ("XIV", "Latn", ("xiv", "XIV", "XIV")),
        ("ქართული", "Geor", ("ქართული",) * 3),  # Georgian has capitals and does not use them
    ],
)
def test_case(word: str, script: str, expected: tuple[str, str, str]) -> None:
    for case, text in zip(("lower", "title", "capitals"), expected, strict=True):
        assert compose([word], script, PLAIN._replace(case=case), covers=everything) == text


def test_a_word_stays_as_it_is_where_the_font_lacks_the_other_case() -> None:
    made = compose(["Haus"], "Latn", PLAIN._replace(case="capitals"), covers=lambda text: set(text) <= set("Haus"))
    assert made == "Haus"
    assert capitals("Haus", "Latn") == "HAUS"


def test_numbers_are_the_scripts_own_in_half_of_the_texts() -> None:
    numbers = [plan.number.replace("_", "").strip() for plan in plans("Deva", mix(digits=1.0))]
    own = [set(number) <= set("०१२३४५६७८९") for number in numbers]
    assert sum(own) / len(own) == pytest.approx(0.5, abs=0.024)
    assert all(set(number) <= set("0123456789") for number, is_own in zip(numbers, own, strict=True) if not is_own)
    assert {len(number) for number in numbers} == {1, 2, 3, 4}
    assert not any(number.startswith(("0", "०")) for number in numbers)


def test_numbers_are_those_that_the_font_has() -> None:
    for has, expected in (("0123456789 ", "0123456789"), ("०१२३४५६७८९ ", "०१२३४५६७८९"), ("abc", "")):
        numbers = {plan.number for plan in plans("Deva", mix(digits=1.0), has=has, count=200)}
        assert set("".join(numbers)) - set("_ ") <= set(expected)
        assert any(numbers) == bool(expected)
    tight = {plan.number for plan in plans("Latn", mix(digits=1.0), has="0123456789", count=200)}
    assert all(number.startswith("_") and " " not in number for number in tight)  # the font has no space


def test_marks_are_those_that_the_font_has() -> None:
    every = {plan.marks for plan in plans("Jpan", mix(punctuation=1.0))}
    assert set(OWN_MARKS["Jpan"]) < every and "_," in every
    assert {plan.marks for plan in plans("Jpan", mix(punctuation=1.0), has="。", count=200)} == {"_。"}
    assert {plan.marks for plan in plans("Latn", mix(punctuation=1.0), has="", count=200)} == {"_"}


def test_two_words_need_a_space() -> None:
    assert {plan.form for plan in plans("Latn", mix(two=1.0), has="", count=50)} == {"word"}
    two = PLAIN._replace(form="two", marks="(_)", number="_ 12", case="title")
    assert compose(["rio", "grande"], "Latn", two, covers=everything) == "(Rio Grande) 12"


def test_nothing_follows_a_cut_word_and_no_mark_a_full_stop() -> None:
    full = PLAIN._replace(marks="_,", number="_ 12")
    assert compose(["ver-"], "Latn", full, covers=everything) == "ver-"
    assert compose(["ver-", "haus"], "Latn", full, covers=everything) == "haus ver-"
    assert compose(["etc."], "Latn", full, covers=everything) == "etc. 12"
    assert compose(["haus"], "Latn", full, covers=everything) == "haus, 12"


@pytest.mark.parametrize("script", sorted({*ZEROS, *OWN_MARKS, "Latn", "Kore"}))
def test_what_is_put_beside_a_word_leaves_it_its_text(script: str) -> None:
    settings = mix(two=0.3, digits=0.7, punctuation=0.7)
    words = {"Latn": ["Rio", "Grande"], "Jpan": ["コーヒー", "ロシア"], "Arab": ["مصر", "لبنان"]}.get(
        script, ["ab", "cd"]
    )
    for plan in plans(script, settings, count=300):
        chosen = words[: 1 + (plan.form == "two")]
        text = compose(chosen, script, plan, covers=everything)
        assert [part.casefold() for part in parts_of(text)] == [word.casefold() for word in chosen]
