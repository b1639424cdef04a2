"""A few crops of the table in memory, as networks read them: degraded by their keys."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.degrade import SEVERITIES, degrade, seeds_of
from tasks.crop_table.png import Pixels
from tasks.crop_table.shards import read_images, read_rows
from tasks.train.batches import as_images
from unfont.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Crops as `pixels uint8[rows, h, w]` or `[rows, h, w, 3]`, clean, with their keys and their true labels."""

    keys: list[str]
    labels: list[str]
    pixels: Pixels
    severity: str

    @classmethod
    def of_split(cls, table: Path, split: str, *, target: str, most: int, severity: str) -> "Sample":
        """At most `most` crops of a split, by key. Keys are hashes: the smallest are a random sample.

        Raises:
            UserError: there is no table, or the split has no crops.
        """
        keys = sorted(read_rows(table, ["key"], [split])["key"])[:most]
        if not keys:
            raise UserError(f"there are no crops of split '{split}'", where=table, fix=f"give {split} some crops")
        pixels, rows = read_images(table, [split], keys=keys)
        return cls(keys=rows["key"].tolist(), labels=rows[target].tolist(), pixels=pixels, severity=severity)

    @classmethod
    def of_keys(cls, table: Path, keys: Sequence[str], *, target: str, severity: str) -> "Sample":
        """The crops with these keys, in this order.

        Raises:
            UserError: there is no table, or it lacks one of them.
        """
        pixels, rows = read_images(table, keys=keys)
        index = {key: row for row, key in enumerate(rows["key"])}
        lacking = [key for key in keys if key not in index]
        if lacking:
            what = f"{len(lacking)} of {len(keys)} crops are not there"
            raise UserError(what, where=table, fix=f"the first is {lacking[0]}")
        order = [index[key] for key in keys]
        return cls(keys=list(keys), labels=rows[target].iloc[order].tolist(), pixels=pixels[order], severity=severity)

    def __len__(self) -> int:
        return len(self.keys)

    def images(self, channels: int, rows: slice = slice(None)) -> Tensor:
        """`float32[rows, channels, h, w]` in [0, 1], degraded: the same for a crop in every sample."""
        clean = as_images(torch.from_numpy(self.pixels[rows]), channels)
        return degrade(clean, seeds_of(self.keys[rows], 0), SEVERITIES[self.severity])

    def parts(self, most: int) -> Iterator[slice]:
        """All rows in even parts of at most `most`, so that no small last one has the weight of the others."""
        ends = np.linspace(0, len(self), -(-len(self) // most) + 1).astype(int).tolist()
        yield from (slice(start, end) for start, end in itertools.pairwise(ends))
