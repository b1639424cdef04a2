"""A network from an entry module to a layer, and a gradient override for zero ReLUs."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from models.explain.hooks import ReachedError, device_of, module_of, run_to


class PartialNetwork:
    """A network up to a layer, from pixels `[batch, channels, height, width]` on `device`; threads may share it."""

    def __init__(self, network: nn.Module, layer: str, entry: str | None, shape: tuple[int, int, int]) -> None:
        self.layer, self.entry = layer, entry
        self._network = network
        self.device = device_of(network)
        self._blank = torch.zeros(1, *shape, device=self.device)
        self._own = threading.local()

    def __call__(self, pixels: Tensor) -> Tensor:
        """The layer's output, `[batch, units]` or `[batch, units, positions…]`.

        Raises:
            ValueError: the network does not take the pixels, the layer does not run, or it gives no such tensor.
        """
        self._own.pixels = pixels
        try:
            output = run_to(self._network, self.layer, pixels if self.entry is None else self._blank)
        finally:
            del self._own.pixels
        if not isinstance(output, Tensor) or output.dim() < 2:
            raise ValueError(f"layer '{self.layer}' gives no [batch, units, …] tensor")
        return output

    def _entering(self, forward: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *inputs, **options: self._own.pixels if self._runs else forward(*inputs, **options)

    @property
    def _runs(self) -> bool:
        """Whether this thread is in a pass of this partial network, and not of other code's."""
        return hasattr(self._own, "pixels")

    def _stop(self, _module: nn.Module, _inputs: object, output: object) -> None:
        if self._runs:
            raise ReachedError(output)


@contextlib.contextmanager
def partial_network(
    network: nn.Module, layer: str, *, shape: tuple[int, int, int], entry: str | None = None
) -> Iterator[PartialNetwork]:
    """Yield the network up to `layer`, in evaluation mode; hooks and modes are as before when the block ends.

    Args:
        network: any module that takes images.
        layer: name of a module of it. What comes after is not computed.
        shape: channels, height, width of the images that the network takes.
        entry: name of a module whose output the pixels stand for; None: they are the network's input. What
            comes before `entry` runs on one blank image, `entry` itself does not. Its output may have any batch
            and, where the modules after it allow that, any height and width.

    Raises:
        ValueError: a name is no module of the network; the message lists the names that are.
    """
    stop, enter = module_of(network, layer), None if entry is None else module_of(network, entry)
    to_layer = PartialNetwork(network, layer, entry, shape)
    with contextlib.ExitStack() as undo:
        for module in network.modules():
            undo.callback(setattr, module, "training", module.training)
        network.eval()
        if enter is not None:
            undo.enter_context(_entered_by(to_layer, enter))
        undo.callback(stop.register_forward_hook(to_layer._stop).remove)
        yield to_layer


@contextlib.contextmanager
def _entered_by(to_layer: PartialNetwork, module: nn.Module) -> Iterator[None]:
    """The module gives the pixels in place of its output; a hook could do that too, but the module would still run."""
    own = module.__dict__.get("forward")
    module.forward = to_layer._entering(module.forward)  # type: ignore[method-assign]
    try:
        yield
    finally:
        del module.forward
        if own is not None:
            module.forward = own


class ReluGradientOverride(TorchFunctionMode):
    """Gradient override for zero ReLUs: they pass the full gradient, for the samples that `override[batch]` marks.

    The values stay those of the ReLU. Modules, functions and methods, in place or not, all end in the same few
    functions, which are caught here; a ReLU written as `clamp(min=0)`, or one that is given another batch, is not.
    """

    _RELUS = (functional.relu, functional.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)
    _IN_PLACE = (functional.relu_, torch.relu_, Tensor.relu_)

    def __init__(self, override: Tensor) -> None:
        super().__init__()
        self._override = override

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func not in self._RELUS:
            return func(*args, **kwargs)
        values = args[0] if args else kwargs["input"]
        if len(values) != len(self._override):  # before the entry, which runs on one image
            return func(*args, **kwargs)
        in_place = func in self._IN_PLACE or bool(kwargs.get("inplace", args[1] if len(args) > 1 else False))
        return _OverriddenRelu.apply(values, self._override, in_place)  # type: ignore[no-untyped-call]


class _OverriddenRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, override: Tensor, in_place: bool) -> Tensor:
        if in_place:
            ctx.mark_dirty(values)
        output = values.clamp_min_(0) if in_place else values.clamp_min(0)
        ctx.save_for_backward((output > 0) | override.view(-1, *[1] * (values.dim() - 1)))
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (open_,) = ctx.saved_tensors
        return gradients[0] * open_, None, None
