"""Is one model better than another, by the criterion that chooses, beyond sampling error?"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from tasks.metrics.classification import is_learned, text_of
from tasks.metrics.paired_bootstrap import Difference
from tasks.metrics.worst_group import counted_cells
from unfont.labels import UNWRITTEN

OUTCOMES = 4  # of a crop and two models: neither right, the old one, the new one, both


def criterion_difference(
    new: pd.DataFrame,
    old: pd.DataFrame,
    *,
    nuisance: str | None,
    group: str,
    cell_crops: int,
    resamples: int,
    confidence: float,
    seed: int,
) -> Difference:
    """One-sided paired bootstrap of the difference of two models' `tasks.evaluate.model_selection.criterion_of`.

    Text crops and crops without text are resampled with replacement, each by themselves, both models' predictions on a
    crop together (Efron & Tibshirani 1993, ch. 16). Only the counts of a resample matter (of each cell, crops that only
    the one has right, only the other, both or neither), so each is one draw from a multinomial. The cells that
    count are those of all crops.

    Args:
        new, old: predictions on the same crops in the same order, as `tasks.metrics.classification.measure` takes them.
        nuisance, group, cell_crops: see `tasks.metrics.worst_group.counted_cells`.
        confidence: the bound is the quantile 1 − confidence of the resampled differences.

    Raises:
        ValueError: the tables are not of the same crops, or none of them is text.
    """
    if not new["true"].astype(str).equals(old["true"].astype(str)):
        raise ValueError("predictions on the same crops are needed")
    new, old = new[is_learned(new)], old[is_learned(old)]
    rng = np.random.default_rng(seed)
    text = text_of(new)
    if text.empty:
        raise ValueError("there is no text")
    cells = counted_cells(text, nuisance=nuisance, group=group, cell_crops=cell_crops).index
    outcomes = _outcomes(text, text_of(old))
    where = _cell_of(text, nuisance, cells)
    counts = _resampled(where * OUTCOMES + outcomes, (len(cells) + 1) * OUTCOMES, resamples, rng)
    terms = list(_text_terms(counts.reshape(-1, len(cells) + 1, OUTCOMES), cells))
    empty = new["true"] == UNWRITTEN
    if empty.any():
        counts = _resampled(_outcomes(new[empty], old[empty]), OUTCOMES, resamples, rng)
        terms.append(_gain(counts) / counts.sum(-1))
    differences = np.mean(terms, axis=0)
    # 'lower' gives a difference that occurred: the bound is never between two possible ones.
    bound = np.quantile(differences[1:], 1 - confidence, method="lower")
    return Difference(value=float(differences[0]), lower=float(bound))


def _outcomes(new: pd.DataFrame, old: pd.DataFrame) -> np.ndarray:
    """Of each crop, 2 where the new model is right and 1 where the old one is, added up."""
    right = [(rows["true"].astype(str) == rows["predicted"].astype(str)).to_numpy() for rows in (new, old)]
    return 2 * right[0].astype(int) + right[1]


def _cell_of(text: pd.DataFrame, nuisance: str | None, cells: pd.Index) -> np.ndarray:
    """The index of each crop's cell; the last of all crops whose cell does not count."""
    if nuisance is None or len(cells) == 0:
        return np.full(len(text), len(cells))
    own = pd.MultiIndex.from_arrays([text["true"].astype(str), text[nuisance].astype(str)])
    found = cells.get_indexer(own)
    return np.where(found < 0, len(cells), found)


def _resampled(kinds: np.ndarray, width: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How many crops are of each of `width` kinds: first as they are, then in each resample; [1 + resamples, width]."""
    observed = np.bincount(kinds, minlength=width)
    drawn = rng.multinomial(len(kinds), observed / len(kinds), size=resamples)
    return np.concatenate([observed[None], drawn])


def _gain(counts: np.ndarray) -> np.ndarray:
    """Crops that the new model alone has right, less those that the old one alone has."""
    return counts[..., 2].astype(float) - counts[..., 1]


def _text_terms(counts: np.ndarray, cells: pd.Index) -> Iterator[np.ndarray]:
    """Of each resample the differences of accuracy and worst_nuisance; `counts` [resamples, cells + 1, outcomes]."""
    total = counts.sum(1)
    yield _gain(total) / total.sum(-1)
    if len(cells):
        yield _worst(counts[:, :-1], cells, (2, 3)) - _worst(counts[:, :-1], cells, (1, 3))


def _worst(counts: np.ndarray, cells: pd.Index, right: tuple[int, int]) -> np.ndarray:
    """The lowest accuracy of a nuisance value, each the mean over its cells, less those that a resample has none of."""
    with np.errstate(invalid="ignore"):
        accuracy = counts[..., right].sum(-1) / counts.sum(-1)
    values = cells.get_level_values("nuisance")
    means = []
    for value in values.unique():
        own = accuracy[:, values == value]
        drawn = ~np.isnan(own)
        means.append(np.where(drawn, own, 0).sum(1) / np.maximum(drawn.sum(1), 1))
    return np.min(means, axis=0)
