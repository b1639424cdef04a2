"""Where networks are computed: on the processor's cores, or on a GPU by CUDA."""

import copy
from typing import TypeVar

import torch
from torch import nn

from unfont.errors import UserError

Network = TypeVar("Network", bound=nn.Module)


def device_of(setting: str) -> torch.device:
    """The device that `device` in params.yaml means: `cpu`, `cuda`, or `auto`, a GPU where torch can use one.

    Raises:
        UserError: `cuda`, and torch can use none.
    """
    has_gpu = torch.cuda.is_available()
    if setting == "cuda" and not has_gpu:
        raise UserError(
            f"torch {torch.__version__} finds no GPU that it can use",
            where="params.yaml: device",
            fix="set it to auto or cpu, or install torch's build for CUDA and NVIDIA's driver",
        )
    return torch.device("cuda" if has_gpu and setting != "cpu" else "cpu")


def on(network: Network, device: torch.device) -> Network:
    """The network itself where it is on the processor and stays there, else a copy of it on `device`."""
    return network if device.type == "cpu" else copy.deepcopy(network).to(device)
