"""The network: a small convolutional backbone, an embedding, and the target head."""

import copy
from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from models.colour import luma_of
from models.settings import NetworkSettings


class Block(nn.Sequential):
    """Convolution, batch normalisation, ReLU; the stride divides height and width."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int) -> None:
        super().__init__(
            OrderedDict(
                conv=nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
                norm=nn.BatchNorm2d(outputs),
                relu=nn.ReLU(),
            )
        )


class Standardise(nn.Module):
    """Every crop to mean 0, deviation 1 and light ink: `[batch, 1 or 3, h, w]` -> the same shape.

    Contrast, brightness and inversion do not depend on the script, so the backbone need not learn to ignore them. Ink
    is taken to be the smaller part of a crop: its side of the mean has the longer tail, in brightness where there is
    colour. All channels of a crop share one mean and one deviation, so that its colours keep their proportions. Mean,
    deviation and sign are constants to the gradient, so that a unit's gradient stays within its receptive field.
    """

    FAINTEST = 0.03  # of the grey range: a crop with less deviation is left faint, not amplified
    SKEWED = 1e-3  # skewness from which the longer tail is the dark one: a symmetric crop's sign would be rounding's

    def forward(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            mean = images.mean((1, 2, 3), keepdim=True)
            centred = images - mean
            deviation = centred.square().mean((1, 2, 3), keepdim=True).sqrt()
            bright = luma_of(centred)
            if bright is not centred:
                bright = bright - bright.mean((1, 2, 3), keepdim=True)
            tail = bright.pow(3).mean((1, 2, 3), keepdim=True)
            scale = torch.where(tail < -self.SKEWED * deviation.pow(3), -1.0, 1.0) / (deviation + self.FAINTEST)
        return (images - mean) * scale


class Pool(nn.Module):
    """Maps pooled over all positions: `[batch, maps, rows, columns]` -> `[batch, width]`.

    By mean (how much there is), and by attention heads: means whose weights are a softmax over the positions, by a
    learned query a head (Lin et al., A Structured Self-attentive Sentence Embedding, 2017). What tells a script may
    stand in one place of a crop, and the mean is of all. Without heads: by mean and maximum.
    """

    def __init__(self, maps: int, *, heads: int) -> None:
        super().__init__()
        self.width = (1 + max(heads, 1)) * maps
        self.queries = nn.Parameter(torch.empty(heads, maps).uniform_(-1, 1) * maps**-0.5) if heads else None

    def forward(self, maps: Tensor) -> Tensor:
        # By rows, as channels last lie in memory: gradients come out in the maps' own layout.
        places = maps.permute(0, 2, 3, 1).flatten(1, 2)
        if self.queries is None:
            return torch.cat([places.mean(1), places.max(1).values], dim=1)
        heads = (places @ self.queries.T).softmax(1)
        # The mean as one head more: every sum over the positions has a gradient as large as the maps.
        alike = torch.full_like(heads[..., :1], 1 / places.shape[1])
        return (torch.cat([alike, heads], dim=2).transpose(1, 2) @ places).flatten(1)


class _Fixed(nn.Linear):
    """A linear layer fitted in closed form: weight and bias are buffers, which no optimizer changes."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__(width, outputs)
        weight, bias = self.weight.detach(), self.bias.detach()
        del self.weight, self.bias
        self.weight, self.bias = nn.Buffer(weight), nn.Buffer(bias)  # type: ignore[assignment]


class Eraser(_Fixed):
    """An affine projection of the embedding, `[batch, width]` -> the same shape; the identity until it is fitted.

    `models.erasure` fits it, and the gradient passes through. In training mode `seen[batch, width]` is the last
    batch's embedding, not yet projected.
    """

    seen: Tensor

    def __init__(self, width: int) -> None:
        super().__init__(width, width)

    def reset_parameters(self) -> None:
        """The identity; draws no random number."""
        with torch.no_grad():
            nn.init.eye_(self.weight)
            nn.init.zeros_(self.bias)

    def forward(self, features: Tensor) -> Tensor:
        if self.training:
            self.seen = features.detach()
        return super().forward(features)


class Bottleneck(_Fixed):
    """What an answer needs of the embedding and no more: `[batch, width]` -> each label's margin `[batch, labels]`.

    A margin is a label's logit less the largest one: 0 for the predicted label. All that are out of the question, below
    −`limit`, have the same, however far: −`FAR` · `limit`, so that together they are about as probable as before. What
    is predicted stays as it was; how sure the network is of it beyond `limit` does not.
    A representation that holds only what its task needs tells nothing else of its input (Achille & Soatto, Emergence of
    Invariance and Disentanglement, 2018): here nothing of a nuisance but which labels come close.

    To the gradient there is no limit, nor a largest logit: what an explainer finds is what speaks for the label, sure
    or not.
    """

    FAR = 1.5  # the log of the mean of exp(margin) beyond a limit of 3, 4 and 5 was 1.8, 1.4 and 1.2 times that

    def __init__(self, width: int, labels: int, *, limit: float) -> None:
        super().__init__(width, labels)
        self.limit = limit

    def forward(self, features: Tensor) -> Tensor:
        logits = super().forward(features)
        margins = logits - logits.detach().amax(1, keepdim=True)
        far = margins - margins.detach() - self.FAR * self.limit
        return torch.where(margins < -self.limit, far, margins)


def add_bottleneck(network: Any, limit: float) -> None:
    """Let the embedding of a trained network end in a `Bottleneck` made of its head: it predicts what it did before."""
    head: nn.Linear = network.target_head
    bottleneck = Bottleneck(head.in_features, head.out_features, limit=limit).to(head.weight.device)
    passed_on = nn.Linear(head.out_features, head.out_features).to(head.weight.device)
    with torch.no_grad():
        bottleneck.weight.copy_(head.weight)
        bottleneck.bias.copy_(head.bias)
        nn.init.eye_(passed_on.weight)
        nn.init.zeros_(passed_on.bias)
    network.embedding.add_module("bottleneck", bottleneck)
    network.target_head = passed_on


class CropNet(nn.Module):
    """Logits of a word crop's target label.

    The backbone's blocks are `backbone.0`, `backbone.1`, …; the first few that have more channels than the one before
    them halve height and width. A script shows as a texture of strokes, wherever the word is in the crop, so the last
    map is pooled over all positions (`Pool`). Every ReLU is a module of its own and none works in place, as the
    explainers need.

    Args:
        settings: channels of each block, how many blocks downsample, attention heads, width of the embedding, dropout.
        labels: number of target labels.
        height, width: the crops' size in pixels.
        channels: 1 for grey crops, 3 for red, green and blue.
        erases: whether the embedding ends in an `Eraser`.
        limit: of the `Bottleneck` after that; None for none.
    """

    def __init__(
        self,
        settings: NetworkSettings,
        *,
        labels: int,
        height: int,
        width: int,
        channels: int = 1,
        erases: bool = False,
        limit: float | None = None,
    ) -> None:
        super().__init__()
        self.height, self.width, self.channels = height, width, channels
        self.standardise = Standardise()
        self.backbone = nn.Sequential(*_blocks(settings, channels))
        self.pooling = Pool(settings.channels[-1], heads=settings.attention)
        self.embedding = nn.Sequential(
            OrderedDict(
                linear=nn.Linear(self.pooling.width, settings.embedding, bias=False),
                norm=nn.BatchNorm1d(settings.embedding),
                relu=nn.ReLU(),
            )
        )
        self.dropout = nn.Dropout(settings.dropout)
        self.target_head = nn.Linear(settings.embedding, labels)
        if erases:
            self.add_eraser()
        if limit is not None:
            add_bottleneck(self, limit)
        # Convolutions on a CPU run half as fast again with channels last.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def eraser(self) -> Eraser | None:
        """The last layer of the embedding, where a mode of invariance erases directions of it."""
        return getattr(self.embedding, "eraser", None)

    def add_eraser(self) -> None:
        """Let the embedding end in an `Eraser`, which has yet to be fitted."""
        self.embedding.add_module("eraser", Eraser(self.target_head.in_features))

    @property
    def bottleneck(self) -> Bottleneck | None:
        """The last layer of the embedding, where a mode of invariance leaves only what the answer needs."""
        return getattr(self.embedding, "bottleneck", None)

    def embed(self, images: Tensor) -> Tensor:
        """The embedding, input of the heads: `[batch, channels, height, width]` in [0, 1] -> `[batch, embedding]`.

        It is ≥ 0 where nothing is erased, and `[batch, labels]`, ≤ 0, behind a `Bottleneck`.

        Raises:
            ValueError: the images have another shape.
        """
        return self.embed_maps(self.maps(images))

    def maps(self, images: Tensor) -> Tensor:
        """The backbone's last maps `[batch, maps, rows, columns]`, of checked images."""
        wanted = (self.channels, self.height, self.width)
        if images.ndim != 4 or images.shape[1:] != wanted:
            raise ValueError(f"images must be [batch, {', '.join(map(str, wanted))}], not {list(images.shape)}")
        maps: Tensor = self.backbone(self.standardise(images))
        return maps

    def embed_maps(self, maps: Tensor) -> Tensor:
        """The embedding of the backbone's last maps."""
        features: Tensor = self.embedding(self.pooling(maps))
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Logits `[batch, labels]` of `images[batch, channels, height, width]` in [0, 1]."""
        logits: Tensor = self.target_head(self.dropout(self.embed(images)))
        return logits


def folded(network: CropNet) -> CropNet:
    """A copy for inference: each batch normalisation is folded into the layer before it.

    The same outputs up to rounding, and a fifth (forward) to a third (with backward) faster. Modules keep their names.
    """
    copied = copy.deepcopy(network).eval()
    for block in [*copied.backbone, copied.embedding]:
        parts: dict[str, Any] = dict(block.named_children())
        name, fuse = ("conv", fuse_conv_bn_eval) if "conv" in parts else ("linear", fuse_linear_bn_eval)
        setattr(block, name, fuse(parts[name], parts["norm"]))
        block.norm = nn.Identity()
    copied.requires_grad_(False)
    # Convolutions on a CPU run half as fast again with channels last.
    return copied.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _blocks(settings: NetworkSettings, channels: int) -> list[Block]:
    blocks: list[Block] = []
    inputs, downsampling = channels, settings.downsampling
    for outputs in settings.channels:
        # A picture widens whatever its channels are: grey and colour networks have maps of the same sizes.
        halves = downsampling > 0 and outputs > (inputs if blocks else 1)
        downsampling -= halves
        # The first kernel is wider: single pixels have little information.
        kernel = 3 if blocks else 5
        blocks.append(Block(inputs, outputs, kernel=kernel, stride=2 if halves else 1))
        inputs = outputs
    return blocks
