"""Mining: which pool crops a model gets wrong with high confidence. Planning only, over the score table."""

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd

from tasks.common.params import UNWRITTEN, MineSettings

PLAN_COLUMNS = ["key", "true", "predicted", "nuisance", "score", "outcome"]
ADDED, NEAR, PAIR_FULL, NUISANCE_FULL = "added", "near-duplicate", "pair full", "nuisance full"
NO_ROOM, IN_TRAINING, SET_ASIDE, AMBIGUOUS = "no room", "in training", "set aside", "ambiguous"


class Outcome(NamedTuple):
    """What became of a false positive: `short` in the report's table, `sentence` in one crop's history."""

    short: str
    sentence: str


OUTCOMES = {
    ADDED: Outcome("it joined the training set", "it was added to the training set"),
    NEAR: Outcome("it is a near-duplicate of a more confident one of the same pair",
               "it was left out as a near-duplicate of a harder crop (mine.near)"),
    PAIR_FULL: Outcome("its (predicted, true) pair had filled its quota",
                    "it was left out: harder crops had used up the quota of its (predicted, true) pair (mine.quota)"),
    NUISANCE_FULL: Outcome("its nuisance value had filled its quota",
                     "it was left out: harder crops had used up the quota of its nuisance value (mine.nuisance_quota)"),
    NO_ROOM: Outcome("the round had reached its limit",
                  "it was left out: harder crops had filled the limit of the round (mine.share)"),
    IN_TRAINING: Outcome("it was in the training set already", "it was in the training set already"),
    SET_ASIDE: Outcome("its label may be wrong: a person decides",
                    "it was excluded: its label is suspected to be wrong, and a person decides"),
    AMBIGUOUS: Outcome("its letters all have homoglyphs in another script",
                    "its letters all have homoglyphs in another script: no image of it shows which it is"),
}  # fmt: skip


def false_positives(wrong: pd.DataFrame, settings: MineSettings) -> pd.DataFrame:
    """Rows with another predicted label than the true one and p(predicted) ≥ the threshold: hardest first, then by key.

    The hardest has the highest p(predicted). Rows that are right may be among `wrong`; they are left out.
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
    in_training: Collection[str] = (),
    suspected: Collection[str] = (),
    ambiguous: Collection[str] = (),
) -> pd.DataFrame:
    """Every false positive and its outcome: `key, true, predicted, nuisance, score, outcome`, hardest first.

    Of the crops that could be added, at most `share` of the pool is; of those at most `quota` for one
    (predicted, true) pair and `nuisance_quota` for one nuisance value (one row of each at the least), so that one
    confusion cannot flood the set. A crop whose embedding is within `near` of a harder one's that
    was added for the same pair is left out. Outcomes: `added`; or `in training` already, `set aside` as a
    suspected label error, `ambiguous`, `near-duplicate`, `pair full`, `nuisance full`, `no room`.

    Args:
        wrong: the score table's rows that are wrong: `key, predicted, true, nuisance, p`, and `embedding` (a list of
            numbers, or none), where near-duplicates are to be found.
        pool: rows of the whole pool.
        in_training: keys of the training set.
        suspected: keys whose labels are suspected to be wrong.
        ambiguous: keys of texts whose letters all have homoglyphs in another script: no image of them shows
            which it is.
    """
    found = false_positives(wrong, settings)
    outcomes = np.full(len(found), "", object)
    for outcome, keys in ((AMBIGUOUS, ambiguous), (SET_ASIDE, suspected), (IN_TRAINING, in_training)):
        outcomes[found["key"].isin(list(keys)).to_numpy()] = outcome
    free = np.flatnonzero(outcomes == "")
    duplicates = _near_duplicates(found.iloc[free], settings)
    outcomes[free[duplicates]] = NEAR
    left = free[~duplicates]
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
    duplicates = np.zeros(len(found), bool)
    if "embedding" not in found.columns:
        return duplicates
    for indices in found.groupby(["predicted", "true"]).indices.values():
        known = [index for index in indices if found["embedding"].iloc[index] is not None]
        if len(known) > 1:
            vectors = np.stack([np.asarray(found["embedding"].iloc[index], np.float32) for index in known])
            duplicates[np.array(known)[repeats(vectors, settings.near)]] = True
    return duplicates


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
