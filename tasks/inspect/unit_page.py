"""The page of single units: real images and optimised ones."""

from pathlib import Path
from typing import Any

import torch

from models.explain.maximise.ascent_settings import AscentSettings
from tasks.crop_table.png import Pixels, encode_png
from tasks.explain.search_results import search_order, strength_of
from tasks.explain.synthetic_pixels import enlarged, pixels_of_canvas
from tasks.inspect.unit_text import STARTS
from tasks.inspect.units import InspectedUnits
from tasks.pages.single_page import address_of, pixels_of, write_page

WIDEST, REAL_WIDEST = 256, 128  # pixels that a picture, a real one of many, is shown at


def write_units_page(out: Path, found: InspectedUnits, *, numbers: dict[str, Any]) -> None:
    """Write the page of `numbers` (`tasks.inspect.unit_text.numbers_of`); it opens with no network.

    Raises:
        UserError: the page cannot be written.
    """
    (layer,) = found.explained.layers
    write_page(
        out,
        "unit_page",
        numbers=numbers,
        units=[_shown(found, unit, place) for place, unit in enumerate(numbers["units"])],
        real=_real(found, numbers["units"]),
        whole=layer.field == layer.image,
        maps=layer.summary.grid != (1, 1),
        boxed=layer.summary.grid != (1, 1) and layer.field != layer.image,
        share=[round(min(1, side / of), 4) for side, of in zip(layer.field, layer.image, strict=True)],
        settings={name: _description(settings) for name, settings in found.settings.items()},
        searched=_searched(found, numbers),
        starts=STARTS,
        torch_version=torch.__version__,
    )


def _shown(found: InspectedUnits, unit: dict[str, Any], place: int) -> dict[str, Any]:
    parts = [{what: _picture(pixels) for what, pixels in part.items()} for part in found.visuals.attributions[place]]
    images = {
        setting: {kind: _picture(pixels) for kind, pixels in kinds.items()}
        for setting, kinds in found.visuals.images[place].items()
    }
    return unit | {"pictures": parts, "images": images}


def _real(found: InspectedUnits, units: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The real images that the units show, by name, as the network was shown them."""
    names = dict.fromkeys(image["key"] for unit in units for image in [*unit["crops"], *unit["weakest"]])
    number = {name: place for place, name in enumerate(found.explained.keys)}
    images = {name: enlarged(pixels_of(found.subject.images([number[name]])[0])) for name in names}
    return {name: _picture(pixels, widest=REAL_WIDEST) for name, pixels in images.items()}


def _searched(found: InspectedUnits, numbers: dict[str, Any]) -> list[dict[str, Any]]:
    """Every setting that was tried, best first, with its picture."""
    if found.search is None:
        return []
    order = search_order(found.search)
    pictures = pixels_of_canvas(found.search.ascent.best[order], found.canvas)
    return [
        one | {"picture": _picture(enlarged(pixels)), "description": _description(found.search.settings[number])}
        for one, pixels, number in zip(numbers["search"], pictures, order, strict=True)
    ]


def _description(settings: AscentSettings) -> str:
    """'blur 0.5 px every 4, norm 50%; 128 steps, rate 391, progress 7.8'."""
    rate = f"{settings.rate:,.0f}" if settings.rate >= 10 else f"{settings.rate:.2g}"
    progress = "" if settings.progress is None else f", progress {settings.progress:.2g}"
    return f"{strength_of(settings) or 'no regulariser'}; {settings.steps} steps, rate {rate}{progress}"


def _picture(pixels: Pixels, *, widest: int = WIDEST) -> dict[str, Any]:
    """What an `<img>` needs: its address and how wide it is shown."""
    return {"address": address_of(encode_png(pixels)), "width": min(widest, pixels.shape[1])}
