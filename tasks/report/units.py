"""The report's page of all units: one table to search, filter and order, with a link to each unit."""

from __future__ import annotations

from typing import Any

from tasks.explain.units import Explanation
from tasks.report.layers import best_image, layer_page
from tasks.report.site import Site

COLUMNS = ("layer", "page", "unit", "label", "state", "silent", "max", "mean", "active", "density", "labels", "purity")


def write_units(site: Site, explained: Explanation, units: list[list[dict[str, Any]]]) -> None:
    """`units` of each layer, as `tasks.report.layers.write_layer` returns them."""
    rows = [
        unit | {"layer": layer.name, "layer_index": index, "page": layer_page(explained, layer)} | _shown(unit)
        for index, layer in enumerate(explained.layers)
        for unit in units[index]
    ]
    found = sorted({label for unit in rows for label, _ in unit["labels"]})
    site.write(
        "units",
        template="units",
        numbers={"units": [{name: row[name] for name in COLUMNS} for row in rows]},
        units=rows,
        layers=[layer.name for layer in explained.layers],
        found=found,
        places={label: index for index, label in enumerate(found)},
        optimised=sum(bool(row["optimised"]) for row in rows),
        crops=len(explained.keys),
    )


def _shown(unit: dict[str, Any]) -> dict[str, Any]:
    """A unit's image, of the first settings that activated it; and the fraction of its most frequent label."""
    counts = [count for _, count in unit["labels"]]
    return {
        "image": best_image(unit),
        "purity": round(max(counts) / sum(counts), 4) if counts else 0.0,
    }
