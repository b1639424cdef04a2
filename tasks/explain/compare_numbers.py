"""The comparison of two networks as values that JSON can hold, and as text."""

from collections.abc import Mapping
from typing import Any

from models.explain.compare import Comparison, LayerMatch
from models.explain.top_activations import UnitSummary
from models.explain.verdict import Similarity
from tasks.crop_table.splits import SELECTION_SPLIT
from tasks.explain.compare import ModelComparison
from tasks.pages.text_table import aligned

DIGITS = 6  # of numbers


def numbers_of(found: ModelComparison) -> dict[str, Any]:
    """The verdict and its evidence, as values that JSON can hold; docs/how-to/look-inside.md lists them."""
    comparison, judged = found.comparison, found.verdict
    return {
        "first": found.names[0],
        "second": found.names[1],
        "same": judged.same,
        "verdict": judged.reason,
        "crops": comparison.crops,
        "split": SELECTION_SPLIT,
        "severity": found.sample.severity,
        **_means(comparison),
        "similarity": {"cka": _similarity(judged.cka), "units": _similarity(judged.units)},
        "untrained": [
            {"model": name, **_means(other)} for name, other in zip(found.names, found.untrained, strict=True)
        ],
        "references": [{"first": a, "second": b, **_means(other)} for (a, b), other in found.references.items()],
        "layers": [
            _layer(layer, found.floors[layer.first], *found.strongest[layer.first]) for layer in comparison.layers
        ],
        "cka": [[round(value, DIGITS) for value in row] for row in comparison.cka.tolist()],
    }


def _means(comparison: Comparison) -> dict[str, float]:
    return {
        "cka_above_chance": round(comparison.cka_above_chance, DIGITS),
        "units_above_chance": round(comparison.units_above_chance, DIGITS),
    }


def _similarity(similarity: Similarity) -> dict[str, float]:
    """Above chance: `value`, `floor` of untrained networks, and `threshold`; and the `normalised` value."""
    names = ("value", "floor", "threshold", "normalised")
    return {name: round(getattr(similarity, name), DIGITS) for name in names}


def _layer(layer: LayerMatch, floor: tuple[float, float], first: UnitSummary, second: UnitSummary) -> dict[str, Any]:
    numbers = {
        "correlation": float(layer.correlation.mean()),
        "chance_correlation": layer.chance_correlation,
        "units_above_chance": layer.units_above_chance,
        "untrained_units": floor[1],
        "cka": layer.cka,
        "chance_cka": layer.chance_cka,
        "cka_above_chance": layer.cka_above_chance,
        "untrained_cka": floor[0],
    }
    return {
        "layer": layer.first,
        "units": [len(first.mean), len(second.mean)],
        "matched": layer.units.tolist(),
        **{name: round(value, DIGITS) for name, value in numbers.items()},
    }


def format_comparison(numbers: Mapping[str, Any]) -> str:
    """The values of `numbers_of` as text."""
    lines = [f"{numbers['first']} and {numbers['second']} {numbers['verdict']}"]
    lines += [f"{one['model']} and an untrained network: {_above_chance(one)}" for one in numbers["untrained"]]
    lines += [f"{one['first']} and {one['second']}, two seeds: {_above_chance(one)}" for one in numbers["references"]]
    measures = ("by chance", "above", "untrained")
    rows = [["layer", "units", "matched", "r", *measures, "CKA", *measures]]
    for layer in numbers["layers"]:
        values = [
            layer[name] for name in ("correlation", "chance_correlation", "units_above_chance", "untrained_units")
        ]
        values += [layer[name] for name in ("cka", "chance_cka", "cka_above_chance", "untrained_cka")]
        units = " and ".join(map(str, layer["units"]))
        rows.append([layer["layer"], units, str(len(layer["matched"])), *(f"{value:.2f}" for value in values)])
    return "\n".join([*lines, "", *aligned(rows)])


def _above_chance(means: Mapping[str, Any]) -> str:
    return f"CKA {means['cka_above_chance']:.2f}, units {means['units_above_chance']:.2f} above chance"
