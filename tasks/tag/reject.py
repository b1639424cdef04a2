"""Which crops cannot be used, and why. Pure: rows in, reasons out."""

from functools import cache

import numpy as np
import pandas as pd

from tasks.common.params import SYMBOLS, UNWRITTEN, ProblemSettings, TagSettings
from tasks.crop_table.kinds import kinds_of
from tasks.crop_table.shards import label_columns
from tasks.crop_table.splits import DESIGN_SIDE, SPLITS, TEXT_SIDE, TRAIN, TextSide
from tasks.crop_table.text_side import may_train, text_side
from unfont.labels import COMMON

UNKNOWN_TARGET = "its {} is not in the problem"
SAME_PIXELS = "the same pixels as another crop"


def check_drawn(
    rows: pd.DataFrame, *, known: pd.DataFrame, problem: ProblemSettings, settings: TagSettings, seed: int
) -> pd.Series:
    """Why each rendered row cannot be used; null where it can.

    `known` holds the fonts' script, font_style, design and side.
    """
    reasons = nothing_wrong(rows)
    _note(reasons, ~rows[problem.target].isin(_targets(known)), UNKNOWN_TARGET.format(problem.target))
    _note(reasons, ~rows["planned"].isin(SPLITS), "it is planned for no split")
    background = rows[problem.target] == UNWRITTEN
    right_design = _design_sides(rows, known) == rows["planned"].map(DESIGN_SIDE)
    right_text = _on_their_side(rows, settings, seed)
    _note(reasons, ~background & ~right_design, "its design is not on its split's side")
    _note(reasons, ~background & ~right_text, "its text is not on its split's side")
    kinds = cache(kinds_of)
    own_kinds = np.zeros(len(rows), bool)
    at = np.flatnonzero(background & reasons.isna())
    pairs = zip(rows["kind"].iloc[at], rows["planned"].iloc[at], strict=True)
    own_kinds[at] = [kind in kinds(split) for kind, split in pairs]
    _note(reasons, background & ~own_kinds, "its kind of background is not its split's")
    return reasons


def check_own(rows: pd.DataFrame, *, known: pd.DataFrame, problem: ProblemSettings) -> pd.Series:
    """Why each of the user's rows cannot be used; null where it can.

    Beside rendered crops, the target must be one of theirs.
    """
    reasons = nothing_wrong(rows)
    _note(reasons, rows[problem.target].isna(), f"its {problem.target} is empty")
    if problem.draws:
        _note(reasons, ~rows[problem.target].isin(_targets(known)), UNKNOWN_TARGET.format(problem.target))
    return reasons


def check_pixels(rows: pd.DataFrame, reasons: pd.Series, problem: ProblemSettings) -> pd.Series:
    """`reasons`, with those for usable crops that show the same pixels as others added.

    Crops with the same pixels and two labels are all rejected. Of others with the same pixels one is kept: a rendered
    one first, then the one with most labels, then the first by name. A rendered crop's nuisances are certain, however
    similar two fonts are: among those only the target counts.
    """
    reasons = reasons.copy()
    usable = rows[reasons.isna()]
    same = usable[usable.duplicated("key", keep=False)]
    if same.empty:
        return reasons
    for name in [name for name in label_columns(problem) if name in (problem.target, *problem.nuisances)]:
        judged = same if name == problem.target else same[same["origin"] != "rendered"]
        labels = judged.groupby("key")[name].transform("nunique")
        contested = judged.index[labels > 1]
        _note(reasons, rows.index.isin(contested), f"the same pixels with two values of {name}")
    same = same[reasons[same.index].isna()]
    order = same.assign(
        drawn=(same["origin"] != "rendered").astype(int), empty=same[label_columns(problem)].isna().sum(axis=1)
    ).sort_values(["key", "drawn", "empty", "path"], kind="stable")
    _note(reasons, rows.index.isin(order.index[order.duplicated("key")]), SAME_PIXELS)
    return reasons


def nothing_wrong(rows: pd.DataFrame) -> pd.Series:
    """No reason, for each row."""
    return pd.Series(None, index=rows.index, dtype="str")


def _targets(known: pd.DataFrame) -> set[str]:
    return set(known["script"].astype(str)) - {SYMBOLS} | {UNWRITTEN, COMMON}


def _note(reasons: pd.Series, where: pd.Series | np.ndarray, reason: str) -> None:
    reasons[where & reasons.isna()] = reason


def _design_sides(rows: pd.DataFrame, known: pd.DataFrame) -> pd.Series:
    side_of = known.astype(str).drop_duplicates("design").set_index("design")["side"]
    return rows["design"].map(side_of)


def _on_their_side(rows: pd.DataFrame, settings: TagSettings, seed: int) -> np.ndarray:
    """Whether each row's text is on the side of its split, or a letter, which training shows whatever its side."""

    @cache
    def right(script: str, text: str, side: TextSide) -> bool:
        if side == TRAIN:
            return may_train(text, script=script, settings=settings, seed=seed)
        return text_side(text, script=script, settings=settings, seed=seed) == side

    planned = rows["planned"].map(TEXT_SIDE)
    known = rows["text"].notna() & rows["script"].notna() & planned.notna()
    found = np.zeros(len(rows), bool)
    shown = zip(rows["script"][known], rows["text"][known], planned[known], strict=True)
    found[known.to_numpy()] = [right(*row) for row in shown]
    return found
