"""The page of two networks compared: verdict, layers, CKA of every pair of layers, and matched units' crops."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from models.explain.compare import LayerMatch
from models.explain.top_activations import UnitSummary
from models.settings import CompareSettings
from tasks.explain.compare import ModelComparison
from tasks.explain.compare_numbers import DIGITS
from tasks.pages.single_page import picture_of, write_page


def write_comparison_page(
    out: Path, found: ModelComparison, *, numbers: Mapping[str, Any], settings: CompareSettings,
    weights: tuple[str, str],
) -> None:  # fmt: skip
    """Write the result of `compare_models` as one page that opens with no network.

    Args:
        numbers: of `numbers_of`, with `redundancy` of `redundant_units` or without.
        weights: SHA-256 of the first's and the second's weights.

    Raises:
        UserError: the page cannot be written.
    """
    units = matched_units(found, settings.pairs)
    for crop in crops_of(units):
        image = found.image(crop["row"])
        crop |= {"address": picture_of(image), "height": image.shape[1], "width": image.shape[2]}
    write_page(
        out, "compare", numbers=numbers, redundancy=numbers.get("redundancy", {}), weights=weights, units=units,
        settings=settings,
    )  # fmt: skip


def matched_units(found: ModelComparison, most: int) -> list[dict[str, Any]]:
    """Of every layer at most `most` matched units, evenly from the best match to the worst.

    Each with its top-activating crops of the sample (`row`, `key`, `label`, `strength`); none for a dead unit.
    """
    return [_matched(found, layer, most) for layer in found.comparison.layers]


def crops_of(units: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every crop in what `matched_units` found."""
    for layer in units:
        for pair in layer["pairs"]:
            for side in pair["sides"]:
                yield from side["crops"]


def _matched(found: ModelComparison, layer: LayerMatch, most: int) -> dict[str, Any]:
    ranks = np.unique(np.linspace(0, len(layer.units) - 1, most).round().astype(int))
    pairs = []
    for rank in ranks.tolist():
        units = layer.units[rank].tolist()
        sides = zip(found.names, units, found.strongest[layer.first], strict=True)
        shown = [{"name": name, "unit": unit, "crops": _crops(found, summary, unit)} for name, unit, summary in sides]
        r = round(float(layer.correlation[rank]), DIGITS)
        pairs.append({"rank": rank + 1, "r": r, "sides": shown})
    return {"layer": layer.first, "matched": len(layer.units), "pairs": pairs}


def _crops(found: ModelComparison, summary: UnitSummary, unit: int) -> list[dict[str, Any]]:
    if summary.dead[unit]:
        return []
    rows, strengths = summary.crop[unit].tolist(), summary.strength[unit].tolist()
    sample = found.sample
    return [
        {"row": row, "key": sample.keys[row], "label": sample.labels[row], "strength": round(strength, DIGITS)}
        for row, strength in zip(rows, strengths, strict=True)
    ]
