"""Models on disk: safetensors for the weights, JSON for the card; nothing is ever unpickled."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.network import CropNet
from models.settings import NetworkSettings
from tasks.common.files import write_json
from tasks.train.card import CARD_FILE, FIX, FORMAT, WEIGHTS_FILE, read_card
from unfont.errors import UserError


def save_model(folder: Path, network: CropNet, card: dict[str, Any]) -> None:
    """Write the network's weights and its card into `folder`, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    save_tensors(folder / WEIGHTS_FILE, network.state_dict())
    write_json(folder / CARD_FILE, {**card, "channels": network.channels, "format": FORMAT})


def load_model(folder: Path) -> tuple[CropNet, dict[str, Any]]:
    """The network, ready to predict, and its card.

    Raises:
        UserError: a file is missing, truncated, or of something else.
    """
    card = read_card(folder)
    network = new_network(card)
    path = folder / WEIGHTS_FILE
    tensors = load_tensors(path)
    wanted = network.state_dict()
    if {name: t.shape for name, t in tensors.items()} != {name: t.shape for name, t in wanted.items()}:
        raise UserError(f"the weights do not fit {CARD_FILE}", where=path, fix=FIX)
    if not all(torch.isfinite(tensor).all() for tensor in tensors.values()):
        raise UserError("the weights hold NaN or infinite numbers", where=path, fix=FIX)
    network.load_state_dict(tensors)
    return network.eval(), card


def new_network(card: dict[str, Any]) -> CropNet:
    """An untrained network of the card's shape; its weights come from torch's random numbers."""
    settings = NetworkSettings(**card["network"])
    shape = {"height": card["height"], "width": card["width"], "erases": "erased" in card, "limit": card.get("margin")}
    return CropNet(settings, labels=len(card["labels"]), channels=card.get("channels", 1), **shape)


def check_size(pixels: np.ndarray, networks: Mapping[str, CropNet], table: Path) -> None:
    """Raises UserError where crops `[rows, h, w]` or `[rows, h, w, 3]` do not have a network's input size."""
    for name, network in networks.items():
        if pixels.shape[1:3] != (network.height, network.width):
            raise UserError(
                f"crops are {pixels.shape[1]}×{pixels.shape[2]} pixels, but {name} reads"
                f" {network.height}×{network.width}",
                where=table,
                fix="name a model that was trained on this table, or make the crops again",
            )


def save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Safetensors; the same tensors are the same bytes."""
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, path)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file.

    Raises:
        UserError: the file is missing, truncated, or of another kind.
    """
    try:
        return load_file(path)
    except FileNotFoundError:
        raise UserError("there are no weights", where=path, fix=FIX) from None
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"the weights cannot be read: {error}", where=path, fix=FIX) from error
