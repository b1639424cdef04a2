"""Which training crops make up each batch of an epoch."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor


def epoch_batches(
    labels: Tensor,
    mined: Tensor,
    *,
    batch: int,
    seed: int,
    epoch: int,
    hard: float = 0.0,
    visits: int = 1,
    balanced: bool = False,
    pairs: Tensor | None = None,
) -> list[Tensor]:
    """Row numbers of an epoch's batches, as many draws as there are rows, drawn by seed and epoch.

    Without `hard` and `balanced` every row is visited once. Mined rows fill at least the share `hard` of
    every batch, each visited `visits` times at most and once at the least; the more room they take,
    the fewer of the others an epoch visits. `balanced`: of the others every label is drawn equally
    often, the rows of a rare one again and again. `pairs` changes no draw, only which batch it is in:
    partners that were drawn share one, two and two, and every batch has about as many couples.

    Args:
        labels: int64 `[rows]`, the target labels' places.
        mined: bool `[rows]`, the rows that some round added.
        batch: the largest batch; all of an epoch are even, within one row (two with mined rows). Where nearly all
            rows have partners, some may be a row larger.
        pairs: int64 `[rows]`, the same number for partners, below 0 where a row has none. Partners of which one
            is mined and the other is not do not share a batch where mined rows have a share of their own.
    """
    draw = np.random.default_rng([seed, epoch])
    rows, mined_rows = len(labels), np.flatnonzero(mined.numpy())
    count = batches_in(rows, batch)
    if not hard or not len(mined_rows):
        every = np.arange(rows)
        order = _balanced(every, labels.numpy(), rows, draw) if balanced else draw.permutation(rows)
        return [torch.from_numpy(part) for part in _dealt(order, count, pairs)]
    others = np.flatnonzero(~mined.numpy())
    mined_draws = max(len(mined_rows), min(round(hard * rows), visits * len(mined_rows)))
    first = _again(mined_rows, mined_draws, draw)
    left = rows - mined_draws
    rest = _balanced(others, labels.numpy(), left, draw) if balanced else _again(others, left, draw)
    # Where neither divides evenly, the batches with one mined row more have one other row less.
    parts = zip(_dealt(first, count, pairs), reversed(_dealt(rest, count, pairs)), strict=True)
    return [torch.from_numpy(np.concatenate(part)) for part in parts]


def batches_in(rows: int, batch: int) -> int:
    """Batches of an epoch: at least two rows each, since a small last one would let a few crops steer normalisation."""
    return max(1, min(-(-rows // batch), rows // 2))


def _dealt(order: np.ndarray, count: int, pairs: Tensor | None) -> list[np.ndarray]:
    """`order` cut into `count` even parts; with `pairs`, partners in one part, others where there is room."""
    parts = np.array_split(order, count)
    if pairs is None:
        return parts
    units, single = _partners(order, pairs.numpy()[order])
    dealt = [np.concatenate([order[:0], *(order[unit] for unit in share)]) for share in _shares(units, count)]
    room = [max(len(part) - len(whole), 0) for part, whole in zip(parts, dealt, strict=True)]
    rest = np.split(order[single], np.cumsum(room)[:-1])
    return [np.concatenate(both) for both in zip(dealt, rest, strict=True)]


def _partners(order: np.ndarray, pairs: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Places in `order` of the draws that belong together, two and two, and those of all others.

    Where many share a number, each epoch's order says who meets whom. Where rows are drawn several times, partners
    meet among the first draws, then among the second ones: no row is its own partner.
    """
    turn = pd.Series(order).groupby(order).cumcount().to_numpy()
    places = np.arange(len(order))
    groups = pd.Series(places[pairs >= 0]).groupby([pairs[pairs >= 0], turn[pairs >= 0]], sort=False)
    units = [couple for _, group in groups for couple in group.to_numpy()[: len(group) // 2 * 2].reshape(-1, 2)]
    units.sort(key=lambda couple: int(couple[0]))  # in the order drawn, or all of one number would share a batch
    return units, np.setdiff1d(places, np.concatenate([places[:0], *units]))


def _shares(units: list[np.ndarray], count: int) -> list[list[np.ndarray]]:
    """`units` in `count` shares, as many in each, within one."""
    cuts = [part.tolist() for part in np.array_split(np.arange(len(units)), count)]
    return [[units[place] for place in part] for part in cuts]


def _again(rows: np.ndarray, draws: int, draw: np.random.Generator) -> np.ndarray:
    """`draws` of `rows`, shuffled anew each time all have been drawn."""
    if not len(rows):
        return rows[:0]
    turns = [draw.permutation(rows) for _ in range(-(-draws // len(rows)))]
    return np.concatenate([*turns, rows[:0]])[:draws]


def _balanced(rows: np.ndarray, labels: np.ndarray, draws: int, draw: np.random.Generator) -> np.ndarray:
    """`draws` of `rows`, every label as often as any other within one draw, shuffled."""
    present = np.unique(labels[rows])
    if not len(present):
        return rows[:0]
    # Who gets the draw too many is drawn, else the first labels would always have it.
    shares = draw.permutation([len(part) for part in np.array_split(np.arange(draws), len(present))])
    drawn = [
        _again(rows[labels[rows] == label], share, draw) for label, share in zip(present, shares.tolist(), strict=True)
    ]
    return draw.permutation(np.concatenate(drawn))
