"""Frozen features of crops, at every layer of many models: each crop is loaded and degraded once for all of them."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from models.colour import luma_of
from models.degrade import SEVERITIES, degrade, seeds_of
from models.explain.hooks import layers_of, observed
from models.network import CropNet, Standardise
from tasks.common.params import ProblemSettings
from tasks.crop_table.shards import label_columns, nuisance_columns, read_rows, stream_images
from tasks.metrics.classification import is_text
from tasks.train.batches import FORWARD_BATCH, as_images
from tasks.train.weights import check_size

PIXELS, PIXEL_GRID = "pixels", (16, 32)
Layers = dict[str, Tensor]  # features [rows, width] by layer


def sample_rows(table: Path, problem: ProblemSettings, sizes: Mapping[str, int]) -> pd.DataFrame:
    """Text crops (`is_text`) with a label of some nuisance: key, split and labels, in the table's order.

    Where a split holds more than `sizes[split]` of them, those with the smallest keys are taken: keys are hashes,
    so that is a random sample, the same each time.
    """
    rows = read_rows(table, ["key", "split", "ambiguous", *label_columns(problem)], sizes)
    known = rows[nuisance_columns(problem)].notna().any(axis=1)
    text = rows[known & is_text(rows, target=problem.target)]
    parts = [text[text["split"] == split].sort_values("key").head(size) for split, size in sizes.items()]
    return pd.concat(parts).sort_index().reset_index(drop=True)


@torch.inference_mode()
def read_features(
    networks: Mapping[str, CropNet], *, table: Path, rows: pd.DataFrame, severity: str, whole: Sequence[str]
) -> dict[str, Layers]:
    """Features of the crops in `rows` (key, split), by name and layer, `[rows, width]` in the order of `rows`.

    A feature map is reduced to its mean and its maximum over all positions, as the network itself pools its last one.
    The networks named in `whole` give every layer of `layers_of`, the others the embedding alone. In addition
    `pixels` has the crop's brightness, standardised as the network does it, averaged to 16 × 32.
    Must run within `deterministic`.

    Args:
        networks: in evaluation mode; one that has two names runs once, and its features are the same tensors.
        rows: in the table's order.
        severity: of the frozen degradation, which is seeded by the crop's key alone.

    Raises:
        UserError: the crops do not have the size of a network's input.
    """
    names = {name: next(first for first in networks if networks[first] is networks[name]) for name in networks}
    once = {name: networks[name] for name in dict.fromkeys(names.values())}
    all_of = {names[name] for name in whole}
    gathered = {name: _layers(network, name in all_of) for name, network in once.items()}
    brightness: list[Tensor] = []
    with contextlib.ExitStack() as hooks:
        for name, network in once.items():
            observers = {layer: _into(parts) for layer, parts in gathered[name].items()}
            hooks.enter_context(observed(network, observers))
        for pixels, keys in _batches(table, rows):
            check_size(pixels, once, table)
            brightness.append(_forward(once, torch.from_numpy(pixels), seeds_of(keys, 0), severity))
    joined = {name: {layer: torch.cat(parts) for layer, parts in layers.items()} for name, layers in gathered.items()}
    return {name: joined[first] for name, first in names.items()} | {PIXELS: {PIXELS: torch.cat(brightness)}}


def _batches(table: Path, rows: pd.DataFrame) -> Iterator[tuple[np.ndarray, list[str]]]:
    """Pixels and keys of the crops in `rows`, in the table's order."""
    wanted = pd.Index(rows["key"])
    for pixels, facts in stream_images(table, list(dict.fromkeys(rows["split"]))):
        taken = np.flatnonzero(wanted.get_indexer(pd.Index(facts["key"])) >= 0)
        for start in range(0, len(taken), FORWARD_BATCH):
            part = taken[start : start + FORWARD_BATCH]
            yield pixels[part], facts["key"].iloc[part].tolist()


def _layers(network: CropNet, whole: bool) -> dict[str, list[Tensor]]:
    image = torch.zeros(1, network.channels, network.height, network.width)
    return {layer: [] for layer in (layers_of(network, image) if whole else ["embedding"])}


def _into(parts: list[Tensor]) -> Callable[[Tensor], None]:
    def keep(output: Tensor) -> None:
        is_map = output.dim() == 4
        parts.append(torch.cat([output.mean((2, 3)), output.amax((2, 3))], dim=1) if is_map else output.clone())

    return keep


def _forward(networks: Mapping[str, CropNet], pixels: Tensor, seeds: Tensor, severity: str) -> Tensor:
    """Run every network on `uint8[rows, h, w]` or `[rows, h, w, 3]`; return the crops' averaged brightness."""
    images = {
        channels: degrade(as_images(pixels, channels), seeds, SEVERITIES[severity])
        for channels in sorted({network.channels for network in networks.values()})
    }
    for network in networks.values():
        network(images[network.channels])
    brightness = Standardise()(luma_of(next(iter(images.values()))))
    return functional.adaptive_avg_pool2d(brightness, PIXEL_GRID).flatten(1)
