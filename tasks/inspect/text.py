"""Drawn units in numbers and as text: a line a unit."""

from typing import Any

from models.explain.portraits import CROP, OPENED, RANDOM
from tasks.common.text import clip
from tasks.explain.activation_maximisation import BEST
from tasks.explain.search_results import search_numbers
from tasks.explain.unit_numbers import DIGITS, unit_numbers
from tasks.inspect.units import DrawnUnits
from tasks.pages.text_table import aligned

STARTS = {RANDOM: RANDOM, OPENED: f"{RANDOM}, closed ReLUs let through", CROP: "its strongest image"}


def numbers_of(found: DrawnUnits) -> dict[str, Any]:
    """What was found, without the pictures, as values that JSON can hold; docs/how-to/look-inside.md names them."""
    (layer,), subject = found.explained.layers, found.subject
    head = len(subject.labels) == len(layer.summary.mean) and layer.name.endswith("head")
    units = [_unit(found, place) for place in range(len(found.drawn.units))]
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
        "refused": found.drawn.refused,
        "notes": found.notes,
        "canvas": {name: round(getattr(found.canvas, name), DIGITS) for name in ("low", "high", "neutral")},
        "seed": found.seed,
        "settings": {name: settings.model_dump() for name, settings in found.settings.items()},
        "units": units,
    }
    return numbers if found.search is None else numbers | {"search": search_numbers(found.search)}


def format_units(numbers: dict[str, Any]) -> str:
    """What `numbers_of` says as a table: a line a unit, and one a setting that a search chose."""
    settings = list(numbers["settings"])
    rows = [["unit", "max", "images active", *settings, "drawn from"]]
    for unit in numbers["units"]:
        climbs = [unit["drawn"][name] for name in settings]
        reached = ["-" if climb["silent"] else f"{climb['best']:.3g}" for climb in climbs]
        name = str(unit["unit"]) if unit["label"] is None else f"{unit['unit']} {clip(unit['label'])}"
        rows.append([name, f"{unit['max']:.3g}", f"{100 * unit['active']:.0f}%", *reached, starts_of(unit)])
    lines = list(aligned(rows))
    if "search" in numbers:
        chosen = enumerate(numbers["search"][:BEST], 1)
        table = [["searched", "reached", "by"], *([f"best {place}", *_tried(one)] for place, one in chosen)]
        lines += ["", *aligned(table)]
    return "\n".join(lines)


def starts_of(unit: dict[str, Any]) -> str:
    """Where a unit's images come from: 'random pixels', 'its strongest image (norm); …', or that it is silent."""
    by: dict[str, list[str]] = {}
    for name, climb in unit["drawn"].items():
        by.setdefault("silent" if climb["silent"] else STARTS[climb["start"]], []).append(name)
    return ", ".join(by) if len(by) == 1 else "; ".join(f"{start} ({', '.join(names)})" for start, names in by.items())


def _unit(found: DrawnUnits, place: int) -> dict[str, Any]:
    """A unit's numbers. Where it goes below zero (it is not rectified) its strongest images may too."""
    (layer,) = found.explained.layers
    lowest = round(float(layer.summary.weakest.strength[found.drawn.units[place], 0]), DIGITS)
    unit = unit_numbers(found.explained, layer, found.drawn, place, above=min(0.0, lowest))
    unit["labels"] = [[label, count] for label, count in unit["labels"] if label]
    return unit | {"state": "never above zero"} if unit["state"] == "dead" and lowest < 0 else unit


def _tried(one: dict[str, Any]) -> list[str]:
    return ["silent" if one["silent"] else f"{one['activation']:.3g}", one["strength"] or "no regulariser"]
