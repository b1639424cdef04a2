"""Top-activating crops and statistics of every unit of a network, over the crop table."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from models.explain.hooks import layers_of, observed, run_until
from models.explain.receptive_fields import ReceptiveFields, receptive_fields
from models.explain.selectivity import LabelMeans
from models.explain.top_activations import TopActivations, UnitSummary
from models.network import CropNet
from tasks.crop_table.shards import read_rows, stream_images
from tasks.crop_table.splits import TRAIN, VALIDATION
from tasks.train.batches import as_images
from tasks.train.weights import check_size
from unfont.errors import UserError

EXPLAINED_SPLITS = (TRAIN, VALIDATION)
BATCH = 256  # crops of one forward pass; larger ones leave the processor's cache
NOISE = 8  # noise images that measure a receptive field


@dataclass(frozen=True)
class Layer:
    """A layer's units; `fields` are its receptive fields, in an `image` of (height, width).

    `means` are their mean peaks by label, `[units, Explanation.classes]`; None where the images have no labels.
    """

    name: str
    summary: UnitSummary
    fields: ReceptiveFields
    image: tuple[int, int]
    means: Tensor | None = None

    @property
    def field(self) -> tuple[int, int]:
        """Height and width in pixels of the receptive field."""
        return self.fields.size


@dataclass(frozen=True)
class Explanation:
    """Layers in the order in which they run, and the crops, by their number in the stream.

    `classes` are the labels, each once, in the order of `Layer.means`.
    """

    layers: list[Layer]
    keys: list[str]
    labels: list[str]
    classes: list[str] = field(default_factory=list)


def explain_units(
    network: CropNet, *, table: Path, target: str, height: int, width: int, top: int, crops: int
) -> Explanation:
    """Top-activating crops and statistics of every unit of every layer, on clean crops, in one pass.

    Where `train` and `validation` hold more than `crops` crops, those with the smallest keys are taken:
    keys are hashes, so that is a random sample, the same each time. Memory is bounded by the batch.

    Raises:
        UserError: the two splits hold no crop, or crops that are not `[height, width]`.
    """
    known = read_rows(table, ["key", target], EXPLAINED_SPLITS)
    sample, classes = np.sort(known["key"].to_numpy(dtype=str))[:crops], sorted(set(_labels(known[target])))
    if not len(sample):
        raise UserError("the table has no train and no validation crops", where=table, fix="run `unfont tag`")
    layers = layers_of(network, torch.zeros(1, network.channels, height, width))
    gathered = {name: TopActivations(top) for name in layers}
    means = {name: LabelMeans(len(classes)) for name in layers}
    keys: list[str] = []
    labels: list[str] = []

    def gather(name: str, output: Tensor) -> None:
        gathered[name].update(output)
        means[name].update(output, codes)

    with torch.inference_mode(), observed(network, {name: partial(gather, name) for name in layers}):
        for images, rows in stream_images(table, EXPLAINED_SPLITS, BATCH, last=sample[-1]):
            check_size(images, {"the chosen model": network}, table)
            keys.extend(rows["key"])
            labels.extend(own := _labels(rows[target]))
            codes = torch.tensor([classes.index(label) for label in own])
            network(as_images(torch.from_numpy(images), network.channels))
    shape = (network.channels, height, width)
    found = [
        replace(_layer(network, name, gathered[name].summary(), shape), means=means[name].means()) for name in layers
    ]
    return Explanation(layers=found, keys=keys, labels=labels, classes=classes)


def shown_keys(explained: Explanation) -> list[str]:
    """Keys of the crops that activate some unit of some layer the most or the least, each once."""
    ranked = [side for layer in explained.layers for side in (layer.summary.crop, layer.summary.weakest.crop)]
    return [explained.keys[crop] for crop in torch.unique(torch.cat([side.flatten() for side in ranked])).tolist()]


def by_label(explained: Explanation, layer: Layer, most: int | None) -> list[int]:
    """Numbers of at most `most` units of a layer, rising, all where None: the purest of each label in turn.

    A unit's label is the most frequent one of its top-activating crops, its purity that label's fraction of them. The
    first turn takes the purest unit of every label, the second the next of each; dead units come last.
    """
    count = len(layer.summary.mean)
    if most is None or most >= count:
        return list(range(count))
    tops = [_top_label(explained, layer, unit) for unit in range(count)]
    ranked = sorted(range(count), key=lambda unit: (-tops[unit][1], unit))
    taken: Counter[str] = Counter()
    turns: dict[int, tuple[bool, int]] = {}
    for unit in ranked:
        label, purity = tops[unit]
        turns[unit] = (purity == 0, taken[label])
        taken[label] += 1
    return sorted(sorted(ranked, key=turns.__getitem__)[:most])


def _top_label(explained: Explanation, layer: Layer, unit: int) -> tuple[str, float]:
    """The most frequent label of the unit's top-activating crops and its fraction of them; ("", 0) of a dead unit."""
    active = layer.summary.strength[unit] > 0
    labels = Counter(explained.labels[crop] for crop in layer.summary.crop[unit][active].tolist())
    if not labels:
        return "", 0.0
    label, times = min(labels.items(), key=lambda item: (-item[1], item[0]))
    return label, times / labels.total()


def explain_layer(network: nn.Module, name: str, batches: Iterable[Tensor], *, top: int) -> Layer:
    """Top and bottom images and statistics of one layer of any network, in one pass that runs no further.

    A layer that runs more than once is taken at its first output.

    Args:
        batches: images `[batch, channels, height, width]`, all of one size; they are numbered as they come.

    Raises:
        ValueError: as `run_until`, `TopActivations` and `receptive_fields`; or there is no image.
    """
    gathered = TopActivations(top)
    shape = (0, 0, 0)
    with torch.no_grad():
        for images in batches:
            shape = (images.shape[1], images.shape[2], images.shape[3])
            gathered.update(run_until(network, name, images))
    return _layer(network, name, gathered.summary(), shape)


def _layer(network: nn.Module, name: str, summary: UnitSummary, shape: tuple[int, int, int]) -> Layer:
    _, height, width = shape
    noise = torch.rand(NOISE, *shape, generator=torch.Generator().manual_seed(0))
    try:
        fields = receptive_fields(network, name, noise)
    except ValueError:
        if not summary.dead.all():
            raise
        # Behind a ReLU that is no module a dead layer has no gradient, and so no field to measure.
        fields = ReceptiveFields(
            name, *(torch.tensor([[0, side]] * n) for side, n in zip(shape[1:], summary.grid, strict=True))
        )
    return Layer(name, summary, fields, (height, width))


def _labels(column: pd.Series) -> list[str]:
    return [str(label) for label in column]
