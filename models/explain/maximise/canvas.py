"""The pixels that activation maximisation optimises: their range, and the receptive field of the middle position."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.explain.hooks import captured
from models.explain.maximise.partial_network import PartialNetwork, ReluGradientOverride
from models.explain.receptive_fields import extent, touched

PROBES = 8  # noise images that a layer is measured with
PROBE_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """Pixels `[channels, height, width]` from `low` to `high`; `neutral` is what regularisers pull to.

    `entry` names the module whose output the pixels stand for; None: they are the network's input. A network that
    standardises its input by the image's own mean and deviation (CropNet does, under the name `standardise`) wants
    that module here: before it, decay of contrast is undone at once, brightness has no effect, the sign of the
    gradient flips with the polarity of the image, and every unit's image depends on far pixels. After it, 0
    is the image's own mean, which is what the paper's pixels, less the mean image, are too.
    """

    channels: int
    height: int
    width: int
    low: float = 0.0
    high: float = 1.0
    neutral: float = 0.5
    entry: str | None = None

    def __post_init__(self) -> None:
        if not self.low <= self.neutral <= self.high or self.low == self.high:
            raise ValueError(f"pixels from {self.low} to {self.high} have no neutral value {self.neutral}")

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.channels, self.height, self.width

    @property
    def span(self) -> float:
        return self.high - self.low


def entered(network: nn.Module, entry: str | None, images: Tensor) -> Tensor:
    """Images `[batch, channels, height, width]` as they are at `entry`: in the canvas's pixels."""
    if entry is None:
        return images
    with torch.no_grad(), captured(network, [entry]) as outputs:
        network(images)
    return outputs[entry]


def canvas_of(network: nn.Module, images: Tensor, *, entry: str | None = None) -> Canvas:
    """The canvas that real images `[n, channels, height, width]` span at `entry`; all but the outermost hundredth."""
    pixels = entered(network, entry, images)
    channels, height, width = pixels.shape[1:]
    low, high = np.quantile(pixels.cpu().numpy(), (0.005, 0.995))
    return Canvas(
        channels=channels, height=height, width=width, low=float(low), high=float(high), neutral=float(pixels.mean()),
        entry=entry,
    )  # fmt: skip


def probes(canvas: Canvas) -> Tensor:
    """Noise of the canvas's whole range, always the same: `[PROBES, channels, height, width]`."""
    generator = torch.Generator().manual_seed(PROBE_SEED)
    return canvas.low + canvas.span * torch.rand(PROBES, *canvas.shape, generator=generator)


@dataclass(frozen=True)
class Window:
    """The receptive field of one position of a layer, and how the layer is computed from it alone.

    The part is `[top:top+height, left:left+width]`. `pad` (left, right, top, bottom) neutral pixels around it align
    it with the layer's strides; `position` is the position's index in the layer's output then. `field` is the number
    of pixels, height times width, of the receptive field, which is all of the part unless that was not cut.
    """

    top: int
    left: int
    height: int
    width: int
    pad: tuple[int, int, int, int]
    position: tuple[int, ...]
    field: int

    def cut(self, images: Tensor) -> Tensor:
        """The part, of whole images."""
        return images[:, :, self.top : self.top + self.height, self.left : self.left + self.width]

    def units(self, to_layer: PartialNetwork, pixels: Tensor, neutral: float) -> Tensor:
        """`[batch, units]` at the position, from pixels `[batch, channels, height, width]` of the part."""
        if any(self.pad):
            pixels = functional.pad(pixels, self.pad, value=neutral)
        output = to_layer(pixels)
        index: tuple[slice | int, ...] = (slice(None), slice(None), *self.position)
        return output[index]


def whole(to_layer: PartialNetwork, canvas: Canvas) -> Window:
    """The window that is the whole canvas, at the middle position of the layer."""
    with torch.no_grad():
        sides = to_layer(probes(canvas)[:1].to(to_layer.device)).shape[2:]
    middle = tuple(count // 2 for count in sides)
    return Window(0, 0, canvas.height, canvas.width, (0, 0, 0, 0), middle, canvas.height * canvas.width)


def window_of(to_layer: PartialNetwork, canvas: Canvas, *, cut: bool = True) -> Window:
    """The receptive field of the layer's middle position, if the layer can be computed from that alone; else all.

    Pixels outside the field have no gradient, so ascent gives the same image inside it whether they are there or
    not. That a layer can be so computed is not derived from its modules but tested: on noise, from the field and from
    the whole image, its units must have the same values. Without `cut` it is the whole canvas, and only the field is
    measured.
    """
    noise = probes(canvas).to(to_layer.device)
    everything = whole(to_layer, canvas)
    values, seen = _dependence(to_layer, everything, noise, canvas.neutral)
    if not seen.any():
        return everything
    (top, bottom), (left, right) = (extent(seen.any(dim=side)) for side in (1, 0))
    height, width = bottom - top, right - left
    everything = replace(everything, field=height * width)
    if not cut or len(everything.position) != 2 or (height, width) == seen.shape:
        return everything
    part = replace(everything, top=top, left=left, height=height, width=width)
    part = _aligned(part, seen.shape, to_layer(noise[:1]).shape[2:])
    try:
        with torch.no_grad():
            alone = part.units(to_layer, part.cut(noise), canvas.neutral)
    except (ValueError, IndexError):  # a network that checks its images' size, or relies on it
        return everything
    near = 1e-4 * float(values.abs().max())
    same = alone.shape == values.shape and torch.allclose(alone, values, rtol=1e-3, atol=near)
    return part if same else everything


def _dependence(to_layer: PartialNetwork, window: Window, noise: Tensor, neutral: float) -> tuple[Tensor, Tensor]:
    """The units' values, and which pixels `[height, width]` they depend on, zero ReLUs or not."""
    pixels = noise.clone().requires_grad_()
    with torch.enable_grad(), ReluGradientOverride(torch.ones_like(noise[:, 0, 0, 0], dtype=torch.bool)):
        values = window.units(to_layer, pixels, neutral)
        gradient = gradient_of(to_layer, values.sum(), pixels)
    return values.detach(), touched(gradient)


def gradient_of(to_layer: PartialNetwork, value: Tensor, pixels: Tensor) -> Tensor:
    """Gradient of `value`, a sum over the batch.

    Raises:
        ValueError: the layer does not depend on the pixels by differentiable operations.
    """
    gradient = torch.autograd.grad(value, pixels, allow_unused=True)[0] if value.requires_grad else None
    if gradient is None:
        raise ValueError(
            f"layer '{to_layer.layer}' has no gradient to the pixels"
            + ("" if to_layer.entry is None else f" that enter at '{to_layer.entry}'")
        )
    return gradient


def _aligned(part: Window, sides: Sequence[int], positions: Sequence[int]) -> Window:
    """The part, padded to whole strides of a layer that has `positions` (rows, columns) on an image of these sides."""
    down, along = (max(1, round(size / count)) for size, count in zip(sides, positions, strict=True))
    position = (part.position[0] - part.top // down, part.position[1] - part.left // along)
    return replace(part, pad=(part.left % along, 0, part.top % down, 0), position=position)
