"""Random numbers of crops: from a crop's key, the epoch and a name, whatever batch the crop is in.

By NumPy, a few numbers a crop: torch takes five times as long for so few.
"""

import zlib
from collections.abc import Sequence
from threading import Lock
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]

_WHOLE = 2**64
_GOLDEN, _MIX_1, _MIX_2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def splitmix64(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele et al. 2014), element by element."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(_MIX_1)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(_MIX_2)
    mixed: NDArray[np.uint64] = values ^ (values >> np.uint64(31))
    return mixed


def seeds_of(keys: Sequence[str], epoch: int, *, seed: int = 0) -> Tensor:
    """Seeds `int64[n]` of crops by their keys (16 hexadecimal digits or more), for one epoch of one run."""
    base = np.array([int(key[:16], 16) for key in keys], np.uint64)
    return seeds_at(torch.from_numpy(base.view(np.int64)), epoch, seed=seed)


def seeds_at(base: Tensor, epoch: int, *, seed: int = 0) -> Tensor:
    """Seeds `int64[n]` for one epoch of one run, from seeds of the crops alone."""
    run = splitmix64(np.array([(seed * _MIX_1 + epoch) * _GOLDEN % _WHOLE], np.uint64))
    return torch.from_numpy(splitmix64(_unsigned(base) + run).view(np.int64))


def _unsigned(seeds: Tensor) -> NDArray[np.uint64]:
    return np.asarray(seeds.cpu().numpy().view(np.uint64))


class Draw:
    """Random numbers of a batch: one for each crop under each name, from its seed alone."""

    # Names that a batch has asked for, and their rows: the next batch computes them all at once.
    _rows: ClassVar[dict[str, int]] = {}
    _lock: ClassVar[Lock] = Lock()

    def __init__(self, seeds: Tensor) -> None:
        self.seeds = _unsigned(seeds)
        self._bits = np.zeros((0, len(seeds)), np.uint64)
        self._units = np.zeros((0, len(seeds)))

    def bits(self, name: str) -> NDArray[np.uint64]:
        """`[batch]`, random bits."""
        row = self._row_of(name)
        return self._bits[row]

    def unit(self, name: str) -> Floats:
        """`[batch]` in [0, 1)."""
        row = self._row_of(name)
        return self._units[row]

    def signed(self, name: str, largest: float | Floats) -> Floats:
        """`[batch]` in [-largest, largest), where `largest` is one number or `[batch]`."""
        return (self.unit(name) * 2 - 1) * largest

    def whole(self, name: str, count: int) -> NDArray[np.int64]:
        """`[batch]` in 0..count-1."""
        return ((self.bits(name) >> np.uint64(1)) % np.uint64(count)).astype(np.int64)

    def _row_of(self, name: str) -> int:
        """The row of a name's numbers, computed if need be."""
        row = self._rows.get(name)
        if row is None or row >= len(self._bits):
            with self._lock:
                row = self._rows.setdefault(name, len(self._rows))
                names = list(self._rows)
            counters = [zlib.crc32(known.encode()) * _GOLDEN % _WHOLE for known in names]
            self._bits = splitmix64(self.seeds + np.array(counters, np.uint64)[:, None])
            self._units = (self._bits >> np.uint64(40)).astype(np.float64) * 2.0**-24
        return row


def columns(like: Tensor, *values: Floats) -> Tensor:
    """Numbers `[batch]` of the crops as factors of images: `[values, batch, 1, 1, 1]`, on the device of `like`."""
    return torch.from_numpy(np.stack(values).astype(np.float32)).to(like.device)[..., None, None, None]


def indices(like: Tensor, rows: NDArray[np.int64]) -> Tensor:
    """Indices as a tensor on the device of `like`."""
    return torch.from_numpy(rows).to(like.device)
