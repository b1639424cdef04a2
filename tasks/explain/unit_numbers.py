"""What a unit answers to and what was drawn of it, as values that JSON can hold."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from models.explain.top import RankedCrops
from tasks.explain.unit_images import DrawnLayer
from tasks.explain.units import Explanation, Layer

DIGITS = 4


def unit_numbers(
    explained: Explanation, layer: Layer, drawn: DrawnLayer, place: int, *, above: float = 0.0
) -> dict[str, Any]:
    """Numbers of the unit `drawn.units[place]`; of its strongest crops those with more activation than `above`."""
    summary, number = layer.summary, drawn.units[place]
    dead, always_on = bool(summary.dead[number]), bool(summary.always_on[number])
    crops = [crop for crop in _crops(explained, layer, summary.strongest, number) if crop["strength"] > above]
    return {
        "unit": number,
        "label": None,
        "state": "dead" if dead else "always on" if always_on else "live",
        "silent": all(climb["silent"] for climb in drawn.numbers[place].values()),
        "mean": round(float(summary.mean[number]), DIGITS),
        "max": round(float(summary.highest[number]), DIGITS),
        "active": round(float(summary.active[number]), DIGITS),
        "density": round(float(summary.density[number]), DIGITS),
        "labels": counted(crop["label"] for crop in crops),
        "crops": crops,
        "parts": len(drawn.parts[place]),
        "weakest": _crops(explained, layer, summary.weakest, number),
        "drawn": drawn.numbers[place],
    }


def _crops(explained: Explanation, layer: Layer, ranked: RankedCrops, number: int) -> list[dict[str, Any]]:
    places = ranked.place(layer.summary.grid)[number]
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
