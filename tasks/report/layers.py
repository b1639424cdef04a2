"""The report's pages of layers, a grid of their units, and a page of each unit with all of its pictures, large."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.crop_table.png import Pixels
from tasks.explain.filters import Filter
from tasks.explain.unit_images import RULES, LayerVisuals
from tasks.explain.unit_numbers import unit_numbers
from tasks.explain.units import Explanation, Layer
from tasks.pages.sprites import Sheet
from tasks.report.site import Site, unit_page

SHOWN = 3  # top-activating crops of a unit on its layer's page
BLOCK = 16  # units whose pictures share a sheet: a browser loads those near the visible part


@dataclass(frozen=True)
class Sheets:
    """Sheets of a block of units: their crops, the patches and attributions, and the optimised images."""

    crops: Sheet | None
    parts: Sheet | None
    images: Sheet | None


def layer_page(explained: Explanation, layer: Layer) -> str:
    """A file name: a module's name may have any characters."""
    return f"layer-{explained.layers.index(layer)}-{re.sub(r'[^A-Za-z0-9_.]+', '_', layer.name)[:60]}"


def layer_numbers(layer: Layer) -> dict[str, Any]:
    """A layer's row on the index page."""
    summary = layer.summary
    return {
        "layer": layer.name,
        "units": len(summary.mean),
        "dead": int(summary.dead.sum()),
        "always_on": int(summary.always_on.sum()),
        "image": list(layer.image),
        "grid": list(summary.grid),
        "field": list(layer.field),
    }


def write_layer(
    site: Site,
    explained: Explanation,
    layer: Layer,
    labels: list[str],
    *,
    crops: Mapping[str, Pixels],
    visuals: LayerVisuals,
    filters: Sequence[Filter] = (),
) -> list[dict[str, Any]]:
    """Write the pages; returns the numbers of each unit, and the sheets of its pictures (`sheets`).

    Args:
        crops: the clean crops by their keys, those of `shown_keys` at least.
        filters: of the layer's units, where it is the first.
    """
    name = layer_page(explained, layer)
    units = [unit_numbers(explained, layer, visuals, number) for number in range(len(layer.summary.mean))]
    if len(units) == len(labels) and layer.name.endswith("head"):
        for unit, label in zip(units, labels, strict=True):
            unit["label"] = label
    sheets = [
        _sheets(site, crops, f"{name}-{start // BLOCK}", units[start : start + BLOCK], visuals)
        for start in range(0, len(units), BLOCK)
    ]
    found = sorted({label for unit in units for label, _ in unit["labels"]})
    numbers = layer_numbers(layer) | {
        "all": [unit | {"pictures": _pictures(sheets[unit["unit"] // BLOCK], unit["unit"])} for unit in units],
        "filters": [{"unit": one.unit, "colour": one.colour} for one in filters],
    }
    same: dict[str, Any] = {  # of the layer's page and its units'
        "layer": layer,
        "boxed": layer.summary.grid != (1, 1),
        "crops": len(explained.keys),
        "settings": visuals.names,
        "filter_sheet": _filter_sheet(site, name, filters),
    }
    site.write(
        name,
        template="layer",
        numbers=numbers,
        units=units,
        shown=SHOWN,
        images=[best_image(unit) for unit in units],
        filters=filters,
        optimised=[unit["unit"] for unit in units if unit["optimised"]],
        found=found,
        places={label: index for index, label in enumerate(found)},
        blocks=sheets,
        block=BLOCK,
        **same,
    )
    filter_of = {one.unit: one for one in filters}
    for unit in units:
        site.write(
            unit_page(name, unit["unit"]),
            template="unit",
            numbers=unit,
            within=name,
            layer_page=name,
            last=len(units) - 1,
            rules=RULES,
            sheets=sheets[unit["unit"] // BLOCK],
            filter=filter_of.get(unit["unit"]),
            **same,
        )
    return [unit | {"sheets": sheets[unit["unit"] // BLOCK]} for unit in units]


def best_image(unit: Mapping[str, Any]) -> str | None:
    """The key of the best image of a unit's first setting that activated it; None where there is none."""
    optimised = [name for name, run in unit["optimised"].items() if not run["silent"]]
    return f"{unit['unit']}/{optimised[0]}/best" if optimised else None


def _filter_sheet(site: Site, name: str, filters: Sequence[Filter]) -> Sheet | None:
    return site.sheet(
        f"{name}-filters",
        {f"{one.unit}/{part}": pixels for one in filters for part, pixels in one.pictures.items()},
    )


def _pictures(sheets: Sheets, unit: int) -> dict[str, Any] | None:
    """Where the unit's optimised images are: the sheet's file, their size, and by `setting/kind` (x, y); None: none."""
    sheet, own = sheets.images, f"{unit}/"
    places = {key.removeprefix(own): at for key, at in (sheet.places if sheet else {}).items() if key.startswith(own)}
    return {"file": sheet.file, "size": [sheet.height, sheet.width], "places": places} if sheet and places else None


def _sheets(
    site: Site, crops: Mapping[str, Pixels], name: str, units: list[dict[str, Any]], visuals: LayerVisuals
) -> Sheets:
    keys = dict.fromkeys(crop["key"] for unit in units for crop in [*unit["crops"], *unit["weakest"]])
    parts: dict[str, np.ndarray] = {}
    images: dict[str, np.ndarray] = {}
    for unit in (unit["unit"] for unit in units):
        for rank, part in enumerate(visuals.attributions[unit]):
            parts |= {f"{unit}/{rank}/{what}": pixels for what, pixels in part.items()}
        for setting, kinds in visuals.images[unit].items():
            images |= {f"{unit}/{setting}/{kind}": pixels for kind, pixels in kinds.items()}
    return Sheets(
        crops=site.sheet(f"{name}-crops", {key: crops[key] for key in keys}),
        parts=site.sheet(f"{name}-parts", parts),
        images=site.sheet(f"{name}-images", images),
    )
