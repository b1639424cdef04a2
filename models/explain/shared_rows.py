"""Forward passes of many copies of one image that compute it once, and backward passes that need no more than pixels.

A backward pass for each of a layer's units needs a row each; the forward pass is the same for all of them. Inside
`SharedRows` a convolution or an evaluating batch normalisation that is given rows which are all the same computes the
first, and gives it again without a copy. Whether they are is checked, not assumed: the rows are compared,
whatever the network does between two convolutions.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode


def distinct_rows(rows: Tensor) -> Tensor:
    """The first of `rows[batch, …]` alone where all share memory, else all of them."""
    return rows[:1] if rows.stride(0) == 0 else rows


def expanded_rows(output: Tensor, count: int) -> Tensor:
    """`output[1, …]` as `count` rows that share memory; one that has so many rows is left as it is."""
    return output if len(output) == count else output.expand(count, *output.shape[1:])


class SharedRows(TorchFunctionMode):
    """In the block, convolutions and batch normalisations compute what is the same in all rows once.

    Their gradient goes to their input only, not to weights. A network that writes into such an output in place gets
    torch's error: all its rows share memory.
    """

    def __torch_function__(self, func: Callable, types: Any, args: Any = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        output = None
        if func is functional.conv2d:
            output = _convolve(*args, **kwargs)
        elif func is functional.batch_norm:
            output = _normalise(*args, **kwargs)
        return func(*args, **kwargs) if output is None else output


def _convolve(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1,
) -> Tensor | None:  # fmt: skip
    """As `conv2d`, whose names these are; None: leave it to torch (padding by a word, an image without a batch)."""
    if isinstance(padding, str) or input.dim() != 4:
        return None
    pairs = [(each, each) if isinstance(each, int) else tuple(each) for each in (stride, padding, dilation)]
    output: Tensor = _Convolution.apply(input, weight, bias, *pairs, groups)  # type: ignore[no-untyped-call]
    return output


def _same(rows: Tensor) -> bool:
    if len(rows) < 2 or rows.stride(0) == 0:
        return True
    return torch.equal(rows[0], rows[1]) and torch.equal(rows[1:], rows[:-1])


def _normalise(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
    bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor | None:  # fmt: skip
    """As `batch_norm`, whose names these are; None: leave it to torch (it normalises by the batch)."""
    if training or running_mean is None or running_var is None:
        return None
    scale = (running_var + eps).rsqrt() * (1 if weight is None else weight)
    shift = (0 if bias is None else bias) - running_mean * scale
    output: Tensor = _Affine.apply(input, *(_along(each, input) for each in (scale, shift)))  # type: ignore[no-untyped-call]
    return output


def _along(channels: Tensor, images: Tensor) -> Tensor:
    return channels.detach().view(-1, *[1] * (images.dim() - 2))


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: Any,
        padding: Any,
        dilation: Any,
        groups: int,
    ) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.sides, ctx.options = rows.shape[2:], (stride, padding, dilation, groups)
        different = rows[:1] if _same(rows) else rows
        return expanded_rows(functional.conv2d(different, weight, bias, stride, padding, dilation, groups), len(rows))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (weight,), (stride, padding, dilation, groups) = ctx.saved_tensors, ctx.options
        left = [
            side - ((steps - 1) * stride[axis] - 2 * padding[axis] + dilation[axis] * (kernel - 1) + 1)
            for axis, (side, steps, kernel) in enumerate(
                zip(ctx.sides, gradients[0].shape[2:], weight.shape[2:], strict=True)
            )
        ]
        # Channels last, as torch's transposed convolutions on a CPU are fastest: up to twice.
        signal, kernel = (each.contiguous(memory_format=torch.channels_last) for each in (gradients[0], weight))
        back = functional.conv_transpose2d(signal, kernel, None, stride, padding, left, groups, dilation)
        return back, None, None, None, None, None, None


class _Affine(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        ctx.save_for_backward(scale)
        return expanded_rows(torch.addcmul(shift, distinct_rows(rows), scale), len(rows))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0] * ctx.saved_tensors[0], None, None
