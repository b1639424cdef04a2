"""How texts lie in their crops."""

import itertools

import numpy as np

from tasks.crops.cut import UNIFORMS, Cut, plan_cut
from tests.tasks.crops.toysource import PLAIN


def cuts(*, window: bool = False, letter: bool = False, **shares: float) -> list[Cut]:
    mix = PLAIN.model_copy(update=shares)
    rows = np.random.default_rng(0).random((4000, UNIFORMS)).tolist()
    return [plan_cut(mix, row, window=window, letter=letter) for row in rows]


def share(found: list[Cut], what: str) -> float:
    return float(np.mean([getattr(cut, what) is not None for cut in found]))


def test_plain_words_have_some_room_and_nothing_beside_them() -> None:
    found = cuts()
    assert min(cut.fill for cut in found) >= 0.6 and max(cut.fill for cut in found) < 0.95
    assert {(cut.above, cut.below, cut.rule, cut.window) for cut in found} == {(None, None, None, False)}


def test_tight_and_loose_are_shares_of_the_words() -> None:
    fills = np.array([cut.fill for cut in cuts(tight=0.2, loose=0.3)])
    assert abs(np.mean(fills >= 0.95) - 0.2) < 0.02 and abs(np.mean(fills < 0.6) - 0.3) < 0.02
    assert fills.min() >= 0.35 and fills.max() < 1.45


def test_windows_have_all_heights_that_lines_are_read_at() -> None:
    fills = np.array([cut.fill for cut in cuts(window=True, tight=1.0)])
    counts = np.histogram(fills, bins=5, range=(0.6, 1.45))[0]
    assert counts.sum() == len(fills) and counts.min() > 0.8 * counts.max()


def test_letters_have_all_these_heights_or_room_around_them_and_stand_in_the_middle() -> None:
    found = cuts(letter=True, tight=0.5, loose=0.2)
    fills = np.array([cut.fill for cut in found])
    assert abs(np.mean(fills < 0.6) - 0.2) < 0.02 and fills.min() >= 0.35
    counts = np.histogram(fills[fills >= 0.6], bins=5, range=(0.6, 1.45))[0]
    assert counts.sum() == (fills >= 0.6).sum() and counts.min() > 0.8 * counts.max()
    assert all(cut.letter and not cut.window for cut in found)
    assert all(0.4 <= place <= 0.6 for cut in found for place in (cut.across, cut.upright))


def test_neighbours_are_above_below_or_both() -> None:
    found = cuts(neighbours=0.5)
    both = float(np.mean([cut.above is not None and cut.below is not None for cut in found]))
    one = [share(found, name) - both for name in ("above", "below")]
    assert abs(both - 0.2) < 0.02 and all(abs(part - 0.15) < 0.02 for part in one)
    gaps = [
        gap for cut, name in itertools.product(found, ("above", "below")) if (gap := getattr(cut, name)) is not None
    ]
    assert min(gaps) >= 0 and max(gaps) < 0.4


def test_rules_are_of_every_kind() -> None:
    found = cuts(rules=0.3)
    assert abs(share(found, "rule") - 0.3) < 0.03
    assert {cut.rule for cut in found} == {None, "under", "over", "left", "right", "box"}


def test_words_rise_or_fall_and_have_nothing_beside_them_then() -> None:
    found = cuts(sloped=0.2, rules=0.3, neighbours=0.5)
    sloped = [cut for cut in found if cut.slope or cut.lean or cut.arch]
    assert abs(len(sloped) / len(found) - 0.2) < 0.02 and abs(share(found, "rule") - 0.3) < 0.03
    assert {(cut.rule, cut.above, cut.below) for cut in sloped} == {(None, None, None)}
    for name, part, sizes in (("slope", 0.5, (3, 20)), ("lean", 0.25, (5, 35)), ("arch", 0.25, (0.05, 0.2))):
        values = np.array([value for cut in sloped if (value := getattr(cut, name))])
        assert abs(len(values) / len(sloped) - part) < 0.05
        counts = np.histogram(abs(values), bins=5, range=sizes)[0]
        assert counts.sum() == len(values) and counts.min() > 0.55 * counts.max()
        assert abs(np.mean(values > 0) - 0.5) < 0.08
    for kind in ("window", "letter"):
        assert not any(cut.slope or cut.lean or cut.arch for cut in cuts(sloped=0.5, **{kind: True}))
