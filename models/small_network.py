"""The small network of the architecture experiments: convolutions, dense layers, a decision layer."""

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from models.network import CropNet
from models.settings import Settings

Units = Annotated[int, Field(ge=1, le=4096)]


class SmallNetworkSettings(Settings):
    """Filters of each convolution, units of each dense layer, kernel size, and what the outputs are.

    `standardised`: each picture is taken to mean 0 and deviation 1 first. `output` softmax: they are logits, trained
    with cross-entropy; linear: they are values, trained with mean squared error to be 1 for the true label and 0 for
    the others.
    """

    filters: Annotated[list[Units], Field(min_length=1, max_length=8)]
    dense: Annotated[list[Units], Field(max_length=16)]
    kernel: int = Field(default=5, ge=1, le=15)
    standardised: bool = False
    output: Literal["softmax", "linear"] = "softmax"


class OwnContrast(nn.Module):
    """Every picture to mean 0 and deviation 1: `[batch, channels, height, width]` -> the same shape."""

    FAINTEST = 0.03  # deviation, of the grey range: what has less stays faint

    def forward(self, images: Tensor) -> Tensor:
        deviation, mean = torch.std_mean(images, dim=(1, 2, 3), keepdim=True)
        return (images - mean) / (deviation + self.FAINTEST)


class SmallNetwork(CropNet):
    """Outputs `[batch, labels]` of `images[batch, channels, height, width]` in [0, 1].

    To a training, to the modes of invariance and to the explainers it is a `CropNet`; its parts are others. The
    backbone's `conv1`, `conv2`, … each end in a ReLU, and max-pooling halves their maps. The dense layers
    `embedding.dense1`, … see every position by itself: nothing is pooled over the picture, and where something is
    matters. The last of them is the embedding; without any it is the maps themselves. `target_head` decides.
    """

    def __init__(
        self, settings: SmallNetworkSettings, *, labels: int, height: int, width: int, channels: int = 1,
        erases: bool = False,
    ) -> None:  # fmt: skip
        nn.Module.__init__(self)  # a CropNet's own would make other parts
        self.height, self.width, self.channels = height, width, channels
        self.standardise = OwnContrast() if settings.standardised else nn.Identity()  # type: ignore[assignment]
        self.backbone = _convolutions(channels, settings.filters, settings.kernel)
        self.pooling = nn.Flatten()  # type: ignore[assignment]
        halvings = 2 ** len(settings.filters)
        places = settings.filters[-1] * (height // halvings) * (width // halvings)
        self.embedding = _dense([places, *settings.dense])
        self.dropout = nn.Dropout(0.0)
        self.target_head = nn.Linear(settings.dense[-1] if settings.dense else places, labels)
        if erases:
            self.add_eraser()


def _convolutions(channels: int, filters: Sequence[int], kernel: int) -> nn.Sequential:
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (inputs, outputs) in enumerate(zip([channels, *filters], filters, strict=False), start=1):
        conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
        parts[f"conv{number}"] = nn.Sequential(OrderedDict(conv=conv, relu=nn.ReLU()))
        parts[f"pool{number}"] = nn.MaxPool2d(2)
    return nn.Sequential(parts)


def _dense(widths: Sequence[int]) -> nn.Sequential:
    parts: OrderedDict[str, nn.Module] = OrderedDict(
        (f"dense{number}", nn.Sequential(OrderedDict(linear=nn.Linear(inputs, outputs), relu=nn.ReLU())))
        for number, (inputs, outputs) in enumerate(pairwise(widths), start=1)
    )
    return nn.Sequential(parts)
