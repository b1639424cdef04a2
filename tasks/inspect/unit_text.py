"""Single units in numbers and as text: a line a unit."""

from typing import Any

from models.explain.maximise.maximise_layer import CROP, OVERRIDDEN, RANDOM
from tasks.explain.activation_maximisation import BEST
from tasks.explain.search_results import search_numbers
from tasks.explain.unit_numbers import DIGITS, unit_numbers
from tasks.inspect.units import InspectedUnits
from tasks.pages.text_table import aligned
from unfont.text import clip

STARTS = {RANDOM: RANDOM, OVERRIDDEN: f"{RANDOM}, gradient override", CROP: "its top-activating image"}


def numbers_of(found: InspectedUnits) -> dict[str, Any]:
    """All but the pictures, as values that JSON can hold; docs/how-to/look-inside.md lists them."""
    (layer,), subject = found.explained.layers, found.subject
    head = len(subject.labels) == len(layer.summary.mean) and layer.name.endswith("head")
    units = [_unit(found, place) for place in range(len(found.visuals.units))]
    for unit in units:
        unit["label"] = subject.labels[unit["unit"]] if head else None
    numbers = {
        "network": subject.name,
        "weights": subject.weights,
        "layer": layer.name,
        "layer_units": len(layer.summary.mean),
        "image": list(layer.image),
        "channels": subject.channels,
        "grid": list(layer.summary.grid),
        "field": list(layer.field),
        "source": subject.real.source,
        "images": len(subject.real.names),
        "refused": found.visuals.refused,
        "notes": found.notes,
        "canvas": {name: round(getattr(found.canvas, name), DIGITS) for name in ("low", "high", "neutral")},
        "seed": found.seed,
        "settings": {name: settings.model_dump() for name, settings in found.settings.items()},
        "units": units,
    }
    return numbers if found.search is None else numbers | {"search": search_numbers(found.search)}


def format_units(numbers: dict[str, Any]) -> str:
    """The values of `numbers_of` as a table: a line a unit, and one for each setting that a search chose."""
    settings = list(numbers["settings"])
    rows = [["unit", "max", "images active", *settings, "start"]]
    for unit in numbers["units"]:
        runs = [unit["optimised"][name] for name in settings]
        reached = ["-" if run["silent"] else f"{run['best']:.3g}" for run in runs]
        name = str(unit["unit"]) if unit["label"] is None else f"{unit['unit']} {clip(unit['label'])}"
        rows.append([name, f"{unit['max']:.3g}", f"{100 * unit['active']:.0f}%", *reached, starts_of(unit)])
    lines = list(aligned(rows))
    if "search" in numbers:
        chosen = enumerate(numbers["search"][:BEST], 1)
        table = [["searched", "reached", "by"], *([f"best {place}", *_tried(one)] for place, one in chosen)]
        lines += ["", *aligned(table)]
    return "\n".join(lines)


def starts_of(unit: dict[str, Any]) -> str:
    """Where a unit's images come from: 'random pixels', 'its top-activating image (norm); …', or 'silent'."""
    by: dict[str, list[str]] = {}
    for name, run in unit["optimised"].items():
        by.setdefault("silent" if run["silent"] else STARTS[run["start"]], []).append(name)
    return ", ".join(by) if len(by) == 1 else "; ".join(f"{start} ({', '.join(names)})" for start, names in by.items())


def _unit(found: InspectedUnits, place: int) -> dict[str, Any]:
    """A unit's numbers. Where it goes below zero (it is not rectified) its top images may too."""
    (layer,) = found.explained.layers
    lowest = round(float(layer.summary.weakest.strength[found.visuals.units[place], 0]), DIGITS)
    unit = unit_numbers(found.explained, layer, found.visuals, place, above=min(0.0, lowest))
    unit["labels"] = [[label, count] for label, count in unit["labels"] if label]
    return unit | {"state": "never above zero"} if unit["state"] == "dead" and lowest < 0 else unit


def _tried(one: dict[str, Any]) -> list[str]:
    return ["silent" if one["silent"] else f"{one['activation']:.3g}", one["strength"] or "no regulariser"]
