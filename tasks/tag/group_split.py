"""The split of each of a user's own crops: a pure function of labels, texts, keys and the seed.

Groups are held out whole, and crops of one text (or, without text, near-duplicates) are never on two sides:

    side of the group    train               train        validation    test_unseen
    side of the text     train               test         validation    test
    split                train and pool      test_seen    validation    test_unseen

A crop whose group is on one side and whose text on another fits in no split and is excluded. A text that only groups
of one side show is on that side, so no crop is excluded where groups share no texts.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from tasks.common.params import TagSettings
from tasks.crop_table.splits import POOL, TEST, TEST_SEEN, TEST_UNSEEN, TRAIN, VALIDATION
from tasks.crop_table.text_side import digest_of, fold, share_of, text_side

FEWEST = 3  # groups, of which one is held out for validation and one for the test
OTHER_TEXT = "its text stands on another side than its group"
OTHER_NEAR = "a near-duplicate of it stands on another side"
OTHER_WORDS = "its words stand on different sides"

_SPLIT = {(TRAIN, TEST): TEST_SEEN, (VALIDATION, VALIDATION): VALIDATION, (TEST_UNSEEN, TEST): TEST_UNSEEN}
_GROUP_SIDE = {TRAIN: TRAIN, VALIDATION: VALIDATION, TEST: TEST_UNSEEN}


class Unit(NamedTuple):
    """What must be on one side: all crops of a text, or of a near-duplicate cluster; `name` is its identity."""

    name: str
    target: str
    text: str | None


def own_splits(
    rows: pd.DataFrame,
    *,
    settings: TagSettings,
    seed: int,
    known: Mapping[str, str] | None = None,
    beside_drawn: bool = False,
) -> pd.DataFrame:
    """The `split` of each row, or the `reason` why it fits in none; the other one is null.

    The rows' order does not matter.

    Args:
        rows: `key` (each once), `target`, `group` and `text` (both nullable), `cluster` (a number that
            near-duplicates share).
        known: sides of groups that are decided elsewhere: those of the fonts' designs.
        beside_drawn: rendered crops are in the same table: texts have the sides that they have among those.
    """
    # Beside rendered crops, their rule decides which texts are the same.
    units = _units(rows, fold if beside_drawn else _words_of)
    sides = _group_sides(rows, settings, seed, known or {})
    shown_on: dict[Unit, frozenset[str]] = dict.fromkeys(units, frozenset())
    shared: dict[frozenset[str], frozenset[str]] = {}  # a set each would be most of the memory
    for unit, group in zip(units, rows["group"], strict=True):
        if pd.notna(group) and sides[group] not in shown_on[unit]:
            on = shown_on[unit] | {sides[group]}
            shown_on[unit] = shared.setdefault(on, on)
    alone = [unit for unit, on in shown_on.items() if not on and not (beside_drawn and unit.text)]
    stand_ins = hold_out({unit.name: frozenset([unit.target]) for unit in alone}, settings, seed)
    for unit in alone:
        shown_on[unit] |= {stand_ins[unit.name]}
    # Where no group can be held out, texts are: validation with known groups is better than none.
    loose = not beside_drawn and not any(VALIDATION in on for on in shown_on.values())
    stands = {
        unit: text_side(unit.text, script=unit.target, settings=settings, seed=seed)
        if beside_drawn and unit.text
        else _side_among(on, share_of("unit", seed, unit.name), settings, loose)
        for unit, on in shown_on.items()
    }
    pools = {unit: share_of("pool", seed, unit.name) < settings.pool for unit in shown_on}
    found = [
        _split_of(unit, stands[unit], _side_of_row(group, unit, sides, stand_ins, stands), pools[unit], loose)
        for unit, group in zip(units, rows["group"], strict=True)
    ]
    return pd.DataFrame(found, columns=["split", "reason"], index=rows.index, dtype="str")


def hold_out(groups: Mapping[str, Iterable[str]], settings: TagSettings, seed: int) -> dict[str, str]:
    """Side of each group: `train`, `validation` or `test_unseen`.

    Of the groups that show the same targets, fractions are held out, at least one for each side where there are three
    or more, chosen by their digests. The last training group that shows a target stays.
    """
    targets = {name: frozenset(shown) for name, shown in groups.items()}
    sides = dict.fromkeys(targets, TRAIN)
    left = Counter(target for shown in targets.values() for target in shown)
    for stratum in _strata(targets):
        quotas = {
            VALIDATION: _quota(settings.validation_groups, len(stratum)),
            TEST_UNSEEN: _quota(settings.test_groups, len(stratum)),
        }
        for name in sorted(stratum, key=lambda name: digest_of(seed, "group", name)):
            side = next((side for side, quota in quotas.items() if quota), None)
            if side is None:
                break
            if all(left[target] > 1 for target in targets[name]):
                sides[name] = side
                quotas[side] -= 1
                left.subtract(targets[name])
    return sides


def _strata(targets: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Groups by the targets that they show; sets of fewer than three groups are merged into one stratum."""
    alike: dict[frozenset[str], list[str]] = defaultdict(list)
    for name, shown in targets.items():
        alike[shown].append(name)
    large = [names for _, names in sorted(alike.items(), key=lambda item: sorted(item[0])) if len(names) >= FEWEST]
    small = [name for names in alike.values() if len(names) < FEWEST for name in names]
    return [*large, small]


def _quota(share: float, groups: int) -> int:
    return max(1, round(share * groups)) if share > 0 and groups >= FEWEST else 0


def _units(rows: pd.DataFrame, same: Callable[[str, str], str]) -> list[Unit]:
    # The smallest key names a cluster: its number depends on the rows' order.
    smallest = rows.sort_values("key").drop_duplicates("cluster").set_index("cluster")["key"]
    first = rows["cluster"].map(smallest)
    units, known = [], {}
    for target, text, key in zip(rows["target"], rows["text"], first, strict=True):
        text = None if pd.isna(text) else text
        at = (target, text, None if text else key)
        if at not in known:
            words = same(text, target) if text else None
            known[at] = Unit(f"text\x1f{target}\x1f{words}" if words else f"near\x1f{target}\x1f{key}", target, words)
        units.append(known[at])
    return units


def _words_of(text: str, target: str) -> str:
    """A text without case, punctuation and spaces ("Haus," is "HAUS", and "co-op" is "Co op")."""
    return "".join(c for c in fold(text, target) if unicodedata.category(c)[0] in "LMN") or text


def _group_sides(rows: pd.DataFrame, settings: TagSettings, seed: int, known: Mapping[str, str]) -> dict[str, str]:
    labelled = rows[["group", "target"]].dropna().drop_duplicates()
    shown: dict[str, set[str]] = defaultdict(set)
    for group, target in labelled.itertuples(index=False):
        shown[group].add(target)
    free = {group: targets for group, targets in shown.items() if group not in known}
    return {group: known[group] for group in shown if group in known} | hold_out(free, settings, seed)


def _side_among(on: frozenset[str], position: float, settings: TagSettings, loose: bool) -> str:
    """Side of a text that groups on the sides `on` show; `position` is uniform in [0, 1)."""
    validation, test = settings.validation_words, settings.test_words
    weights = {
        VALIDATION: validation if VALIDATION in on or loose else 0.0,
        TEST: test if on & {TRAIN, TEST_UNSEEN} else 0.0,
    }
    weights[TRAIN] = max(0.0, 1 - sum(weights.values())) if TRAIN in on else 0.0
    if not sum(weights.values()):
        return next(side for side, group_side in _GROUP_SIDE.items() if group_side in on)
    position *= sum(weights.values())
    for side, weight in weights.items():
        if position < weight:
            return side
        position -= weight
    return max(weights, key=lambda side: weights[side])


def _side_of_row(
    group: str | None,
    unit: Unit,
    sides: Mapping[str, str],
    stand_ins: Mapping[str, str],
    stands: Mapping[Unit, str | None],
) -> str | None:
    """Side of a row's group, or of its text where it has no group."""
    if pd.notna(group):
        return sides[group]
    if unit.name in stand_ins:
        return stand_ins[unit.name]
    text = stands[unit]
    return None if text is None else _GROUP_SIDE[text]


def _split_of(
    unit: Unit, text: str | None, group: str | None, pool: bool, loose: bool
) -> tuple[str | None, str | None]:
    if text is None:
        return None, OTHER_WORDS
    if group == text == TRAIN:
        return (POOL if pool else TRAIN), None
    if loose and (group, text) == (TRAIN, VALIDATION):
        return VALIDATION, None
    split = _SPLIT.get((str(group), text))
    return split, None if split else (OTHER_TEXT if unit.text else OTHER_NEAR)
