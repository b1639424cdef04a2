"""A network that is watched at work: a model of the project, or any network of the user's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from models.explain.hooks import layers_of, observed
from models.network import folded
from tasks.crop_table.png import Pixels
from tasks.inspect.load_network import OPTION, load_network, reason_of
from tasks.predict.torch_model import TorchModel
from tasks.train.batches import as_images
from tasks.train.card import weights_of
from tasks.train.weights import load_model
from unfont.errors import UserError
from unfont.text import clip

# Heights and widths that a network of the user's own is tried with, in this order, where none is given.
SIZES = ((224, 224), (32, 32), (28, 28), (64, 64), (96, 96), (128, 128), (299, 299), (32, 128))
MOST_UNITS = 4096  # of a layer: a wider one is shown up to here


@dataclass(frozen=True)
class LiveLayer:
    """A layer whose output is `[batch, units, rows, columns]`; rows and columns are 1 of a dense one."""

    name: str
    units: int
    rows: int
    columns: int


@dataclass(frozen=True)
class Activations:
    """One forward pass: logits `[n, labels]`, None of a network that gives none, and one image's maps by layer.

    A map tensor is `[units, rows, columns]`.
    """

    logits: Tensor | None
    maps: dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class LiveNetwork:
    """A network with the layers worth showing (`models.explain.hooks.layers_of`), in the order in which they run.

    `labels` are those of the logits: numbers for a network of the user's own, none where it gives no logits. `size` is
    (height, width) of its images. `model` reads writing as `unfont predict` does; None of a network of the user's own.
    `weights` is the SHA-256 of a model's weights.
    """

    name: str
    network: nn.Module
    layers: list[LiveLayer]
    labels: list[str]
    size: tuple[int, int]
    channels: int
    model: TorchModel | None = None
    weights: str | None = None

    @classmethod
    def of_folder(cls, folder: Path, *, name: str, temperature: float) -> "LiveNetwork":
        """A model of the project, prepared for inference.

        Raises:
            UserError: the folder holds no model.
        """
        trained, card = load_model(folder)
        network = folded(trained)
        size = (network.height, network.width)
        layers = _layers(network, torch.rand(1, network.channels, *size))
        model = TorchModel(network, card, temperature=temperature)
        return cls(
            name=name, network=network, layers=layers, labels=card["labels"], size=size, channels=network.channels,
            model=model, weights=weights_of(folder),
        )  # fmt: skip

    @classmethod
    def of_own(cls, address: str, *, size: tuple[int, int] | None) -> "LiveNetwork":
        """A network of the user's own (`tasks.inspect.load_network`), with the first of `SIZES` that it takes.

        It gets three channels where it takes them, else one.

        Raises:
            UserError: there is no such network, it takes no pictures, or none of its layers can be shown.
        """
        network = load_network(address).requires_grad_(False)
        images, output = _accepted(network, [size] if size else list(SIZES), address)
        try:
            layers = _layers(network, images)
        except Exception as error:  # the user's own code runs in it
            raise _not_shown(address, reason_of(error)) from error
        if not layers:
            raise _not_shown(address, "no convolution, ReLU or linear layer of it gives units")
        logits = output if isinstance(output, Tensor) and output.dim() == 2 else None
        labels = [] if logits is None else [str(number) for number in range(logits.shape[1])]
        height, width = images.shape[2:]
        return cls(
            name=address, network=network, layers=layers, labels=labels, size=(height, width), channels=images.shape[1]
        )

    def layer(self, name: str) -> LiveLayer | None:
        """The layer called `name`; None where there is none."""
        return next((layer for layer in self.layers if layer.name == name), None)

    def images(self, pixels: Pixels) -> Tensor:
        """`float32[n, channels, height, width]` in [0, 1] of windows uint8 `[n, height, width]` or `[..., 3]`."""
        return as_images(torch.from_numpy(np.ascontiguousarray(pixels)), self.channels).contiguous()

    def run(self, images: Tensor, row: int, names: Sequence[str]) -> Activations:
        """A forward pass of all images, and the layers called `names` of the image `row`.

        Raises:
            ValueError: as `models.explain.hooks.observed`.
        """
        maps: dict[str, Tensor] = {}

        def keeper(name: str) -> object:
            def keep(output: Tensor) -> None:
                one = output[row]
                maps[name] = (one if one.dim() == 3 else one[:, None, None])[:MOST_UNITS].clone()

            return keep

        with torch.inference_mode(), observed(self.network, {name: keeper(name) for name in names}):  # type: ignore[misc]
            output = self.network(images)
        return Activations(output if self.labels else None, maps)

    def probabilities(self, logits: Tensor) -> np.ndarray:
        """softmax(logits / temperature), float64 `[n, labels]`."""
        temperature = self.model.temperature if self.model else 1.0
        return np.asarray(torch.softmax(logits.double() / temperature, dim=1))


def _layers(network: nn.Module, images: Tensor) -> list[LiveLayer]:
    shapes: dict[str, torch.Size] = {}

    def noter(name: str) -> object:
        return lambda output: shapes.__setitem__(name, output.shape)

    names = layers_of(network, images)
    with torch.no_grad(), observed(network, {name: noter(name) for name in names}):  # type: ignore[misc]
        network(images)
    sides = {name: (*shape[1:], 1, 1)[:3] for name, shape in shapes.items() if len(shape) in (2, 4)}
    return [LiveLayer(name, *sides[name]) for name in names if name in sides]


def _accepted(network: nn.Module, sizes: list[tuple[int, int]], address: str) -> tuple[Tensor, object]:
    """Random images that the network takes, and what it gives for them."""
    refusal = ""
    for height, width in sizes:
        for channels in (3, 1):
            images = torch.rand(1, channels, height, width, generator=torch.Generator().manual_seed(0))
            try:
                with torch.no_grad():
                    return images, network(images)
            except Exception as error:  # whatever the user's own code raises
                refusal = refusal or reason_of(error)
    tried = ", ".join(f"{height}x{width}" for height, width in sizes)
    what = f"the network takes no pictures of {tried}, in 3 channels or in 1: {refusal}"
    raise UserError(what, where=f"{OPTION} {clip(address)}", fix="name its pictures' size: --size HEIGHTxWIDTH")


def _not_shown(address: str, reason: str) -> UserError:
    fix = "use modules (nn.Conv2d, nn.ReLU, nn.Linear) whose outputs have units"
    return UserError(f"the network has no layers to show: {reason}", where=f"{OPTION} {clip(address)}", fix=fix)
