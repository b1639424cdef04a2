"""The filters of a network's first layer as pictures, and in colour the part of each that colours alone answer."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.network import CropNet
from tasks.crop_table.png import Pixels
from tasks.explain.synthetic_pixels import enlarged
from tasks.pages.single_page import pixels_of

DIGITS = 4


@dataclass(frozen=True)
class Filter:
    """A filter as the mark on grey paper that it answers to: what it wants dark is dark.

    `pictures` have by name uint8 `[h, w]` or `[h, w, 3]`: the `filter`, and of a network that sees colours its two
    parts, `brightness` (the mean over the channels) and `colour` (the rest), all on one scale. `colour` is the
    second's fraction of the filter's power, 0 to 1; None of a network that sees grey.
    """

    unit: int
    pictures: dict[str, Pixels]
    colour: float | None


def first_filters(network: CropNet) -> list[Filter]:
    """The filters of `backbone.0`, by unit; in colour those that answer to colours the most come first.

    `network` must be folded (`models.network.folded`): a negative scale of a normalisation turns a filter round.
    """
    weights = network.get_parameter("backbone.0.conv.weight").detach()
    found = [_filter(unit, each) for unit, each in enumerate(weights)]
    return sorted(found, key=lambda one: (-(one.colour or 0.0), one.unit))


def _filter(unit: int, weights: Tensor) -> Filter:
    """Of `weights[channels, h, w]`. Behind `standardise` high values are ink, whatever its colour was: shown dark."""
    strongest = float(weights.abs().max())
    parts, colour = {"filter": weights}, None
    if len(weights) == 3:
        brightness = weights.mean(0, keepdim=True).expand_as(weights)
        parts |= {"brightness": brightness, "colour": weights - brightness}
        power = float(weights.square().sum())
        colour = round(float((weights - brightness).square().sum()) / power, DIGITS) if power else 0.0
    return Filter(unit, {name: _printed(part, strongest) for name, part in parts.items()}, colour)


def _printed(weights: Tensor, strongest: float) -> Pixels:
    # The colour of a strong filter is up to 4/3 as far from 0 as its strongest weight.
    values = 0.5 - weights / (2 * strongest) if strongest else torch.full_like(weights, 0.5)
    return enlarged(pixels_of(values.clamp(0, 1)))
