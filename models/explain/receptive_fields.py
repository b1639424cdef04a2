"""Receptive fields: the box of pixels that a position of a layer depends on, at the image's borders too."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from models.explain.hooks import run_until
from models.explain.rectifiers import replaced

Box = tuple[int, int, int, int]  # top, left, bottom, right in pixels; bottom and right are the first outside


@dataclass(frozen=True)
class ReceptiveFields:
    """The receptive fields of all positions of a layer.

    `down[rows, 2]` and `across[columns, 2]` are the first pixel and the first one after the last, along the
    image's height for each row of the layer's map and along its width for each column.
    """

    layer: str
    down: Tensor
    across: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels of the largest field: one that no border cuts, where there is one."""
        return int((self.down[:, 1] - self.down[:, 0]).max()), int((self.across[:, 1] - self.across[:, 0]).max())

    def box(self, row: int, column: int) -> Box:
        """The pixels that the position at (row, column) depends on. Raises `ValueError` where there is none."""
        rows, columns = len(self.down), len(self.across)
        if not (0 <= row < rows and 0 <= column < columns):
            raise ValueError(f"layer '{self.layer}' has {rows} rows and {columns} columns, none at ({row}, {column})")
        (top, bottom), (left, right) = self.down[row].tolist(), self.across[column].tolist()
        return top, left, bottom, right

    def patch(self, image: Tensor, row: int, column: int, *, fill: float = 0.0) -> Tensor:
        """The receptive field of the position (row, column) in `image[channels, height, width]`: `[channels, *size]`.

        All patches of a layer have one size; pixels outside the image are `fill`, as the layer's padding is.

        Raises:
            ValueError: there is no such position.
        """
        top, left, bottom, right = self.box(row, column)
        height, width = self.size
        patch = image.new_full((image.shape[0], height, width), fill)
        # A field that the image's upper or left border cuts goes to the patch's other end.
        down = height - (bottom - top) if top == 0 else 0
        across = width - (right - left) if left == 0 else 0
        patch[:, down : down + bottom - top, across : across + right - left] = image[:, top:bottom, left:right]
        return patch


def receptive_fields(network: nn.Module, layer: str, images: Tensor) -> ReceptiveFields:
    """Receptive fields of layer `layer`, for any network whose fields are boxes: convolutions and pools.

    Measured, not derived: the extent of the non-zero gradient of each row, and of each column, of the layer's
    map over a batch of images `[batch, channels, height, width]`. Noise is best: a max pool passes
    the gradient of one pixel of its window, another one in each image. ReLU modules pass all gradients, so
    that a dead unit has a field too. A layer without spatial positions depends on the whole image.

    Raises:
        ValueError: as `run_until`; or no gradient reaches the images at all.
    """
    height, width = int(images.shape[2]), int(images.shape[3])
    with torch.inference_mode(False), torch.enable_grad(), replaced(network, lambda values: values):
        pixels = images.clone().requires_grad_()
        output = run_until(network, layer, pixels)
        if output.dim() != 4:
            return ReceptiveFields(layer, torch.tensor([[0, height]]), torch.tensor([[0, width]]))
        if not output.requires_grad:
            raise ValueError(f"layer '{layer}' gives no gradient to the image")
        grad = partial(torch.autograd.grad, inputs=pixels, retain_graph=True)
        down = [touched(*grad(part.sum())).any(dim=1) for part in output.unbind(2)]
        across = [touched(*grad(part.sum())).any(dim=0) for part in output.unbind(3)]
    if not torch.stack(down).any():
        raise ValueError(f"layer '{layer}' depends on no pixel: its gradient is zero everywhere")
    return ReceptiveFields(layer, *(torch.tensor([extent(line) for line in lines]) for lines in (down, across)))


def touched(gradient: Tensor) -> Tensor:
    """`[height, width]`, which pixels a gradient `[batch, channels, height, width]` is not zero at, in any image."""
    return (gradient != 0).any(dim=1).any(dim=0)


def extent(line: Tensor) -> tuple[int, int]:
    """The first index of `line[length]` that is true and the first one after the last; (0, 0) where none is."""
    found = torch.nonzero(line).flatten()
    return (int(found[0]), int(found[-1]) + 1) if len(found) else (0, 0)
