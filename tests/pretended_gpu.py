"""A GPU that is none: tensors that say they are on another device, and are computed on the processor.

What a GPU would refuse is refused: an operation on tensors of both devices, a generator of the other one, and reading
a tensor without `cpu()`. So that is found where there is no GPU; that a GPU gives the same numbers is for the tests
marked `gpu`. The device's name is `meta`: of all others, torch's build for processors runs autograd for this one alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch.optim import optimizer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = torch.device("meta")


class OnGpu(torch.Tensor):
    """A tensor of the pretended GPU around the one of the processor that has its numbers."""

    own: torch.Tensor

    @staticmethod
    def __new__(cls, own):
        made = torch.Tensor._make_wrapper_subclass(
            cls, own.size(), strides=own.stride(), storage_offset=own.storage_offset(), dtype=own.dtype,
            layout=own.layout, device=DEVICE, requires_grad=own.requires_grad,
        )  # fmt: skip
        made.own = own
        return made

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return run(func, args, kwargs or {})

    def new_tensor(self, data, **options):
        return OnGpu(self.own.new_tensor(data, **options))  # torch makes it without a dispatch

    def numpy(self, **options):
        raise TypeError("can't convert a tensor of the GPU to NumPy: copy it with cpu() first")

    def __array__(self, dtype=None):
        raise TypeError("can't convert a tensor of the GPU to NumPy: copy it with cpu() first")


class Pretending(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return run(func, args, kwargs or {})


@contextmanager
def pretended_gpu(monkeypatch) -> Iterator[torch.device]:
    """Inside, torch has a GPU; yields it."""
    monkeypatch.setattr(optimizer, "_get_fused_kernels_supported_devices", lambda: ["cpu", DEVICE.type])
    make = torch.tensor
    monkeypatch.setattr(
        torch, "tensor", lambda data, device=None, **options: make(data, **options).to(device)
    )  # torch makes it without a dispatch
    # Views of such tensors are not made in inference mode.
    for part in ("__enter__", "__exit__"):
        monkeypatch.setattr(torch.inference_mode, part, getattr(torch.no_grad, part))
    monkeypatch.setattr(torch, "autocast", lambda *kind, enabled: nullcontext())
    with Pretending():
        yield DEVICE


def run(func, args, kwargs):
    if func is torch.ops.aten._has_compatible_shallow_copy_type.default:
        return type(args[0]) is type(args[1])
    flat, _ = tree_flatten((args, kwargs))
    tensors = [one for one in flat if isinstance(one, torch.Tensor)]
    mine = [one for one in tensors if isinstance(one, OnGpu)]
    wanted = kwargs.get("device")
    moves = func in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)
    # As CUDA does: a number on the processor may stand beside tensors on the GPU.
    others = [one for one in tensors if not isinstance(one, OnGpu) and one.dim() > 0]
    if mine and others and not moves:
        raise RuntimeError(f"{func}: all tensors must be on one device, and some are on the GPU, some are not")
    if mine and any(isinstance(one, torch.Generator) for one in flat):
        raise RuntimeError(f"{func}: a generator of the processor makes no numbers on the GPU")
    to_gpu = torch.device(wanted).type == DEVICE.type if wanted is not None else bool(mine)
    if func is torch.ops.aten.copy_.default:
        to_gpu = isinstance(args[0], OnGpu)
    plain, options = tree_map(lambda one: one.own if isinstance(one, OnGpu) else one, (args, kwargs))
    if wanted is not None:
        options["device"] = torch.device("cpu")
    found = func(*plain, **options)
    if isinstance(found, torch.Tensor) and mine and found is mine[0].own and to_gpu:
        return mine[0]  # in place
    return tree_map(lambda one: OnGpu(one) if to_gpu and isinstance(one, torch.Tensor) else one, found)
