"""The page of invariance: methods and baseline, the probe, the embedding projection, and the training curves."""

from __future__ import annotations

from typing import Any

from tasks.common.determinism import deterministic
from tasks.crop_table.shards import nuisance_columns
from tasks.crop_table.splits import REPORT_SPLIT
from tasks.evaluate.invariance_gain import INVARIANCE_METRICS
from tasks.explain.units import Explanation
from tasks.probe.embedding_map import EmbeddingMap, map_embeddings
from tasks.report.evidence import Evidence
from tasks.report.invariance.embedding_map import is_known, map_numbers, map_plots, mapped_models
from tasks.report.invariance.modes import (
    ROWS,
    ComparedModels,
    difference_rows,
    mode_rows,
    nuisance_plots,
    nuisance_rows,
    worst_cells,
    worst_families,
)
from tasks.report.invariance.probe import layer_plot, probe_facts
from tasks.report.invariance.training_curves import mode_curves, mode_plots, round_plots
from tasks.report.overview import METRIC_TITLES, SPLIT_TITLES, names_of, of_chosen, words
from tasks.report.site import Site


def write_invariance(site: Site, evidence: Evidence, explained: Explanation) -> None:
    params, compared = evidence.params, ComparedModels.of(evidence)
    names, nuisances = names_of(params), nuisance_columns(params.labels)
    layers = [layer.name for layer in explained.layers]
    by_nuisance = {nuisance: nuisance_rows(evidence, compared, nuisance) for nuisance in nuisances}
    probes = {nuisance: probe_facts(evidence, compared, layers, nuisance) for nuisance in nuisances}
    cells = {nuisance: worst_cells(evidence, compared, nuisance) for nuisance in nuisances}
    numbers: dict[str, Any] = of_chosen(evidence) | {
        "models": mode_rows(evidence, compared),
        "differences": difference_rows(evidence),
        "by_nuisance": by_nuisance,
        "probe": probes,
        "worst_cells": cells,
        "worst_families": worst_families(evidence),
        "curves": {name: evidence.curves[name] for name in compared.models if name in evidence.curves},
    }
    map_shown, numbers["map"] = _map(evidence, compared, nuisances)
    curves = mode_curves(evidence, compared)
    rounds = {f"round-{one.number}": evidence.curves[f"round-{one.number}"] for one in evidence.rounds}
    site.write(
        "invariance",
        template="invariance",
        numbers=numbers,
        evidence=evidence,
        compared=compared,
        names=names,
        confidence=evidence.invariance["confidence"],
        several=any(row["seeds"] > 1 for row in numbers["models"]),
        metrics={metric: METRIC_TITLES[metric].format(**names) for metric in INVARIANCE_METRICS},
        by_nuisance=[(words(n), of, nuisance_plots(of, compared, title=words(n))) for n, of in by_nuisance.items()],
        most=ROWS,
        probes=[(words(name), facts, _layer_plot(facts, compared, layers, name)) for name, facts in probes.items()],
        splits={split: title.format(**names) for split, title in SPLIT_TITLES.items()},
        layers=layers,
        map=map_shown,
        mode_plots=mode_plots(curves, compared, target=names["target"]),
        round_plots=round_plots({name: curve for name, curve in rounds.items() if curve}, target=names["target"]),
        cells=[(words(name), rows) for name, rows in cells.items()],
        where=SPLIT_TITLES[REPORT_SPLIT].format(**names),
    )


def _layer_plot(facts: dict[str, Any], compared: ComparedModels, layers: list[str], nuisance: str) -> Any:
    return None if facts["why"] else layer_plot(facts, compared, layers, title=words(nuisance))


def _map(
    evidence: Evidence, compared: ComparedModels, nuisances: list[str]
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """What the page shows of the projection, and its numbers; None for both where too few crops have a nuisance."""
    params = evidence.params
    models = mapped_models(evidence.home, compared, str(evidence.chosen["name"]))
    with deterministic(params.threads):
        found: EmbeddingMap | None = map_embeddings(params, table=evidence.table, models=models)
    if found is None:
        return None, None
    columns = [params.labels.target, *nuisances]
    shown = [map_plots(found, column, title=words(column)) for column in columns if is_known(found, column)]
    return {"colourings": shown, "crops": len(found.rows), "held": found.held}, map_numbers(found, columns)
