"""Which design, font and text a crop shows."""

from collections import Counter

import numpy as np
import pytest

from tasks.common.drawing_settings import MixSettings
from tasks.crop_table.italics import is_italic
from tasks.crop_table.splits import DESIGN_SIDES, SPLITS, TEXT_SIDE
from tasks.crop_table.text_side import may_train, parts_of, text_side
from tasks.crops.sampling_plan import FontRow, SamplingPlan, Texts, coverage_of, plan_splits
from tests.tasks.crops.toysource import LETTERS, MIX, PLAIN, TAG, WORDS

STYLES = ("monospace", "sans-serif", "serif")
ALL = "".join(map(chr, range(32, 127))) + "・日本語東京都大阪コーヒー"


def font(row: int, *, style: str = "serif", design: str = "d", has: str = ALL, side: str = "train") -> FontRow:
    return FontRow(row, f"family {row}", style, design, side, 400, np.array(sorted(map(ord, has)), np.int32))


def slanted(uprights: int, italics: int, **where: str) -> list[FontRow]:
    """So many upright designs, the first `italics` of which have an italic."""
    names = [*map(str, range(uprights)), *(f"{number} italic" for number in range(italics))]
    kind = "-".join(where.values())
    return [font(row, design=f"{kind} {name}", **where) for row, name in enumerate(names)]


def plans_of(
    fonts: list[FontRow], *, script: str = "Latn", mix: MixSettings = MIX, words: list[str]
) -> dict[str, SamplingPlan]:
    texts = Texts(tuple(words), tuple(LETTERS.get(script, "")))
    return plan_splits(script, texts, fonts, tag=TAG, mix=mix, height=32, seed=0)


@pytest.fixture
def train() -> SamplingPlan:
    fonts = [font(n, style=STYLES[n % 3], design=f"design {n // 2}") for n in range(12)]
    return plans_of(fonts, words=WORDS["Latn"])["train"]


def test_coverage_is_brute_force_coverage() -> None:
    coverages = ["abc", "", "abcdé", "z", "cab"]
    fonts = [font(n, has=has) for n, has in enumerate(coverages)]
    words = ["a", "cab", "éa", "zz", "az"]
    assert coverage_of(words, fonts).tolist() == [[set(word) <= set(has) for word in words] for has in coverages]
    assert coverage_of([], fonts).shape == (5, 0)


def test_no_font_needs_a_glyph_of_a_joiner() -> None:
    assert coverage_of(["a\u200cb", "a\u200d", "a-b"], [font(0, has="ab")]).tolist() == [[True, True, False]]
    assert font(0, has="ab").covers("a\u200cb") and not font(0, has="ab").covers("a’b")


def test_a_split_without_designs_has_no_cast() -> None:
    lower = font(0, has="".join(map(chr, range(97, 123))))
    shouted = ["ECHO", "GOLF", "HOTEL", "KILO"]
    plans = plans_of([lower], words=[*WORDS["Latn"], *shouted])
    assert set(plans) == {"train", "pool", "test_seen"}
    sides = [text_side(word, script="Latn", settings=TAG, seed=0) for word in WORDS["Latn"]]
    shown = plans["train"].words | plans["test_seen"].words  # the font has no capitals
    assert shown == {word for word, side in zip(WORDS["Latn"], sides, strict=True) if side != "validation"}


def test_styles_and_designs_take_turns(train: SamplingPlan) -> None:
    fonts = [train.sample(index, 0, 0).font for index in range(24)]
    assert [font.style for font in fonts] == list(STYLES) * 8
    for style in STYLES:
        designs = [font.design for font in fonts if font.style == style]
        assert designs[:4] == designs[4:] and len(set(designs[:4])) == 4


# The designs of each script's serifs and monospaces, upright and italic: the fewer the upright ones, the more have one.
SLANTED = {"Cyrl": ((5, 5), (3, 2)), "Grek": ((2, 1), (7, 7)), "Latn": ((9, 1), (20, 4))}


@pytest.mark.parametrize("script", SLANTED)
def test_a_quarter_is_italic_of_every_style_that_has_both_kinds(script: str) -> None:
    fonts = [font(0, style="display", design=f"{side} alone", side=side) for side in DESIGN_SIDES]
    for side in DESIGN_SIDES:
        for style, (uprights, italics) in zip(("serif", "monospace"), SLANTED[script], strict=True):
            fonts += slanted(uprights, italics, style=style, side=side)
    plans = plans_of(fonts, script=script, words=WORDS["Latn"])
    assert set(plans) == set(SPLITS)
    for plan in plans.values():
        shown = [plan.sample(index, 0, 0).font for index in range(3 * 4 * 60)]
        assert not any(is_italic(one.design) for one in shown if one.style == "display")
        for style, (uprights, italics) in zip(("serif", "monospace"), SLANTED[script], strict=True):
            designs = [one.design for one in shown if one.style == style]
            slants = [is_italic(design) for design in designs]
            assert all(sum(slants[turn : turn + 4]) == 1 for turn in range(len(slants) - 3))
            for kind, count in ((False, uprights), (True, italics)):
                turns = Counter(design for design in designs if is_italic(design) is kind)
                assert len(turns) == count and np.ptp(list(turns.values())) <= 1


@pytest.mark.parametrize("kind", ["upright", "italic"])
def test_designs_of_a_style_of_one_kind_take_turns_as_they_are(kind: str) -> None:
    names = [f"{number}{' italic' * (kind == 'italic')}" for number in range(5)]
    plan = plans_of([font(row, design=name) for row, name in enumerate(names)], words=WORDS["Latn"])["train"]
    designs = [plan.sample(index, 0, 0).font.design for index in range(10)]
    assert designs[:5] == designs[5:] and set(designs) == set(names)


@pytest.mark.parametrize("styles", [2, 3, 5, 6])
def test_the_partner_of_an_italic_is_an_upright_of_another_style(styles: int) -> None:
    fonts = [one for number in range(styles) for one in slanted(3, 2, style=f"style {number}")]
    plan = plans_of(fonts, words=WORDS["Latn"])["train"]
    pairs = [plan.sample_pair(number, 0, 0) for number in range(200)]
    kinds = Counter()
    for number, pair in enumerate(pairs):
        assert pair and pair[0].font.style != pair[1].font.style and pair[0].font.design != pair[1].font.design
        for place, sample in enumerate(pair):
            assert sample.font.design == plan.sample(2 * number + place, 0, 0).font.design
        kinds[sum(is_italic(sample.font.design) for sample in pair)] += 1
    assert set(kinds) == {0, 1} and kinds[1] == pytest.approx(100, abs=2)


def test_every_part_of_a_text_is_on_the_splits_side(train: SamplingPlan) -> None:
    texts = [train.sample(index, 0, 0).text for index in range(600)]
    assert all(may_train(text, script="Latn", settings=TAG, seed=0) for text in texts)
    letters = {text for text in texts if len(text) == 1 and text.isalpha()}
    assert {text_side(letter, script="Latn", settings=TAG, seed=0) for letter in letters} == set(TEXT_SIDE.values())
    assert {len(parts_of(text)) for text in texts} == {1, 2}
    assert any(len(text) == 1 for text in texts) and any(char in "0123456789" for text in texts for char in text)
    assert any(text.isupper() and len(text) > 3 for text in texts) and any(text.istitle() for text in texts)
    assert all(len(part) <= 8 for text in texts if len(parts_of(text)) == 2 for part in parts_of(text))


def test_held_out_splits_show_letters_of_their_own_side() -> None:
    held_out = plans_of([font(0, side="validation"), font(1, side="test_unseen")], words=WORDS["Latn"])
    assert set(held_out) == {"validation", "test_unseen"}
    for plan in held_out.values():
        texts = {plan.sample(index, 0, 0).text for index in range(300)}
        side = {"validation": "validation", "test_unseen": "test"}[plan.split]
        assert {text_side(text, script="Latn", settings=TAG, seed=0) for text in texts} == {side}
        assert any(len(text) == 1 for text in texts)


def test_letters_words_and_fonts_are_covered() -> None:
    vowels = font(0, has="aeiou ,")
    consonants = font(1, style="monospace", has="bcdfgh.")
    plan = plans_of([vowels, consonants], words=["aaa", "bbb", "eio", "fgh", "abc"], mix=MIX)["train"]
    for index in range(200):
        sample = plan.sample(index, 0, 0)
        assert sample.font.covers(sample.text)
    assert "abc" not in plan.words


def test_pairs_are_one_text_in_two_styles(train: SamplingPlan) -> None:
    for number in range(100):
        pair = train.sample_pair(number, 0, 0)
        if pair is None:  # the two fonts are of one design
            continue
        one, other = pair
        assert one.text == other.text and one.font.style != other.font.style
        assert one.font.design != other.font.design and one.cut != other.cut
        assert may_train(one.text, script="Latn", settings=TAG, seed=0)


def test_a_pair_has_a_text_that_both_fonts_cover() -> None:
    words = ["abc", "bca", "xyz", "zyx", "aax", "bbz"]
    fonts = [font(0, design="one", has="abcxyz"), font(1, style="monospace", design="two", has="abc")]
    plan = plans_of(fonts, words=words, mix=PLAIN)["train"]
    pairs = [plan.sample_pair(number, 0, 0) for number in range(20)]
    assert all(pair and set(pair[0].text) <= set("abc") for pair in pairs)
    apart = [font(0, design="one", has="abc"), font(1, style="monospace", design="two", has="xyz")]
    assert plans_of(apart, words=words, mix=PLAIN)["train"].sample_pair(0, 0, 0) is None


@pytest.mark.parametrize("fonts", [[font(0), font(1)], [font(0), font(1, style="monospace")]])
def test_one_style_or_one_design_makes_no_pair(fonts: list[FontRow]) -> None:
    plan = plans_of(fonts, words=WORDS["Latn"])["train"]
    assert [plan.sample_pair(number, 0, 0) for number in range(9)] == [None] * 9


def test_standing_texts_have_room_for_their_characters() -> None:
    words = ["日本", "東京都", "日本語東京", "大阪", "語東"]
    plan = plans_of([font(0)], script="Hani", words=words, mix=MIX.model_copy(update={"vertical": 1.0}))["train"]
    samples = [plan.sample(index, 0, 0) for index in range(50)]
    # 32 pixels are room for three characters.
    assert all(sample.vertical and len(sample.text) <= 3 for sample in samples)
    long = plans_of([font(0)], script="Hani", words=["日本語東京"], mix=MIX.model_copy(update={"vertical": 1.0}))
    plan = next(iter(long.values()))
    assert {plan.sample(index, 0, 0).vertical for index in range(20)} == {False}


def test_a_later_attempt_keeps_the_design(train: SamplingPlan) -> None:
    tries = [train.sample(5, attempt, 0) for attempt in range(6)]
    assert len({sample.font.design for sample in tries}) == 1
    assert len({sample.text for sample in tries}) > 1
    assert train.sample(5, 0, 1) != tries[0] == train.sample(5, 0, 0)


def test_windows_are_of_lines_of_several_texts() -> None:
    fonts = [font(n, style=STYLES[n % 3], design=f"design {n // 2}") for n in range(12)]
    mix = PLAIN.model_copy(update={"window": 0.5})
    plan = plans_of(fonts, words=WORDS["Latn"], mix=mix)["train"]
    samples = [plan.sample(index, 0, 0) for index in range(300)]
    lines = [sample.text for sample in samples if sample.cut.window]
    assert 120 < len(lines) < 180
    assert all(len(line.replace(" ", "")) >= 18 or len(parts_of(line)) == 6 for line in lines)
    assert {text_side(line, script="Latn", settings=TAG, seed=0) for line in lines} == {"train"}
    assert all(len(parts_of(sample.text)) == 1 for sample in samples if not sample.cut.window)


def test_letters_alone_are_cut_as_letters_also_where_a_font_has_no_space() -> None:
    mix = PLAIN.model_copy(update={"letter": 0.5, "window": 0.5})
    for has, alone in ((ALL, 0.25), (ALL.replace(" ", ""), 0.5)):
        plan = plans_of([font(0, has=has)], words=WORDS["Latn"], mix=mix)["train"]
        samples = [plan.sample(index, 0, 0) for index in range(400)]
        assert all(sample.cut.letter == (len(sample.text) == 1) for sample in samples)
        assert not any(sample.cut.letter and sample.cut.window for sample in samples)
        assert abs(np.mean([sample.cut.letter for sample in samples]) - alone) < 0.08


def test_both_of_a_pair_are_windows_of_the_same_piece_or_neither_is() -> None:
    fonts = [font(n, style=STYLES[n % 3], design=f"design {n}") for n in range(6)]
    plan = plans_of(fonts, words=WORDS["Latn"], mix=PLAIN.model_copy(update={"window": 0.5}))["train"]
    pairs = [pair for number in range(60) if (pair := plan.sample_pair(number, 0, 0))]
    assert {one.cut.window for one, _ in pairs} == {True, False}
    for one, other in pairs:
        assert one.cut.window == other.cut.window and one.text == other.text
        if one.cut.window:
            assert (one.cut.fill, one.cut.across) == (other.cut.fill, other.cut.across)


def test_texts_of_no_script_are_left_as_they_are() -> None:
    numbers = ["12", "3.50", "1999", "(7)", "45%", "€12", "8:30", "2/3", "17", "99", "64", "1,000"]
    fonts = [font(n, design=f"design {n}", has=ALL + "€") for n in range(3)]
    mix = MIX.model_copy(update={"digits": 1.0, "punctuation": 1.0, "capitals": 0.5, "window": 0.3})
    plan = plans_of(fonts, script="Zyyy", words=numbers, mix=mix)["train"]
    texts = [plan.sample(index, 0, 0).text for index in range(200)]
    assert {text for text in texts if " " not in text} <= set(numbers)
    assert {text_side(text, script="Zyyy", settings=TAG, seed=0) for text in texts} == {"train"}
    assert any(len(text.split()) > 2 for text in texts)


def test_of_scripts_that_are_not_learned_designs_take_turns_whatever_their_style() -> None:
    fonts = [font(n, style="serif" if n == 0 else "sans-serif", design=f"Zzzz:{n}") for n in range(6)]
    plan = plans_of(fonts, script="Zzzz", words=WORDS["Latn"])["train"]
    designs = [plan.sample(index, 0, 0).font.design for index in range(12)]
    assert designs[:6] == designs[6:] and len(set(designs)) == 6
