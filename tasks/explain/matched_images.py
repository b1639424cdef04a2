"""Images optimised for matched units of two networks: side by side they show whether both learned the same."""

from collections.abc import Sequence

import torch
from torch import Tensor

from models.explain.maximise.canvas import canvas_of
from models.explain.receptive_fields import ReceptiveFields
from models.network import CropNet, folded
from tasks.common.params import Params
from tasks.crop_table.png import Pixels
from tasks.explain.activation_maximisation import paper_settings
from tasks.explain.compare import ModelComparison
from tasks.explain.synthetic_pixels import ENTRY
from tasks.explain.unit_images import UnitVisualiser
from tasks.explain.units import Layer

CROPS = 256  # of the sample, that the range of pixels is taken from


def matched_images(
    params: Params, found: ModelComparison, side: int, network: CropNet, units: dict[str, list[int]]
) -> dict[tuple[str, int], Pixels]:
    """By layer and unit the image that activates it the most, by the first of the paper's settings.

    None of a unit that no gradient reaches. Must run within `deterministic`.

    Args:
        side: 0 for the first network of the comparison, 1 for the second, which is `network`.
        units: of each layer those that an image is made for; none of them dead.
    """
    network = folded(network)
    sample = found.sample

    def images(numbers: Sequence[int]) -> Tensor:
        return torch.cat([sample.images(network.channels, slice(number, number + 1)) for number in numbers])

    name, settings = next(iter(paper_settings(params.report.steps).items()))
    visualiser = UnitVisualiser(
        network, images, canvas=canvas_of(network, sample.images(network.channels, slice(CROPS)), entry=ENTRY),
        settings={name: settings}, projected=0, seed=params.seed, workers=params.threads,
    )  # fmt: skip
    size = (network.height, network.width)
    made: dict[tuple[str, int], Pixels] = {}
    for layer, wanted in units.items():
        whole = ReceptiveFields(layer, *(torch.tensor([[0, pixels]]) for pixels in size))  # nothing is attributed
        own = Layer(layer, found.strongest[layer][side], whole, size)
        visuals = visualiser.visualise(own, wanted)
        made |= {
            (layer, unit): shown[name]["best"]
            for unit, shown in zip(wanted, visuals.images, strict=True)
            if shown.get(name)
        }
    return made
