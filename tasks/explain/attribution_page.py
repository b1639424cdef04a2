"""The page of attribution: each picture with its maps laid over it, and their checks."""

from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from torch import Tensor

from models.explain.attribution_checks import Curves
from models.network import CropNet, folded
from models.settings import AttributionSettings
from tasks.crop_table.png import Pixels, encode_png
from tasks.explain.attribution import Explained
from tasks.explain.attribution_maps import METHODS, shows_edges
from tasks.explain.channel_grid import Grid, layer_grids
from tasks.pages.single_page import address_of, picture_of, pixels_of, write_page
from tasks.pages.svg import Axis, Plot

MOST = 200  # pictures on a page: more are tens of megabytes
GRIDS = 10  # pictures whose maps of every layer are shown, 60 kB each
SHOWN = 240  # pixels, the least width that a picture is shown at
FOR, AGAINST = (31, 95, 174), (201, 84, 18)  # blue and orange: distinct to colour-blind readers
FADED = 0.55  # of a picture's contrast that is left under a map
STYLES = {"random": "series s0", **{method: f"series s{number}" for number, method in enumerate(METHODS, 2)}}
SHARE = [(share / 4, f"{25 * share}%") for share in range(5)]


def write_attribution_page(
    out: Path,
    explained: Explained,
    network: CropNet,
    *,
    numbers: dict[str, Any],
    settings: AttributionSettings,
    model: str,
    weights: str,
) -> int:
    """Write the first `MOST` pictures with their maps as one page that opens with no network.

    Args:
        network: what was explained; the first `GRIDS` pictures are shown with the maps of all its layers.
        numbers: of `tasks.inspect.attribution_text.numbers_of`.
        model: what the network is called; `weights`: SHA-256 of its weights.

    Returns:
        how many pictures were left out.

    Raises:
        UserError: the page cannot be written.
    """
    shown = numbers["pictures"][:MOST]
    grids = [_grids(network, image) for image in explained.images[: min(GRIDS, len(shown))]]
    cards = [
        {**picture, **_card(explained, row), "grids": grids[row] if row < len(grids) else []}
        for row, picture in enumerate(shown)
    ]
    more = len(numbers["pictures"]) - len(cards)
    layers = list(next(iter(explained.randomisation.values())))
    write_page(
        out,
        "attribution",
        cards=cards, target=explained.target, more=more, methods=shows_edges(explained.randomisation), styles=STYLES,
        layers=layers, randomisation=explained.randomisation, taken=min(settings.randomised, len(explained.names)),
        settings=settings, model=model, weights=weights,
    )  # fmt: skip
    return more


def overlay(image: Tensor, values: NDArray[np.float32]) -> Pixels:
    """A map `[h, w]` laid over `image[channels, h, w]`: uint8 `[h, w, 3]`.

    Blue is evidence for the label, orange against it; the stronger the more opaque, and the strongest
    hundredth of the pixels opaque, so that single pixels of a gradient do not hide the rest.
    """
    pixels = pixels_of(image).astype(np.float64)
    ground = 255 - FADED * (255 - (pixels if pixels.ndim == 3 else pixels[..., None].repeat(3, axis=2)))
    strength = np.abs(values)
    opaque = np.quantile(strength, 0.99) or strength.max()
    opacity = (strength / opaque).clip(0, 1) if opaque > 0 else np.zeros_like(values)
    colour = np.where((values > 0)[..., None], FOR, AGAINST)
    return np.rint(ground + opacity[..., None] * (colour - ground)).astype(np.uint8)


def _grids(network: CropNet, image: Tensor) -> list[tuple[Grid, str]]:
    return [(grid, address_of(encode_png(grid.pixels))) for grid in layer_grids(folded(network), image[None])]


def _card(explained: Explained, row: int) -> dict[str, Any]:
    image, attribution = explained.images[row], explained.attribution
    height, width = int(image.shape[1]), int(image.shape[2])
    factor = max(1, -(-SHOWN // width))
    layers = {name: address_of(encode_png(overlay(image, found[row]))) for name, found in attribution.maps.items()}
    return {
        "address": picture_of(image),
        "overlays": layers,
        "height": factor * height,
        "width": factor * width,
        "deletion": _plot(attribution.curves, row, "deletion"),
        "insertion": _plot(attribution.curves, row, "insertion"),
    }


def _plot(found: dict[str, Curves], row: int, which: str) -> Markup:
    """p of the label while pixels are deleted, or inserted, in each map's order and in a random one."""
    x = Axis(title="pixels deleted" if which == "deletion" else "pixels inserted", low=0, high=1, ticks=SHARE)
    plot = Plot(f"{which}: p of the label as pixels change", x=x, y=Axis(title="p", low=0, high=1, ticks=SHARE))
    lines = {"random": getattr(next(iter(found.values())), f"random_{which}")}
    lines |= {name: getattr(curves, which) for name, curves in found.items()}
    for name, line in lines.items():
        values = line[row].tolist()
        points = [(step / (len(values) - 1), value) for step, value in enumerate(values)]
        plot.line(points, css_class=STYLES[name], title=name)
    return plot.svg()
