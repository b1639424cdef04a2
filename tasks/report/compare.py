"""The pages of representational similarity: each mode of invariance and the baseline, round 0 and the last round."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tasks.common.determinism import deterministic
from tasks.crop_table.png import Pixels
from tasks.explain.compare import ModelComparison, Pair, compare_pairs, seed_pairs
from tasks.explain.compare_numbers import numbers_of
from tasks.explain.compare_page import crops_of, matched_units
from tasks.explain.matched_images import matched_images
from tasks.explain.units import Explanation
from tasks.pages.single_page import pixels_of
from tasks.report.evidence import Evidence, model_folders
from tasks.report.invariance.modes import ComparedModels
from tasks.report.layers import layer_page
from tasks.report.site import Site
from tasks.train.card import WEIGHTS_FILE
from tasks.train.weights import load_model

SUMMARY = (
    "first", "second", "same", "verdict", "crops", "split", "severity", "cka_above_chance", "units_above_chance",
    "similarity", "untrained", "references",
)  # fmt: skip


def pairs_of(evidence: Evidence) -> list[Pair]:
    """The pairs that the report compares, of the models that exist; none where there is only one model."""
    models, folders = ComparedModels.of(evidence), model_folders(evidence.home)
    pairs = [(models.reference, mode) for mode in models.others]
    first = f"round-{evidence.rounds[0].number}"
    pairs += [(first, evidence.last_round)] if first != evidence.last_round else []
    return [pair for pair in pairs if all(name in folders for name in pair)]


def compared_page(pair: Pair) -> str:
    """The file name of a pair's page: a model's name may have any characters."""
    return "-".join(["compared", *(re.sub(r"[^A-Za-z0-9_.+-]+", "_", name)[:60] for name in pair)])


def write_compared(site: Site, evidence: Evidence, explained: Explanation) -> None:
    """The page `compared` with the verdicts, and one page for each pair with the numbers behind its verdict."""
    models, replicas = model_folders(evidence.home), replica_folders(evidence.home)
    pairs = {pair: seed_pairs(pair, models, replicas) for pair in pairs_of(evidence)}
    found = compare_pairs(evidence.params, table=evidence.table, models=models | replicas, pairs=pairs) if pairs else []
    numbers = [numbers_of(one) for one in found]
    summary = [{name: one[name] for name in SUMMARY} for one in numbers]
    site.write(
        "compared",
        template="compared",
        numbers={"pairs": summary},
        evidence=evidence,
        pairs=[(compared_page(one.names), metrics) for one, metrics in zip(found, numbers, strict=True)],
    )
    for one, metrics in zip(found, numbers, strict=True):
        _write_pair(site, evidence, explained, one, metrics)


def replica_folders(home: Path) -> dict[str, Path]:
    """The replicas of a study, by name: `erm/seed-1`."""
    return {
        f"{name}/{part.name}": part
        for name, folder in model_folders(home).items()
        for part in sorted((folder / "study").glob("*"))
        if (part / WEIGHTS_FILE).is_file()
    }


def _write_pair(
    site: Site, evidence: Evidence, explained: Explanation, found: ModelComparison, numbers: dict[str, Any]
) -> None:
    name, chosen = compared_page(found.names), evidence.chosen["weights"]
    units = matched_units(found, evidence.params.compare.pairs)
    rows = sorted({crop["row"] for crop in crops_of(units)})
    pixels = {found.sample.keys[row]: pixels_of(found.image(row)) for row in rows}
    linked = [model for model in found.names if evidence.weights[model] == chosen]
    pages = {layer.name: layer_page(explained, layer) for layer in explained.layers}
    for layer in units:
        for side in (side for pair in layer["pairs"] for side in pair["sides"]):
            side["page"] = pages[layer["layer"]] if side["name"] in linked else None
    images = _images(evidence, found, units)
    site.write(
        name,
        template="compared_pair",
        numbers=numbers | {"shown": units},
        evidence=evidence,
        units=units,
        sheet=site.sheet(name, pixels),
        images={key: site.sheet(f"{name}-{key}", of) for key, of in images.items() if of},
    )


def _images(evidence: Evidence, found: ModelComparison, units: list[dict[str, Any]]) -> dict[str, dict[str, Pixels]]:
    """By layer the optimised images of its matched units, each as `<side>/<unit>`."""
    images: dict[str, dict[str, Pixels]] = {layer["layer"]: {} for layer in units}
    for number, name in enumerate(found.names):
        network, _ = load_model(model_folders(evidence.home)[name])
        wanted = {
            layer["layer"]: sorted({side["unit"] for side in _of_side(layer, number) if side["crops"]})
            for layer in units
        }
        wanted = {layer: some for layer, some in wanted.items() if some}
        with deterministic(evidence.params.threads):
            made = matched_images(evidence.params, found, number, network, wanted)
        for (layer, unit), pixels in made.items():
            images[layer][f"{number}/{unit}"] = pixels
    return images


def _of_side(layer: dict[str, Any], number: int) -> list[dict[str, Any]]:
    return [pair["sides"][number] for pair in layer["pairs"]]
