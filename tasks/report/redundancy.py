"""The page of redundant units: which units of the chosen network the others of their layer predict."""

from __future__ import annotations

from typing import Any

from models.explain.statistics import NEAR_DUPLICATE
from tasks.crop_table.splits import SELECTION_SPLIT
from tasks.explain.redundancy import redundant_units
from tasks.explain.units import Explanation, Layer
from tasks.report.evidence import Evidence
from tasks.report.layers import layer_page
from tasks.report.site import Site

MOST = 24  # pairs of near-duplicates listed of a layer; all are in the page's JSON file


def write_redundancy(site: Site, evidence: Evidence, explained: Explanation) -> None:
    name = str(evidence.chosen["name"])
    found = redundant_units(evidence.params, table=evidence.table, models={name: evidence.chosen_folder})[name]
    layers = {layer.name: layer for layer in explained.layers}
    site.write(
        "redundancy",
        template="redundancy",
        numbers={
            "model": name,
            "split": SELECTION_SPLIT,
            "severity": evidence.params.compare.severity,
            "explained": evidence.params.compare.explained,
            **found,
            "layers": [row | _states(layers[row["layer"]]) for row in found["layers"]],
        },
        evidence=evidence,
        units=sum(layer["units"] for layer in found["layers"]),
        pages={layer.name: layer_page(explained, layer) for layer in explained.layers},
        near_duplicates=NEAR_DUPLICATE,
        most=MOST,
    )


def _states(layer: Layer) -> dict[str, Any]:
    """The units that are dead and always on over the crops of the layers' own pages: one figure for one thing."""
    summary = layer.summary
    return {
        "dead": summary.dead.nonzero().flatten().tolist(),
        "always_on": summary.always_on.nonzero().flatten().tolist(),
    }
