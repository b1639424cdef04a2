"""The page of redundant units: which units of the chosen network the others of their layer predict."""

from __future__ import annotations

from models.explain.statistics import NEAR_DUPLICATE
from tasks.crop_table.splits import SELECTION_SPLIT
from tasks.explain.redundancy import redundant_units
from tasks.explain.units import Explanation
from tasks.report.evidence import Evidence
from tasks.report.layers import layer_page
from tasks.report.site import Site

MOST = 24  # pairs of near-duplicates listed of a layer; all are in the page's JSON file


def write_redundancy(site: Site, evidence: Evidence, explained: Explanation) -> None:
    name = str(evidence.chosen["name"])
    found = redundant_units(evidence.params, table=evidence.table, models={name: evidence.chosen_folder})[name]
    site.write(
        "redundancy",
        template="redundancy",
        numbers={"model": name, "split": SELECTION_SPLIT, "explained": evidence.params.compare.explained, **found},
        evidence=evidence,
        units=sum(layer["units"] for layer in found["layers"]),
        pages={layer.name: layer_page(explained, layer) for layer in explained.layers},
        near_duplicates=NEAR_DUPLICATE,
        most=MOST,
    )
