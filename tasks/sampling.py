"""Which training crops make up each batch of an epoch."""

import numpy as np
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
) -> list[Tensor]:
    """Row numbers of an epoch's batches, as many draws as there are rows, drawn by seed and epoch.

    Without `hard` and `balanced` every row is visited once. Mined rows fill at least the share `hard` of
    every batch, each visited `visits` times at most and once at the least; the more room they take,
    the fewer of the others an epoch visits. `balanced`: of the others every label is drawn equally
    often, the rows of a rare one again and again.

    Args:
        labels: int64 `[rows]`, the target labels' places.
        mined: bool `[rows]`, the rows that some round added.
        batch: the largest batch; all of an epoch are even, within one row (two with mined rows).
    """
    draw = np.random.default_rng([seed, epoch])
    rows, mined_rows = len(labels), np.flatnonzero(mined.numpy())
    count = batches_in(rows, batch)
    if not hard or not len(mined_rows):
        every = np.arange(rows)
        order = _balanced(every, labels.numpy(), rows, draw) if balanced else draw.permutation(rows)
        return [torch.from_numpy(part) for part in np.array_split(order, count)]
    others = np.flatnonzero(~mined.numpy())
    mined_draws = max(len(mined_rows), min(round(hard * rows), visits * len(mined_rows)))
    first = _again(mined_rows, mined_draws, draw)
    left = rows - mined_draws
    rest = _balanced(others, labels.numpy(), left, draw) if balanced else _again(others, left, draw)
    # Where neither divides evenly, the batches with one mined row more have one other row less.
    parts = zip(np.array_split(first, count), reversed(np.array_split(rest, count)), strict=True)
    return [torch.from_numpy(np.concatenate(part)) for part in parts]


def batches_in(rows: int, batch: int) -> int:
    """Batches of an epoch: at least two rows each, since a small last one would let a few crops steer normalisation."""
    return max(1, min(-(-rows // batch), rows // 2))


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
