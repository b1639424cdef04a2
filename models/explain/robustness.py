"""Which layers are robust: how much a degraded input changes each layer's output."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.explain.hooks import captured


def relative_change(network: nn.Module, clean: Tensor, degraded: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """By layer, in the order given: ‖a(degraded) - a(clean)‖ / ‖a(clean)‖ of each image, `[batch]`.

    Yosinski et al. (2015, section 2) found lower layers robust to changes of the input and the last three sensitive.
    0 where the layer is zero for both images, infinite where it is zero for the clean one alone.

    Args:
        network: in evaluation mode.
        clean, degraded: the same images `[batch, channels, height, width]`, before and after.
        layers: names of modules.

    Raises:
        ValueError: the shapes differ, or a layer does not exist or does not run.
    """
    if clean.shape != degraded.shape:
        raise ValueError(f"clean images are {list(clean.shape)}, degraded ones {list(degraded.shape)}")
    with torch.no_grad(), captured(network, layers) as outputs:
        network(clean)
        before = dict(outputs)
        network(degraded)
    for layer in layers:
        if layer not in before:
            raise ValueError(f"the forward pass does not reach layer '{layer}'")
    return {layer: _relative(before[layer].flatten(1), outputs[layer].flatten(1)) for layer in layers}


def _relative(before: Tensor, after: Tensor) -> Tensor:
    change, size = (after - before).norm(dim=1), before.norm(dim=1)
    return torch.where(change > 0, change / size, torch.zeros_like(change))
