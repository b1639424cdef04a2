"""Mining: which pool crops a model is wrong about, and sure of it."""

from collections.abc import Collection

import pandas as pd

from tasks.params import UNWRITTEN, MineSettings

MINED_COLUMNS = ["key", "true", "predicted", "score"]


def false_positives(scores: pd.DataFrame, settings: MineSettings) -> pd.DataFrame:
    """Rows with a wrong label and p(predicted) ≥ the threshold: hardest first, ties by key."""
    wrong = scores[(scores["predicted"] != scores["true"]) & (scores["p"] >= settings.threshold)]
    return wrong.sort_values(["p", "key"], ascending=[False, True], ignore_index=True)


def false_alarms(found: pd.DataFrame) -> int:
    """How many of the false positives have no text in them at all."""
    return int((found["true"] == UNWRITTEN).sum())


def plan_mining(scores: pd.DataFrame, settings: MineSettings, *, taken: Collection[str] = ()) -> pd.DataFrame:
    """What a round adds to its training set: `key, true, predicted, score`, hardest first.

    At most `share` of the pool is added, and of what could be added at most `quota` for one
    (predicted, true) pair (one row at the least), so that one confusion cannot flood the set. Rows
    in `taken` are in the training set already.

    Args:
        scores: `key, predicted, true, p`, a row a pool crop.
    """
    found = false_positives(scores, settings)
    found = found[~found["key"].isin(set(taken))]
    room = min(int(settings.share * len(scores)), len(found))
    most = max(1, int(settings.quota * room))
    place = found.groupby(["predicted", "true"]).cumcount()
    kept = found[place < most].head(room)
    return kept.rename(columns={"p": "score"})[MINED_COLUMNS].reset_index(drop=True)
