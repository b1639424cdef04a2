"""The report's page of one picture: the maps of every layer, and one unit's deconvnet, step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from models.network import CropNet
from tasks.explain.channel_grid import layer_grids, step_pictures
from tasks.explain.selective import SelectiveUnit
from tasks.explain.units import Explanation, Layer
from tasks.pages.single_page import pixels_of
from tasks.report.layers import layer_page
from tasks.report.site import Site

VERBS = {
    "keep": "all but one neuron set to zero",
    "rectify": "rectified: what is below zero is dropped",
    "filter": "filtered with the transposed weights",
    "unpool": "unpooled by the switches",
    "standardise": "divided by the crop’s deviation",
}


def write_picture(
    site: Site,
    explained: Explanation,
    network: CropNet,
    learned: Sequence[Sequence[SelectiveUnit]],
    images: Callable[[Sequence[int]], Tensor],
) -> None:
    """Write the page, of the last layer with maps that has a selective unit: its most selective one, on its top crop.

    Args:
        learned: the selective units of each layer.
        images: gives crops by their numbers in `explained`.
    """
    found = _unit(explained, learned)
    if found is None:
        site.write("picture", template="picture", numbers={"layer": None}, layer=None)
        return
    layer, one = found
    crop = int(layer.summary.crop[one.unit, 0])
    image = images([crop])
    grids = layer_grids(network, image)
    steps = step_pictures(network, image, layer=layer.name, unit=one.unit)
    numbers = {
        "layer": layer.name,
        "unit": one.unit,
        "key": explained.keys[crop],
        "label": explained.labels[crop],
        "grids": [{"layer": grid.layer, "units": grid.units, "strongest": round(grid.strongest, 4)} for grid in grids],
        "steps": [{"module": step.module, "does": step.does, "channels": step.channels} for step in steps],
    }
    pages = {layer.name: layer_page(explained, layer) for layer in explained.layers}
    site.write(
        "picture",
        template="picture",
        numbers=numbers,
        layer=layer,
        layer_page=pages[layer.name],
        one=one,
        label=explained.labels[crop],
        crop=site.picture("picture-crop", pixels_of(image[0])),
        grids=[(pages.get(grid.layer), grid, site.picture(f"grid-{n}", grid.pixels)) for n, grid in enumerate(grids)],
        steps=[
            (step, VERBS.get(step.does, step.does), site.picture(f"step-{n}", step.pixels))
            for n, step in enumerate(steps)
        ],
    )


def _unit(explained: Explanation, learned: Sequence[Sequence[SelectiveUnit]]) -> tuple[Layer, SelectiveUnit] | None:
    for layer, units in reversed(list(zip(explained.layers, learned, strict=True))):
        if units and layer.summary.grid != (1, 1):
            return layer, units[0]
    return None
