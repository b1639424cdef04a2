"""Frozen features of crops, at every layer of many models: each crop is loaded and degraded once for all of them."""

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from models.colour import luma_of
from models.degrade import SEVERITIES, degrade, seeds_of
from models.explain.hooks import layers_of, observed
from models.network import CropNet, Standardise, folded
from tasks.common.determinism import worker_threads
from tasks.common.params import ProblemSettings
from tasks.crop_table.shards import label_columns, nuisance_columns, read_images, read_rows
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


def read_features(
    networks: Mapping[str, CropNet], *, table: Path, rows: pd.DataFrame, severity: str, whole: Sequence[str]
) -> dict[str, Layers]:
    """Features of the crops in `rows` (key, split), by name and layer, `[rows, width]` in the order of `rows`.

    A feature map is reduced to its mean and its maximum over all positions, as the network itself pools its last one.
    The networks named in `whole` give every layer of `layers_of`, the others the embedding alone. In addition
    `pixels` has the crop's brightness, standardised as the network does it, averaged to 16 × 32.
    Must run within `deterministic`: as many threads as it allows share the crops (`worker_threads`).

    Args:
        networks: in evaluation mode; one that has two names runs once, and its features are the same tensors.
        severity: of the frozen degradation, which is seeded by the crop's key alone.

    Raises:
        UserError: the crops do not have the size of a network's input.
    """
    names = {name: next(first for first in networks if networks[first] is networks[name]) for name in networks}
    once = {name: networks[name] for name in dict.fromkeys(names.values())}
    all_of = {names[name] for name in whole}
    pixels, facts = read_images(table, list(dict.fromkeys(rows["split"])), keys=rows["key"])
    check_size(pixels, once, table)
    order = pd.Index(facts["key"]).get_indexer(pd.Index(rows["key"]))
    workers = torch.get_num_threads()
    # Whole batches each, so that they are the same for any number of threads.
    each = -(-len(order) // (FORWARD_BATCH * workers)) * FORWARD_BATCH
    shares = [order[start : start + each] for start in range(0, len(order), each)]

    def of_share(share: np.ndarray) -> dict[str, Layers]:
        return _features(once, all_of, torch.from_numpy(pixels[share]), facts["key"].iloc[share].tolist(), severity)

    with worker_threads() as threads:
        parts = list(threads.map(of_share, shares))
    joined = {
        name: {layer: torch.cat([part[name][layer] for part in parts]) for layer in layers}
        for name, layers in parts[0].items()
    }
    return {name: joined[first] for name, first in names.items()} | {PIXELS: joined[PIXELS]}


@torch.inference_mode()
def _features(
    networks: Mapping[str, CropNet], whole: Collection[str], pixels: Tensor, keys: list[str], severity: str
) -> dict[str, Layers]:
    """Features of some crops, by network and layer; of `PIXELS` too."""
    # Copies: the hooks of other threads are not on them.
    ready = {name: folded(network) for name, network in networks.items()}
    gathered = {name: _layers(network, name in whole) for name, network in ready.items()}
    seeds = seeds_of(keys, 0)
    brightness: list[Tensor] = []
    with contextlib.ExitStack() as hooks:
        for name, network in ready.items():
            observers = {layer: _into(parts) for layer, parts in gathered[name].items()}
            hooks.enter_context(observed(network, observers))
        for part, own in zip(torch.split(pixels, FORWARD_BATCH), torch.split(seeds, FORWARD_BATCH), strict=True):
            brightness.append(_forward(ready, part, own, severity))
    layers = {name: {layer: torch.cat(parts) for layer, parts in each.items()} for name, each in gathered.items()}
    return layers | {PIXELS: {PIXELS: torch.cat(brightness)}}


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
