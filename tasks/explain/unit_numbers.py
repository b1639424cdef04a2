"""A unit's statistics, crops and optimised images, as values that JSON can hold."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from models.explain.top_activations import RankedCrops
from tasks.explain.unit_images import LayerVisuals
from tasks.explain.units import Explanation, Layer

DIGITS = 4


def unit_numbers(
    explained: Explanation, layer: Layer, visuals: LayerVisuals, place: int, *, above: float = 0.0
) -> dict[str, Any]:
    """Numbers of the unit `visuals.units[place]`; its top crops are those with more activation than `above`."""
    summary, number, runs = layer.summary, visuals.units[place], visuals.numbers[place]
    dead, always_on = bool(summary.dead[number]), bool(summary.always_on[number])
    crops = [crop for crop in _crops(explained, layer, summary.strongest, number) if crop["strength"] > above]
    return {
        "unit": number,
        "label": None,
        "state": "dead" if dead else "always on" if always_on else "live",
        "silent": bool(runs) and all(run["silent"] for run in runs.values()),
        "mean": round(float(summary.mean[number]), DIGITS),
        "max": round(float(summary.highest[number]), DIGITS),
        "active": round(float(summary.active[number]), DIGITS),
        "density": round(float(summary.density[number]), DIGITS),
        "labels": counted(crop["label"] for crop in crops),
        "crops": crops,
        "attributions": len(visuals.attributions[place]),
        "weakest": _crops(explained, layer, summary.weakest, number),
        "optimised": runs,
    }


def _crops(explained: Explanation, layer: Layer, ranked: RankedCrops, number: int) -> list[dict[str, Any]]:
    places = ranked.centre(layer.summary.grid)[number]
    return [
        {
            "key": explained.keys[crop],
            "label": explained.labels[crop],
            "strength": round(strength, DIGITS),
            "row": round(row, DIGITS),
            "column": round(column, DIGITS),
        }
        for crop, strength, (row, column) in zip(
            ranked.crop[number].tolist(), ranked.strength[number].tolist(), places.tolist(), strict=True
        )
    ]


def counted(values: Iterable[str]) -> list[tuple[str, int]]:
    """(value, count), the most frequent first; equal counts in alphabetical order."""
    return sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
