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
    parts: int = 1,
) -> list[Tensor]:
    """Row numbers of an epoch's batches, as many samples as there are rows, by seed and epoch.

    With `parts`, each batch comes in so many, one after the other, and every part is as a batch is without.

    Without `hard` and `balanced` every row is visited once. Mined rows fill at least the share `hard` of
    every batch, each visited `visits` times at most and once at the least; the more of them,
    the fewer of the others an epoch visits. `balanced`: of the others every label is sampled equally
    often, the rows of a rare one repeatedly. `pairs` changes no sample, only its batch: sampled
    partners share one, two by two, and every batch has about as many couples.

    Args:
        labels: int64 `[rows]`, the target labels' indices.
        mined: bool `[rows]`, the rows that some round added.
        batch: the largest batch; all of an epoch are even, within one row (two with mined rows). Where nearly all
            rows have partners, some may be a row larger.
        pairs: int64 `[rows]`, the same number for partners, below 0 where a row has none. Partners of which one
            is mined and the other is not do not share a batch where mined rows have a share of their own.
    """
    rng = np.random.default_rng([seed, epoch])
    rows, mined_rows = len(labels), np.flatnonzero(mined.numpy())
    count = batches_in(rows, batch, parts=parts) * parts
    if not hard or not len(mined_rows):
        every = np.arange(rows)
        order = _balanced(every, labels.numpy(), rows, rng) if balanced else rng.permutation(rows)
        return [torch.from_numpy(part) for part in _split_order(order, count, pairs)]
    others = np.flatnonzero(~mined.numpy())
    mined_draws = max(len(mined_rows), min(round(hard * rows), visits * len(mined_rows)))
    first = _repeated(mined_rows, mined_draws, rng)
    left = rows - mined_draws
    rest = _balanced(others, labels.numpy(), left, rng) if balanced else _repeated(others, left, rng)
    # Where neither divides evenly, the batches with one mined row more have one other row less.
    both = zip(_split_order(first, count, pairs), reversed(_split_order(rest, count, pairs)), strict=True)
    return [torch.from_numpy(np.concatenate(part)) for part in both]


def batches_in(rows: int, batch: int, *, parts: int = 1) -> int:
    """Batches of an epoch: at least two rows in each part, since few crops make noisy batch statistics."""
    return max(1, min(-(-rows // batch), rows // (2 * parts)))


def _split_order(order: np.ndarray, count: int, pairs: Tensor | None) -> list[np.ndarray]:
    """`order` cut into `count` even parts; with `pairs`, partners in one part, others where there is room."""
    parts = np.array_split(order, count)
    if pairs is None:
        return parts
    units, single = _partners(order, pairs.numpy()[order])
    paired = [np.concatenate([order[:0], *(order[unit] for unit in share)]) for share in _even_parts(units, count)]
    room = [max(len(part) - len(whole), 0) for part, whole in zip(parts, paired, strict=True)]
    rest = np.split(order[single], np.cumsum(room)[:-1])
    return [np.concatenate(both) for both in zip(paired, rest, strict=True)]


def _partners(order: np.ndarray, pairs: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Positions in `order` of partners, two by two, and those of all others.

    Where many share a number, the epoch's order decides who is paired. Where rows are sampled repeatedly, partners
    are paired among the first samples, then among the second ones: no row is its own partner.
    """
    turn = pd.Series(order).groupby(order).cumcount().to_numpy()
    positions = np.arange(len(order))
    groups = pd.Series(positions[pairs >= 0]).groupby([pairs[pairs >= 0], turn[pairs >= 0]], sort=False)
    units = [couple for _, group in groups for couple in group.to_numpy()[: len(group) // 2 * 2].reshape(-1, 2)]
    units.sort(key=lambda couple: int(couple[0]))  # in the order sampled, or all of one number would share a batch
    return units, np.setdiff1d(positions, np.concatenate([positions[:0], *units]))


def _even_parts(units: list[np.ndarray], count: int) -> list[list[np.ndarray]]:
    """`units` in `count` parts, as many in each, within one."""
    cuts = [part.tolist() for part in np.array_split(np.arange(len(units)), count)]
    return [[units[index] for index in part] for part in cuts]


def _repeated(rows: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """`draws` of `rows`, reshuffled each time all have been sampled."""
    if not len(rows):
        return rows[:0]
    turns = [rng.permutation(rows) for _ in range(-(-draws // len(rows)))]
    return np.concatenate([*turns, rows[:0]])[:draws]


def _balanced(rows: np.ndarray, labels: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """`draws` of `rows`, every label as often as any other within one draw, shuffled."""
    present = np.unique(labels[rows])
    if not len(present):
        return rows[:0]
    # Which labels get one sample more is random, else it would always be the first ones.
    shares = rng.permutation([len(part) for part in np.array_split(np.arange(draws), len(present))])
    sampled = [
        _repeated(rows[labels[rows] == label], share, rng)
        for label, share in zip(present, shares.tolist(), strict=True)
    ]
    return rng.permutation(np.concatenate(sampled))
