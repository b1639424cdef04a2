"""Units' activations taken back to pixels: deconvnet, guided backpropagation and the plain gradient."""

from typing import Literal

import torch
from torch import Tensor, nn

from models.explain.hooks import check_units, run_until
from models.explain.rectifiers import only_modules_rectify, rectified_signals
from models.explain.shared_rows import SharedRows, expanded_rows

Rule = Literal["deconvnet", "guided", "gradient"]
RULES = ("deconvnet", "guided", "gradient")
BATCH = 64  # projections of one pass: more leave the cache, fewer cost more passes


@torch.inference_mode(False)
def project(
    network: nn.Module,
    images: Tensor,
    *,
    layer: str,
    units: Tensor,
    positions: Tensor | None = None,
    rule: Rule = "deconvnet",
    batch: int = BATCH,
) -> Tensor:
    """Attribution of a unit's activation at a position to pixels: `[rows, channels, height, width]`.

    A row is one (image, unit, position): everything else in the layer is set to zero and the activation is sent back.
    `deconvnet` (Zeiler & Fergus 2014) undoes a max pool by its switches, rectifies the signal where the network has a
    ReLU, and filters with the transposed weights; `guided` (Springenberg et al. 2015) also zeroes it where the forward
    ReLU was zero; `gradient` is only multiplied by the activation. A unit that is at zero gives an image of zeros.
    Where max pools overlap, a pixel that was the maximum of two windows gets the sum of both.

    Args:
        images: `[rows, channels, height, width]`, or a single image `[1, …]` for all rows.
        units: `[rows]` int64, numbers of the layer's units.
        positions: `[rows, 2]` int64, (row, column) of the layer's map; None: where the unit is highest.
        batch: how many rows are in memory at once. The network is run up to the layer only.

    Raises:
        ValueError: as `run_until`; a unit or a position that does not exist; with `deconvnet` or `guided`, a
            rectifier that is no `nn.ReLU` module (in-place ones and ones that run several times are fine).
    """
    if rule not in RULES:
        raise ValueError(f"no rule '{rule}'; there are: {', '.join(RULES)}")
    if len(images) not in (1, len(units)) or (positions is not None and positions.shape != (len(units), 2)):
        raise ValueError(f"{len(units)} units need as many images (or one), and as many positions where any are given")
    parts = [images.new_empty(0, *images.shape[1:])]
    for rows in torch.split(torch.arange(len(units)), batch) if len(units) else ():
        some = images if len(images) == 1 else images[rows]
        parts.append(
            _backwards(network, layer, some, units[rows], None if positions is None else positions[rows], rule)
        )
    return torch.cat(parts)


def _backwards(
    network: nn.Module, layer: str, images: Tensor, units: Tensor, positions: Tensor | None, rule: Rule
) -> Tensor:
    """One pass of rows; one image `[1, …]` for all of them is computed once."""
    pixels = expanded_rows(images.clone(), len(units)).requires_grad_()
    try:
        with SharedRows():
            output = _forwards(network, layer, pixels, rule)
    except ValueError:
        # A network that writes into its maps needs rows of their own. Any other error is raised again.
        pixels = pixels.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
        output = _forwards(network, layer, pixels, rule)
    if not output.requires_grad:
        raise ValueError(f"layer '{layer}' gives no gradient to the image")
    return torch.autograd.grad(output, pixels, seed_of(layer, units, positions, output.detach()))[0]


def _forwards(network: nn.Module, layer: str, pixels: Tensor, rule: Rule) -> Tensor:
    with torch.enable_grad():
        if rule == "gradient":
            return run_until(network, layer, pixels)
        with rectified_signals(network, guided=rule == "guided"), only_modules_rectify(network):
            return run_until(network, layer, pixels)


def seed_of(layer: str, units: Tensor, positions: Tensor | None, output: Tensor) -> Tensor:
    """Zeros of the output's shape, and each row's unit at its position: the signal that is sent back."""
    check_units(layer, units, output)
    rows = torch.arange(len(units))
    if output.dim() == 2:
        seed = torch.zeros(output.shape, dtype=output.dtype)
        seed[rows, units] = output[rows, units]
        return seed
    maps = output[rows, units]
    positions_flat = _flat_positions(layer, maps, positions)
    seed = torch.empty(output.shape, dtype=output.dtype, memory_format=torch.channels_last).zero_()
    row, column = positions_flat // maps.shape[2], positions_flat % maps.shape[2]
    seed[rows, units, row, column] = maps[rows, row, column]
    return seed


def _flat_positions(layer: str, maps: Tensor, positions: Tensor | None) -> Tensor:
    """Positions in `maps[rows, height, width]` as flat indices; None: where each is highest."""
    height, width = maps.shape[1:]
    if positions is None:
        return maps.flatten(1).argmax(dim=1)
    inside = ((positions >= 0) & (positions < torch.tensor([height, width]))).all(dim=1)
    if not inside.all():
        row, column = positions[~inside][0].tolist()
        raise ValueError(f"layer '{layer}' has {height} rows and {width} columns, none at ({row}, {column})")
    return positions[:, 0] * width + positions[:, 1]
