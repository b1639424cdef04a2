"""Crops in memory, as tensors, from which training and validation take their batches."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from models.colour import luma_of
from models.degrade import COLOURS, SEVERITIES, colours_of, degrade, seeds_at, seeds_of
from models.network import CropNet
from models.settings import DegradeSettings
from models.training import UNKNOWN, Batch
from tasks.common.params import UNWRITTEN, ProblemSettings
from tasks.crop_table.png import Pixels
from tasks.crop_table.shards import COLOUR, read_images, read_rows
from tasks.crop_table.splits import SEVERITY, TRAINING_SPLITS, VALIDATION
from tasks.metrics.text_fpr import share_at, text_threshold
from unfont.errors import UserError

CPU = torch.device("cpu")
FORWARD_BATCH = 256  # crops; larger ones leave the processor's cache
VALIDATION_ROWS = 8192  # the most that an epoch is validated on


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Labels of the target and of each nuisance, sorted: their indices are the networks' outputs.

    `channels` are those of a network's input.
    """

    target_name: str
    target: list[str]
    nuisances: dict[str, list[str]]
    channels: int = 1

    @classmethod
    def of_table(cls, table: Path, problem: ProblemSettings, *, channels: int = 1) -> "Labels":
        """All labels of training: the targets of `train` and `pool`, the nuisances known there.

        The labels of `colour`, where the problem names it, are all inks that `models.degrade` prints with.

        Raises:
            UserError: there is nothing to learn.
        """
        own = [name for name in problem.nuisances if name != COLOUR]
        columns = list(dict.fromkeys([problem.target, *own]))
        rows = read_rows(table, columns, TRAINING_SPLITS)
        target = _names(rows[problem.target])
        if len(target) < 2:
            raise UserError(
                f"training needs two labels of '{problem.target}' or more, there are {len(target)}",
                where=table,
                fix="tag crops of more labels",
            )
        nuisances = {name: _names(rows[name]) if name in own else list(COLOURS) for name in problem.nuisances}
        known = {name: labels for name, labels in nuisances.items() if labels}
        return cls(target_name=problem.target, target=target, nuisances=known, channels=channels)

    @classmethod
    def of_card(cls, card: dict[str, Any]) -> "Labels":
        facts = {name: card[name] for name in ("nuisances", "channels")}
        return cls(target_name=card["target"], target=card["labels"], **facts)

    @property
    def background(self) -> int | None:
        """The index of `Zxxx`, where it is among the targets."""
        return self.target.index(UNWRITTEN) if UNWRITTEN in self.target else None


@dataclass(frozen=True, kw_only=True)
class Crops:
    """Crops as `images uint8[rows, h, w]` or `[rows, h, w, 3]`, with their labels' indices and their seeds, by key.

    `pairs int64[rows]` numbers the table's pairs; UNKNOWN where a crop has none.
    Batches have `channels` channels; with `coloured`, they have the ink colours as labels.
    """

    keys: list[str]
    images: Tensor
    targets: Tensor
    nuisances: dict[str, Tensor]
    seeds: Tensor
    pairs: Tensor
    channels: int = 1
    coloured: bool = False

    @classmethod
    def of_rows(cls, pixels: Pixels, rows: pd.DataFrame, labels: Labels) -> "Crops":
        keys = rows["key"].tolist()
        return cls(
            keys=keys,
            images=torch.from_numpy(pixels),
            targets=_indices(rows[labels.target_name], labels.target),
            nuisances={n: _indices(rows[n], known) for n, known in labels.nuisances.items() if n != COLOUR},
            seeds=seeds_of(keys, 0),
            pairs=_indices(rows["pair"], _names(rows["pair"])),
            channels=labels.channels,
            coloured=COLOUR in labels.nuisances,
        )

    def __len__(self) -> int:
        return len(self.keys)

    def relabelled(self, decided: Mapping[str, str], labels: Labels) -> "Crops":
        """The same crops, those with a key in `decided` with that label as their target."""
        if not decided:
            return self
        names = pd.Series(self.keys).map(decided)
        indices = _indices(names, labels.target)
        known = torch.tensor(names.notna().to_numpy())
        return replace(self, targets=torch.where(known, indices, self.targets))

    def batch(
        self,
        rows: Tensor,
        settings: DegradeSettings | None,
        *,
        epoch: int = 0,
        seed: int = 0,
        device: torch.device = CPU,
    ) -> Batch:
        """The crops at `rows`, degraded as they are in that epoch of the run with that seed, on `device`."""
        seeds = seeds_at(self.seeds[rows], epoch, seed=seed)
        nuisances = {name: indices[rows] for name, indices in self.nuisances.items()}
        if self.coloured:
            nuisances[COLOUR] = _inks(self.images[rows], colours_of(seeds, settings))
        images = degrade(as_images(self.images[rows].to(device), self.channels), seeds, settings)
        return Batch(
            images=images,
            targets=self.targets[rows].to(device),
            nuisances={name: indices.to(device) for name, indices in nuisances.items()},
            pairs=self.pairs[rows].to(device),
        )

    def counts(self, labels: Labels, settings: DegradeSettings | None, *, seed: int = 0) -> dict[str, Tensor]:
        """Of each nuisance, how many crops every target has of every label: int64 `[targets, labels]`.

        The inks are those of epoch 0: later ones differ at random.
        """
        indices = dict(self.nuisances)
        if self.coloured:
            indices[COLOUR] = _inks(self.images, colours_of(seeds_at(self.seeds, 0, seed=seed), settings))
        return {
            name: _crossed(self.targets, indices[name], (len(labels.target), len(known)))
            for name, known in labels.nuisances.items()
        }


def read_crops(table: Path, labels: Labels, *, keys: Iterable[str]) -> Crops:
    """The crops with these keys.

    Raises:
        UserError: the table lacks one of them: it is not the table that the keys came from.
    """
    wanted = list(keys)
    pixels, rows = read_images(table, keys=wanted)
    if len(rows) != len(wanted):
        raise UserError(
            f"{len(wanted) - len(rows)} of {len(wanted)} training crops are not in the crop table",
            where=table,
            fix="run the earlier stages again",
        )
    return Crops.of_rows(pixels, rows, labels)


class Validation:
    """A fixed, lightly degraded part of the `validation` split, to monitor a training."""

    def __init__(self, table: Path, labels: Labels, rows: int = VALIDATION_ROWS) -> None:
        keys = sorted(read_rows(table, ["key"], [VALIDATION])["key"])[:rows]
        self.images, self.targets = None, torch.zeros(0, dtype=torch.int64)
        self.background = labels.background
        if keys:
            crops = read_crops(table, labels, keys=keys)
            batch = crops.batch(torch.arange(len(crops)), SEVERITIES[SEVERITY])
            self.images, self.targets = batch.images, batch.targets

    def accuracy(self, network: CropNet) -> float | None:
        """Accuracy; None where there is nothing to validate on."""
        if self.images is None:
            return None
        predicted = logits_of(network, self.images).argmax(1)
        return (predicted == self.targets).double().mean().item()

    def metrics(self, network: CropNet) -> dict[str, float | None]:
        """`accuracy`, and `false_positive_rate` at 95% text recall (None where either kind of crop is missing)."""
        if self.images is None or self.background is None:
            return {"accuracy": self.accuracy(network), "false_positive_rate": None}
        probabilities = logits_of(network, self.images).softmax(1)
        p_text = 1 - probabilities[:, self.background].double().numpy()
        empty = (self.targets == self.background).numpy()
        return {
            "accuracy": (probabilities.argmax(1) == self.targets).double().mean().item(),
            "false_positive_rate": share_at(p_text[empty], text_threshold(p_text[~empty])),
        }


@torch.inference_mode()
def logits_of(network: CropNet, images: Tensor) -> Tensor:
    """Logits `[rows, labels]` of `images[rows, channels, h, w]`, forward in batches, in evaluation mode.

    The network may be on another device than the images; the logits are where the images are.
    """
    training, device = network.training, next(network.parameters()).device
    network.eval()
    parts = [network(part.to(device)) for part in torch.split(images, FORWARD_BATCH)]
    network.train(training)
    return torch.cat(parts).to(images.device)


def as_images(pixels: Tensor, channels: int = 1) -> Tensor:
    """`float32[rows, channels, h, w]` in [0, 1] of grey `uint8[rows, h, w]` or RGB `uint8[rows, h, w, 3]`.

    Grey crops in three channels are grey; of coloured ones in one channel, brightness is left.
    """
    if pixels.ndim == 3:
        return pixels.unsqueeze(1).to(torch.float32).div_(255).expand(-1, channels, -1, -1)
    images = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).div_(255)
    return images if channels == 3 else luma_of(images)


def _inks(pixels: Tensor, printed: Tensor) -> Tensor:
    """The inks that crops are printed in; UNKNOWN of an image that has colours of its own."""
    if pixels.ndim == 3:
        return printed
    own = torch.cat([(part != part[..., :1]).flatten(1).any(1) for part in torch.split(pixels, FORWARD_BATCH)])
    return torch.where(own, UNKNOWN, printed)


def _crossed(rows: Tensor, columns: Tensor, shape: tuple[int, int]) -> Tensor:
    """Counts of each index of `rows` with each of `columns`; UNKNOWN ones are left out."""
    known = (rows != UNKNOWN) & (columns != UNKNOWN)
    cells = rows[known] * shape[1] + columns[known]
    return torch.bincount(cells, minlength=shape[0] * shape[1]).view(shape)


def _names(column: pd.Series) -> list[str]:
    return sorted(column.dropna().unique())


def _indices(column: pd.Series, labels: list[str]) -> Tensor:
    """Each value's index in `labels`; UNKNOWN for a missing or another one."""
    indices = pd.Index(labels).get_indexer(pd.Index(column.to_numpy(dtype=object)))
    return torch.from_numpy(np.where(indices < 0, UNKNOWN, indices).astype(np.int64))
