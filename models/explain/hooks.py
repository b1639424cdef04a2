"""Outputs of named modules, captured during forward passes; the hooks are always removed."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn


@contextlib.contextmanager
def observed(network: nn.Module, observers: Mapping[str, Callable[[Tensor], None]]) -> Iterator[None]:
    """Call each observer with its module's output, in every forward pass inside the block.

    An observer must not change what it is given, nor keep it: a later in-place operation may overwrite it.
    The hooks are gone when the block ends, however it ends.

    Raises:
        ValueError: a name is no module of the network; the message lists the names that are.
    """
    modules = dict(network.named_modules())
    for name in observers:
        if name not in modules:
            raise ValueError(f"no layer '{name}'; there are: {', '.join(known for known in modules if known)}")

    def hook_of(observer: Callable[[Tensor], None]) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            observer(output)

        return hook

    with contextlib.ExitStack() as hooks:
        for name, observer in observers.items():
            hooks.callback(modules[name].register_forward_hook(hook_of(observer)).remove)
        yield


@contextlib.contextmanager
def captured(network: nn.Module, names: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """Yield a dictionary that each forward pass fills with a copy of the output of every module in `names`.

    Keys come in the order in which the modules ran; a module that runs twice keeps its last output.

    Raises:
        ValueError: as `observed`.
    """
    outputs: dict[str, Tensor] = {}

    def keeper(name: str) -> Callable[[Tensor], None]:
        def keep(output: Tensor) -> None:
            outputs.pop(name, None)
            outputs[name] = output.clone()

        return keep

    with observed(network, {name: keeper(name) for name in names}):
        yield outputs


def layers_of(network: nn.Module, images: Tensor) -> dict[str, int]:
    """The layers worth looking at, in the order in which they run, and how many units each has.

    These are the rectified outputs (`nn.ReLU`; one that ends a block goes by the block's name) and the
    linear layers which no ReLU follows at once (the heads). In a network without any ReLU every convolution
    and linear layer counts. `images` is one batch `[batch, 1, height, width]` to run: modules that the
    forward pass does not reach (a head that only training uses) are left out.
    """
    kinds = (nn.Conv2d, nn.Linear, nn.ReLU)
    named = {name: module for name, module in network.named_modules() if isinstance(module, kinds)}
    with torch.inference_mode(), captured(network, list(named)) as outputs:
        network(images)
    ran = list(outputs)
    if not any(isinstance(named[name], nn.ReLU) for name in ran):
        return {name: outputs[name].shape[1] for name in ran}
    layers: dict[str, int] = {}
    for name, following in zip(ran, [*ran[1:], None], strict=True):
        rectified = following is not None and isinstance(named[following], nn.ReLU)
        if isinstance(named[name], nn.ReLU) or (isinstance(named[name], nn.Linear) and not rectified):
            layers[_block_of(network, name)] = outputs[name].shape[1]
    return layers


def _block_of(network: nn.Module, name: str) -> str:
    """The block that the module at `name` ends: its output is the block's. Else `name` itself."""
    outer, _, inner = name.rpartition(".")
    block = network.get_submodule(outer) if outer else None
    ends = isinstance(block, nn.Sequential) and list(block._modules)[-1] == inner
    return outer if ends else name


def receptive_field(network: nn.Module, name: str, images: Tensor) -> tuple[int, int]:
    """Height and width in pixels of the input region that one position of layer `name` depends on.

    Measured, not derived: the extent of the non-zero gradient of the layer's middle position over a batch
    of images `[batch, 1, height, width]` (noise is best: where a ReLU or a pool blocks the way in one image
    it is open in another). A layer without positions depends on the whole image.
    """
    pixels = images.detach().clone().requires_grad_()
    with captured(network, [name]) as outputs, torch.enable_grad():
        network(pixels)
        output = outputs[name]
        if output.dim() != 4:
            return int(images.shape[2]), int(images.shape[3])
        (gradient,) = torch.autograd.grad(output[:, :, output.shape[2] // 2, output.shape[3] // 2].sum(), pixels)
    touched = gradient.abs().amax(dim=(0, 1)) > 0
    return _extent(touched.any(dim=1)), _extent(touched.any(dim=0))


def _extent(line: Tensor) -> int:
    places = torch.nonzero(line).flatten()
    return int(places[-1] - places[0] + 1) if len(places) else 0
