"""Outputs of named modules, captured during forward passes; the hooks are always removed."""

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn


def module_of(network: nn.Module, name: str) -> nn.Module:
    """The module at `name`. Raises `ValueError` where there is none; the message lists the names that are."""
    if name:
        with contextlib.suppress(AttributeError):
            return network.get_submodule(name)
    known = ", ".join(name for name, _ in network.named_modules() if name)
    raise ValueError(f"no layer '{name}'; there are: {known}")


def device_of(network: nn.Module) -> torch.device:
    """Where the network is; one without weights and buffers is on the processor."""
    first = next(itertools.chain(network.parameters(), network.buffers()), None)
    return torch.device("cpu") if first is None else first.device


def run(network: nn.Module, images: Tensor) -> Tensor:
    """`network(images)`, with the user's mistakes as `ValueError`.

    Raises:
        ValueError: the network is in training mode (a batch's images would change each other's outputs),
            `images` are not `[batch, channels, height, width]` floats, or do not fit the network: grey for
            colour, or too small for its kernels.
    """
    if network.training:
        raise ValueError("the network is in training mode: call its eval() first")
    if images.dim() != 4 or not images.is_floating_point():
        raise ValueError(f"images are floats [batch, channels, height, width], not {images.dtype} {list(images.shape)}")
    try:
        return network(images)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"the network does not take images {list(images.shape)}: {reason}") from error


class ReachedError(Exception):
    """Raised by a layer's hook with the layer's output: ends the forward pass there."""

    def __init__(self, output: object) -> None:
        super().__init__("reached")
        self.output = output


def run_to(network: nn.Module, name: str, images: Tensor) -> object:
    """Run until a hook on layer `name` raises `ReachedError`, and return the output that it carries.

    Raises:
        ValueError: as `run`, or the forward pass does not reach the layer.
    """
    try:
        run(network, images)
    except ReachedError as reached:
        return reached.output
    raise ValueError(f"the forward pass does not reach layer '{name}'")


def run_until(network: nn.Module, name: str, images: Tensor) -> Tensor:
    """The output of layer `name` for `images[batch, channels, height, width]`; what comes after it is not run.

    A layer that runs more than once gives its first output. The output is the network's own tensor, with
    its gradient's history where gradients are on.

    Raises:
        ValueError: as `observed` and `run`, or the forward pass does not reach the layer.
    """

    def stop(output: Tensor) -> None:
        raise ReachedError(output)

    with observed(network, {name: stop}):
        output = run_to(network, name, images)
    assert isinstance(output, Tensor)
    return output


def run_order(network: nn.Module, names: Iterable[str], images: Tensor) -> list[str]:
    """Which of the modules in `names` a forward pass of `images` runs, in order; one that runs twice is there twice."""
    ran: list[str] = []

    def noter(name: str) -> Callable[[Tensor], None]:
        return lambda _output: ran.append(name)

    with torch.no_grad(), observed(network, {name: noter(name) for name in names}):
        run(network, images)
    return ran


def check_units(name: str, units: Tensor, output: Tensor) -> None:
    """Raises `ValueError` where a number in `units` is no unit of layer `name`, whose output is given."""
    if output.dim() not in (2, 4):
        raise ValueError(
            f"layer '{name}' gives {list(output.shape)}, not [batch, units] or [batch, units, rows, columns]"
        )
    wrong = units[(units < 0) | (units >= output.shape[1])]
    if len(wrong):
        raise ValueError(f"layer '{name}' has units 0 to {output.shape[1] - 1}, not {int(wrong[0])}")


@contextlib.contextmanager
def observed(network: nn.Module, observers: Mapping[str, Callable[[Tensor], None]]) -> Iterator[None]:
    """Call each observer with its module's output, in every forward pass inside the block.

    An observer must not change what it is given, nor keep it: a later in-place operation may overwrite it.
    The hooks are gone when the block ends, however it ends.

    Raises:
        ValueError: a name is no module of the network; the message lists the names that are. Or, in a
            forward pass, a module gives something other than one tensor.
    """
    modules = {name: module_of(network, name) for name in observers}

    def hook_of(name: str) -> Callable[[nn.Module, object, object], None]:
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            if not isinstance(output, Tensor):
                raise ValueError(f"layer '{name}' gives {type(output).__name__}, not one tensor: name one inside it")
            observers[name](output)

        return hook

    with contextlib.ExitStack() as hooks:
        for name, module in modules.items():
            hooks.callback(module.register_forward_hook(hook_of(name)).remove)
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
    """The layers worth showing, in the order in which they run, and how many units each has.

    These are the rectified outputs (`nn.ReLU`; one that ends a block goes by the block's name) and the
    linear layers which no ReLU follows at once (the heads). In a network without any ReLU every convolution
    and linear layer counts, as does one before a ReLU that runs more than once: that ReLU's name does not identify
    one output. `images` is one batch `[batch, channels, height, width]` to run: modules that the
    forward pass does not reach (a head that only training uses) are left out.
    """
    kinds = (nn.Conv2d, nn.Linear, nn.ReLU)
    named = {name: module for name, module in network.named_modules() if isinstance(module, kinds)}
    ran: list[tuple[str, int]] = []
    with torch.inference_mode(), observed(network, {name: _noter(name, ran) for name in named}):
        network(images)
    times = Counter(name for name, _ in ran)
    rectifiers = {name for name in times if isinstance(named[name], nn.ReLU)}
    layers: dict[str, int] = {}
    for (name, units), (following, _) in zip(ran, [*ran[1:], ("", 0)], strict=True):
        if times[name] > 1:
            continue
        head = isinstance(named[name], nn.Linear) and following not in rectifiers
        if not rectifiers or name in rectifiers or head or times[following] > 1:
            layers[_block_of(network, name)] = units
    return layers


def _noter(name: str, ran: list[tuple[str, int]]) -> Callable[[Tensor], None]:
    return lambda output: ran.append((name, output.shape[1]))


def _block_of(network: nn.Module, name: str) -> str:
    """The block that the module at `name` ends: its output is the block's. Else `name` itself."""
    outer, _, inner = name.rpartition(".")
    block = network.get_submodule(outer) if outer else None
    ends = isinstance(block, nn.Sequential) and list(block._modules)[-1] == inner
    return outer if ends else name
