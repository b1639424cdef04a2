"""The result of the experiments as one table of numbers: variants, similarity, claims, cures."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tasks.ablation.claims import CONFIDENCE, claims, interval_of, judged
from tasks.ablation.faces import NEW, TEST, TRAIN, VALIDATION
from tasks.ablation.measured import Measured
from tasks.ablation.recipes import FOUR, Recipe
from tasks.common.rounding import rounded

PARTS = (TRAIN, TEST, VALIDATION, NEW)
DIGITS = 4
LOOKS = ("moved", "follows", "around_misread", "around_right")


def summarise(
    measured: Measured, variants: Mapping[str, Recipe], cures: Mapping[str, Recipe], *, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """What the command prints and the page shows; `facts` come first. Fractions, not percent."""
    return {
        **facts,
        "rotations": measured.rotations, "seeds": measured.seeds, "confidence": CONFIDENCE,
        "variants": [_row(measured, recipe) | _compared(measured, recipe) for recipe in variants.values()],
        "heads": _heads(measured),
        "claims": [rounded(judged(claim, measured), DIGITS) for claim in claims() if claim.variant in variants],
        "cures": _cures(measured, cures) if FOUR in variants and cures else None,
    }  # fmt: skip


def _row(measured: Measured, recipe: Recipe) -> dict[str, Any]:
    first = measured.outcomes[recipe.name][0, 0]
    return {
        "name": recipe.name, "change": recipe.change, "labels": len(recipe.labels), "parameters": first["parameters"],
        "accuracy": {part: spread_of(measured.accuracies(recipe.name, part)) for part in PARTS},
        "units": {layer: _units(measured, recipe.name, layer) for layer in first["units"]},
        "looks": {key: _known_mean(measured.looks(recipe.name, key)) for key in LOOKS},
        "seconds": round(float(measured.each(lambda at: measured.outcomes[recipe.name][at]["seconds"]).mean()), 2),
    }  # fmt: skip


def _units(measured: Measured, name: str, layer: str) -> dict[str, float]:
    """Of a layer's units how many are dead and always on, on average."""

    def mean(key: str) -> float:
        return round(float(measured.each(lambda at: measured.outcomes[name][at]["units"][layer][key]).mean()), 2)

    return {"units": int(mean("units")), "dead": mean("dead"), "always_on": mean("always_on")}


def _known_mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return round(float(known.mean()), DIGITS) if len(known) else None


def _compared(measured: Measured, recipe: Recipe) -> dict[str, Any]:
    """Its similarity to base of another seed, layer by layer, and its two decision maps; base's own is the floor."""
    name = recipe.name
    complement = None
    if len(recipe.labels) == 2:
        complement = {key: spread_of(measured.complements(name, key)) for key in ("maps", "outputs")}
    return {
        "similarity": {
            layer: {key: spread_of(measured.similarity(name, layer, key)) for key in ("units", "cka")}
            for layer in measured.layers(name)
        },
        "complement": complement,
    }


def _heads(measured: Measured) -> list[dict[str, Any]]:
    """What the dense and decision layers of one problem reach on frozen convolutions of the other, and of none."""
    found = []
    for name in measured.kept:
        head, _, convolutions = name.partition(" on ")
        accuracy = {part: spread_of(measured.transfers(head, convolutions, part)) for part in PARTS}
        found.append({"head": head, "convolutions": convolutions, "accuracy": accuracy})
    return found


def _cures(measured: Measured, cures: Mapping[str, Recipe]) -> dict[str, Any]:
    """Each cure's gain on new people over the same network trained plainly, and that of the best by validation."""
    rows = []
    for recipe in cures.values():
        gain = measured.accuracy(recipe.name, NEW) - measured.accuracy(FOUR, NEW)
        low, high = interval_of(gain)
        rows.append(
            _row(measured, recipe) | rounded({"gain": {"mean": float(gain.mean()), "low": low, "high": high}}, DIGITS)
        )
    best = max(rows, key=lambda row: (row["accuracy"][VALIDATION]["mean"], row["name"]))
    return {"over": FOUR, "rows": rows, "chosen": best["name"], "gain_points": round(100 * best["gain"]["mean"], 2)}


def spread_of(values: np.ndarray) -> dict[str, float]:
    """Of `[rotations, seeds]`: the mean, the standard deviation over rotations of their means, and over seeds."""
    return {
        "mean": round(float(values.mean()), DIGITS),
        "over_rotations": round(float(values.mean(1).std(ddof=1)), DIGITS),
        "over_seeds": round(float(values.std(axis=1, ddof=1).mean()), DIGITS),
    }
