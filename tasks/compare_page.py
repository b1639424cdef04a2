"""The page of two networks side by side: verdict, layers, CKA of every pair of layers, and matched units' crops."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from models.explain.compare import LayerMatch
from models.explain.top import UnitSummary
from models.settings import CompareSettings
from tasks.compare import SideBySide
from tasks.page import picture_of, write_page


def write_comparison_page(
    out: Path, found: SideBySide, *, numbers: Mapping[str, Any], settings: CompareSettings, weights: tuple[str, str]
) -> None:
    """Write what `compare_models` found as one page that opens with no network.

    Args:
        numbers: of `numbers_of`, with `spare` of `spare_units` or without.
        weights: SHA-256 of the first's and the second's weights.

    Raises:
        UserError: the page cannot be written.
    """
    write_page(
        out,
        "compare",
        numbers=numbers,
        spare=numbers.get("spare", {}),
        weights=weights,
        units=[_matched(found, layer, settings.pairs) for layer in found.comparison.layers],
        settings=settings,
    )


def _matched(found: SideBySide, layer: LayerMatch, most: int) -> dict[str, Any]:
    """Some matched units of a layer, evenly from the best matched to the worst, each with its strongest crops."""
    places = np.unique(np.linspace(0, len(layer.units) - 1, most).round().astype(int))
    pairs = []
    for place in places.tolist():
        units = layer.units[place].tolist()
        sides = zip(found.names, units, found.strongest[layer.first], strict=True)
        crops = [{"name": name, "unit": unit, "crops": _crops(found, summary, unit)} for name, unit, summary in sides]
        pairs.append({"rank": place + 1, "r": float(layer.correlation[place]), "sides": crops})
    return {"layer": layer.first, "matched": len(layer.units), "pairs": pairs}


def _crops(found: SideBySide, summary: UnitSummary, unit: int) -> list[dict[str, Any]]:
    """The crops that excite a unit the most, as the networks were shown them; none of a unit that is dead."""
    if summary.dead[unit]:
        return []
    rows, strengths = summary.crop[unit].tolist(), summary.strength[unit].tolist()
    return [
        {"label": found.sample.labels[row], "strength": strength, **_picture(_image(found, row))}
        for row, strength in zip(rows, strengths, strict=True)
    ]


def _image(found: SideBySide, row: int) -> Tensor:
    channels = 3 if found.sample.pixels.ndim == 4 else 1
    return found.sample.images(channels, slice(row, row + 1))[0]


def _picture(image: Tensor) -> dict[str, Any]:
    return {"address": picture_of(image), "height": image.shape[1], "width": image.shape[2]}
