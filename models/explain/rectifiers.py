"""Which ReLUs a network has, and whether rules that change their gradient can reach all of them."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from models.explain.shared_rows import distinct_rows, expanded_rows

RELUS = {torch.relu, torch.relu_, F.relu, F.relu_, Tensor.relu, Tensor.relu_}
CLAMPS = {
    *(torch.clamp, torch.clamp_, torch.clip, torch.clip_, torch.clamp_min, torch.clamp_min_),
    *(Tensor.clamp, Tensor.clamp_, Tensor.clip, Tensor.clip_, Tensor.clamp_min, Tensor.clamp_min_),
}
RELATIVES = {
    *(F.relu6, F.leaky_relu, F.leaky_relu_, F.prelu, torch.prelu, F.rrelu, F.rrelu_, F.threshold, torch.threshold_),
    *(F.elu, F.elu_, F.selu, F.selu_, F.celu, F.celu_, F.gelu, F.silu, F.mish, F.softplus, F.hardtanh, F.hardtanh_),
    F.hardswish,
}


@contextlib.contextmanager
def only_modules_rectify(network: nn.Module) -> Iterator[None]:
    """Refuse, in the block's forward passes, every rectifier that is not an `nn.ReLU` module.

    Deconvnet and guided backpropagation are rules for the gradient of a ReLU, and reach it through its
    module. Anything else would silently pass its plain gradient on. The functions that modules call are
    detected; a ReLU written as arithmetic (`x * (x > 0)`) is not. `sigmoid` and `tanh` are no rectifiers: their own
    gradient is passed on. Hooks that replace a ReLU are set before the block begins.

    Raises:
        ValueError: a functional ReLU, a relative of the ReLU (GELU, leaky ReLU, …), or a TorchScript module,
            with where it is.
    """
    scripted = [module for module in network.modules() if isinstance(module, torch.jit.ScriptModule)]
    if scripted:
        raise ValueError("a TorchScript network hides its ReLUs: use the network that it was compiled from")
    with _running(network) as stack, _Rectifiers(stack):
        yield


class _Rectifiers(TorchFunctionMode):
    """Raises at the first rectifier that no `nn.ReLU` calls; `stack` names the modules that are running."""

    def __init__(self, stack: list[tuple[str, nn.Module]]) -> None:
        super().__init__()
        self._stack = stack

    def __torch_function__(self, func: Callable, types: Any, args: Any = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        name, module = self._stack[-1] if self._stack else ("", None)
        if not isinstance(module, nn.ReLU):
            where = f"module '{name}'" if name else "the network's own forward"
            if func in RELUS or (func in CLAMPS and _is_relu(*args[1:], **kwargs)):
                raise ValueError(f"{where} calls a ReLU as a function: make it an nn.ReLU module of its own")
            if func in RELATIVES:
                raise ValueError(
                    f"{where} rectifies with {func.__name__}: deconvnet and guided backpropagation need ReLU"
                )
        return func(*args, **kwargs)


def _is_relu(min: Any = None, max: Any = None, **_: Any) -> bool:
    """Whether a clamp with these arguments, named as torch names them, cuts at zero from below only."""
    return max is None and isinstance(min, int | float) and min == 0


@contextlib.contextmanager
def _running(network: nn.Module) -> Iterator[list[tuple[str, nn.Module]]]:
    """Names and modules that are running at the moment, innermost last."""
    stack: list[tuple[str, nn.Module]] = []

    def enter(name: str) -> Callable[[nn.Module, object], None]:
        return lambda module, _inputs: stack.append((name, module))

    def leave(_module: nn.Module, _inputs: object, _output: object) -> None:
        stack.pop()

    with contextlib.ExitStack() as hooks:
        for name, module in network.named_modules():
            hooks.callback(module.register_forward_pre_hook(enter(name)).remove)
            hooks.callback(module.register_forward_hook(leave).remove)
        yield stack


@contextlib.contextmanager
def replaced(network: nn.Module, rectify: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Let every `nn.ReLU` module give `rectify` of its input, in the block; one that works in place does not then."""

    def aside(_module: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
        kept.append(inputs[0])
        return inputs[0].clone()  # an in-place ReLU must not change what is kept

    def give(_module: nn.Module, _inputs: object, _output: object) -> Tensor:
        return rectify(kept.pop())

    kept: list[Tensor] = []
    with contextlib.ExitStack() as hooks:
        for module in network.modules():
            if isinstance(module, nn.ReLU):
                hooks.callback(module.register_forward_pre_hook(aside).remove)
                hooks.callback(module.register_forward_hook(give).remove)
        yield


@contextlib.contextmanager
def rectified_signals(network: nn.Module, *, guided: bool = False) -> Iterator[None]:
    """In the block the gradient of every `nn.ReLU` module is that of the deconvnet, or of guided backpropagation."""

    def rectified(values: Tensor) -> Tensor:
        output: Tensor = _Rectified.apply(values, guided)  # type: ignore[no-untyped-call]
        return output

    with replaced(network, rectified):
        yield


class _Rectified(torch.autograd.Function):
    """A ReLU whose gradient is that of a rule: the signal is rectified; and with `guided` zero where the ReLU was."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, guided: bool) -> Tensor:
        output = distinct_rows(values).clamp(min=0)
        ctx.save_for_backward(*[output > 0] * guided)
        return expanded_rows(output, len(values))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        signal = gradients[0].clamp(min=0)
        for opened in ctx.saved_tensors:
            signal = signal * opened
        return signal, None
