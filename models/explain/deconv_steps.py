"""The deconvnet step by step: one neuron's signal on its way back through every module, down to the pixels."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.explain.deconv import seed_of
from models.explain.hooks import observed, run_until
from models.explain.rectifiers import only_modules_rectify, rectified_signals

PASSED = (nn.Identity, nn.Dropout, nn.Flatten)  # modules that leave a signal as it is


@dataclass(frozen=True, kw_only=True)
class Step:
    """What has become of the signal: `signal[channels, h, w]`, or `[units]`, in front of a module.

    `module` is its name, `does` what it did with the signal: `keep` (the first step: all but one neuron set to zero),
    `rectify`, `filter` (transposed convolution), `unpool`, or the name of its class in lower case.
    """

    module: str
    does: str
    signal: Tensor


@torch.inference_mode(False)
def deconvnet_steps(network: nn.Module, image: Tensor, *, layer: str, unit: int) -> list[Step]:
    """The deconvnet of a unit where it is highest, from the layer down to the pixels (Zeiler & Fergus 2014, figure 1).

    The last step's signal is that of `models.explain.deconv.project`.

    Args:
        image: `[1, channels, height, width]`.

    Raises:
        ValueError: as `project` with `deconvnet`.
    """
    pixels = image.clone().requires_grad_()
    leaves = {name: module for name, module in network.named_modules() if not list(module.children())}
    ran: list[tuple[str, Tensor]] = []
    observers = {name: (lambda output, name=name: ran.append((name, output))) for name in leaves}
    with torch.enable_grad(), rectified_signals(network), only_modules_rectify(network), observed(network, observers):
        output = run_until(network, layer, pixels)
    seed = seed_of(layer, torch.tensor([unit]), None, output.detach())
    steps = [Step(module=layer, does="keep", signal=seed[0])]
    inputs = [pixels, *(kept for _, kept in ran[:-1])]
    signals = torch.autograd.grad(output, inputs, seed, allow_unused=True)
    for (name, _), signal in zip(reversed(ran), reversed(signals), strict=True):
        if signal is not None and not isinstance(leaves[name], PASSED):
            steps.append(Step(module=name, does=_verb(leaves[name]), signal=signal[0]))
    return steps


def _verb(module: nn.Module) -> str:
    if isinstance(module, nn.ReLU):
        return "rectify"
    if isinstance(module, nn.Conv2d | nn.Linear):
        return "filter"
    return "unpool" if isinstance(module, nn.MaxPool2d) else type(module).__name__.lower()
