"""Mining: which pool crops a model is wrong about, and sure of it. Planning only, over the score table."""

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd

from tasks.common.params import UNWRITTEN, MineSettings

PLAN_COLUMNS = ["key", "true", "predicted", "nuisance", "score", "outcome"]
ADDED, NEAR, PAIR_FULL, NUISANCE_FULL = "added", "near-duplicate", "pair full", "nuisance full"
NO_ROOM, IN_TRAINING, SET_ASIDE, AMBIGUOUS = "no room", "in training", "set aside", "ambiguous"


class Fate(NamedTuple):
    """What became of a false positive: `short` for the report's table, `told` for one crop's history."""

    short: str
    told: str


OUTCOMES = {
    ADDED: Fate("it joined the training set", "it was added to the training set"),
    NEAR: Fate("it looks like a surer one of the same truth and answer",
               "it was left out as a near-duplicate of a harder crop (mine.near)"),
    PAIR_FULL: Fate("its truth and answer had filled their quota",
                    "it was left out: harder crops had used up the quota of its (predicted, true) pair (mine.quota)"),
    NUISANCE_FULL: Fate("its nuisance value had filled its quota",
                     "it was left out: harder crops had used up the quota of its nuisance value (mine.nuisance_quota)"),
    NO_ROOM: Fate("the round had added all that it may",
                  "it was left out: harder crops had filled all that one round may add (mine.share)"),
    IN_TRAINING: Fate("it was in the training set already", "it was in the training set already"),
    SET_ASIDE: Fate("its label may be wrong: a person decides",
                    "it was set aside: its label is suspected, and a person decides"),
    AMBIGUOUS: Fate("its letters all have homoglyphs in another script",
                    "its letters all have homoglyphs in another script: no picture of it can teach which it is"),
}  # fmt: skip


def false_positives(wrong: pd.DataFrame, settings: MineSettings) -> pd.DataFrame:
    """Rows with another predicted label than the true one and p(predicted) ≥ the threshold: hardest first, then by key.

    The hardest is the surest. Rows that are right may be among `wrong`; they are left out.
    """
    found = wrong[(wrong["predicted"] != wrong["true"]) & (wrong["p"] >= settings.threshold)]
    return found.sort_values(["p", "key"], ascending=[False, True], ignore_index=True)


def false_alarms(found: pd.DataFrame) -> int:
    """How many of the false positives have no text in them at all."""
    return int((found["true"] == UNWRITTEN).sum())


def plan_mining(
    wrong: pd.DataFrame,
    settings: MineSettings,
    *,
    pool: int,
    taken: Collection[str] = (),
    aside: Collection[str] = (),
    unclear: Collection[str] = (),
) -> pd.DataFrame:
    """Every false positive and its outcome: `key, true, predicted, nuisance, score, outcome`, hardest first.

    Of the crops that could be added, at most `share` of the pool is; of those at most `quota` for one
    (predicted, true) pair and `nuisance_quota` for one nuisance value (one row of each at the least), so that one
    confusion cannot flood the set. A crop whose embedding is within `near` of a harder one's that
    was added for the same pair shows nothing new. Fates: `added`; or `in training` already, `set aside` as a
    suspected label error, `ambiguous`, `near-duplicate`, `pair full`, `nuisance full`, `no room`.

    Args:
        wrong: the score table's rows that are wrong: `key, predicted, true, nuisance, p`, and `embedding` (a list of
            numbers, or none), where near-duplicates are to be found.
        pool: rows of the whole pool.
        taken: keys of the training set.
        aside: keys whose labels are doubted.
        unclear: keys of texts whose letters all have homoglyphs in another script: no picture of them can teach which
        it is.
    """
    found = false_positives(wrong, settings)
    outcomes = np.full(len(found), "", object)
    for outcome, keys in ((AMBIGUOUS, unclear), (SET_ASIDE, aside), (IN_TRAINING, taken)):
        outcomes[found["key"].isin(list(keys)).to_numpy()] = outcome
    free = np.flatnonzero(outcomes == "")
    homoglyphs = _near_duplicates(found.iloc[free], settings)
    outcomes[free[homoglyphs]] = NEAR
    left = free[~homoglyphs]
    outcomes[left] = _under_quotas(found.iloc[left], settings, room=min(int(settings.share * pool), len(left)))
    return found.assign(outcome=outcomes).rename(columns={"p": "score"})[PLAN_COLUMNS]


def _under_quotas(found: pd.DataFrame, settings: MineSettings, *, room: int) -> list[str]:
    """The outcomes of rows, hardest first, of which at most `room` are added."""
    of_pair, of_nuisance = max(1, int(settings.quota * room)), max(1, int(settings.nuisance_quota * room))
    added, pairs, nuisances = 0, Counter[tuple[str, str]](), Counter[str]()
    outcomes = []
    for predicted, true, nuisance in zip(found["predicted"], found["true"], found["nuisance"], strict=True):
        known = isinstance(nuisance, str)
        if added == room:
            outcomes.append(NO_ROOM)
        elif pairs[predicted, true] == of_pair:
            outcomes.append(PAIR_FULL)
        elif known and nuisances[nuisance] == of_nuisance:
            outcomes.append(NUISANCE_FULL)
        else:
            outcomes.append(ADDED)
            added += 1
            pairs[predicted, true] += 1
            nuisances.update([nuisance] if known else [])
    return outcomes


def _near_duplicates(found: pd.DataFrame, settings: MineSettings) -> np.ndarray:
    """Which rows `[rows]` are within `near` (cosine distance) of a harder row of their pair that is not one itself."""
    homoglyphs = np.zeros(len(found), bool)
    if "embedding" not in found.columns:
        return homoglyphs
    for places in found.groupby(["predicted", "true"]).indices.values():
        known = [place for place in places if found["embedding"].iloc[place] is not None]
        if len(known) > 1:
            vectors = np.stack([np.asarray(found["embedding"].iloc[place], np.float32) for place in known])
            homoglyphs[np.array(known)[repeats(vectors, settings.near)]] = True
    return homoglyphs


def repeats(vectors: np.ndarray, near: float, *, block: int = 256) -> np.ndarray:
    """Which of `vectors[rows, width]` are within cosine distance `near` of an earlier one that is no repeat itself.

    Bool `[rows]`. Compared block by block: the memory follows the rows, not their square.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    repeated = np.zeros(len(units), bool)
    kept = np.zeros((0, units.shape[1]), units.dtype)
    for start in range(0, len(units), block):
        part = units[start : start + block]
        close = ((part @ kept.T) >= 1 - near).any(1) if len(kept) else np.zeros(len(part), bool)
        among = part @ part.T >= 1 - near
        for row in range(len(part)):
            close[row] = close[row] or bool((among[row, :row] & ~close[:row]).any())
        repeated[start : start + block] = close
        kept = np.concatenate([kept, part[~close]])
    return repeated
