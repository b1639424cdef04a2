"""A network without a layer's redundant units: a check, by accuracy, that they are redundant."""

import contextlib
from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn

from models.explain.hooks import module_of
from models.explain.statistics import LayerSummary, Redundancy

How = Literal["zero", "mean", "fold"]


@contextlib.contextmanager
def pruned(
    network: nn.Module, layer: str, *, summary: LayerSummary, redundancy: Redundancy, how: How = "fold"
) -> Iterator[None]:
    """Run the network without a layer's redundant units inside the block; its weights are not changed.

    `zero` sets them to 0, `mean` to their mean over the data, and `fold` to their linear prediction from the kept
    units. The last is what the network would do if the next layer's weights from a redundant unit were added, times the
    least-squares weights, to those from the kept ones: it holds whatever module reads the layer, and however many do.
    (At the borders of a padded convolution the offset is counted as outside the image, too.)

    Raises:
        ValueError: there is no such layer, or no such `how`; in a forward pass, the layer has other units.
    """
    if how not in ("zero", "mean", "fold"):
        raise ValueError(f"units are pruned by zero, mean or fold, not by '{how}'")
    weight, offset = _replacement(summary, redundancy, how)

    def replace(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        if output.shape[1] != len(summary.mean):
            raise ValueError(f"layer '{layer}' has {output.shape[1]} units, its statistics {len(summary.mean)}")
        values = output.movedim(1, -1).clone()
        values[..., redundancy.redundant] = values[..., redundancy.kept] @ weight.to(values) + offset.to(values)
        return values.movedim(-1, 1)

    handle = module_of(network, layer).register_forward_hook(replace)
    try:
        yield
    finally:
        handle.remove()


def _replacement(summary: LayerSummary, redundancy: Redundancy, how: How) -> tuple[Tensor, Tensor]:
    """Weights `[kept, redundant]` and offset `[redundant]` of what replaces the redundant units."""
    if how == "fold":
        return redundancy.weight, redundancy.offset
    offset = summary.mean[redundancy.redundant]
    return torch.zeros_like(redundancy.weight), offset if how == "mean" else torch.zeros_like(offset)
