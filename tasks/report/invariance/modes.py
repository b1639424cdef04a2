"""Metrics of the modes of invariance: all modes, differences to the ERM baseline, and by nuisance value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from tasks.crop_table.splits import REPORT_SPLIT, SEVERITY
from tasks.evaluate.invariance_gain import INVARIANCE_METRICS
from tasks.metrics.wilson import wilson_interval
from tasks.pages.svg import Axis, Plot, colour, row_axis, share_axis
from tasks.report.evidence import Evidence
from unfont.text import clip

ROWS = 24  # nuisance values shown, the lowest; all are in the page's JSON file
CELLS = 10  # of the worst
ROW_HEIGHT, ROW_TITLE = 26, 16  # pixels, characters
ROOM = 0.05  # of the scale, before its first tick: a dot must not cover a row's title
OFFSET = 0.14  # of a row: distance of the two models' dots from its middle


@dataclass(frozen=True, kw_only=True)
class ComparedModels:
    """The models that the page shows.

    Attributes:
        before: the last round, which every mode was initialised from.
        modes: the baseline (`erm`) first, then as params.yaml lists them.
        reference: the baseline; where it was not trained, the last round.
    """

    before: str
    modes: list[str]
    reference: str

    @classmethod
    def of(cls, evidence: Evidence) -> ComparedModels:
        trained, baseline = evidence.invariance["modes"], evidence.invariance["baseline"]
        listed = [mode for mode in evidence.params.invariance.modes if mode in trained]
        modes = sorted(listed, key=lambda mode: mode != baseline)
        return cls(before=evidence.last_round, modes=modes, reference=baseline or evidence.last_round)

    @property
    def models(self) -> list[str]:
        return [self.before, *self.modes]

    @property
    def others(self) -> list[str]:
        """The modes that are measured against the reference."""
        return [mode for mode in self.modes if mode != self.reference]

    def css_class(self, model: str) -> str:
        """Its colour in every plot of the page."""
        if model == self.reference:
            return colour(0)
        return colour(1 + self.others.index(model)) if model in self.others else "rest"


def mode_rows(evidence: Evidence, compared: ComparedModels) -> list[dict[str, Any]]:
    """A row for each model: its seeds, and each metric's mean and spread over them, on unseen designs."""
    rows = []
    for model in compared.models:
        facts = evidence.invariance["modes"].get(model)
        if facts:
            metrics = {metric: facts["splits"][REPORT_SPLIT][metric] for metric in INVARIANCE_METRICS}
        else:
            of_round = evidence.metrics["models"][model][REPORT_SPLIT][SEVERITY]
            metrics = {metric: {"mean": of_round.get(metric), "spread": None} for metric in INVARIANCE_METRICS}
        rows.append({"model": model, "seeds": len(facts["seeds"]) if facts else 1, "metrics": metrics})
    return rows


def difference_rows(evidence: Evidence) -> list[dict[str, Any]]:
    """Each pair's differences, bootstrapped over designs, and with several seeds that of the accuracy over them."""
    modes, baseline = evidence.invariance["modes"], evidence.invariance["baseline"]
    rows = []
    for pair in evidence.invariance["pairs"]["differences"]:
        against = modes[pair["candidate"]]["splits"][REPORT_SPLIT]["accuracy"]["difference"]
        several = pair["reference"] == baseline and against and len(against["values"]) > 1
        rows.append({**pair, "over_seeds": against if several else None})
    return rows


def nuisance_rows(evidence: Evidence, compared: ComparedModels, nuisance: str) -> list[dict[str, Any]]:
    """A row for each value of the nuisance: each model's accuracy (mean over labels); the reference's lowest first."""
    found = {model: _by_nuisance(evidence, model, nuisance)["values"] for model in compared.models}
    values = sorted({value for of_model in found.values() for value in of_model})
    rows = []
    for value in values:
        known = {model: of_model[value] for model, of_model in found.items() if value in of_model}
        some = next(iter(known.values()))
        accuracy = {model: numbers["accuracy"] for model, numbers in known.items()}
        rows.append({"value": value, "cells": some["cells"], "n": some["n"], "mean_accuracy": accuracy})
    return sorted(rows, key=lambda row: (row["mean_accuracy"].get(compared.reference, 1.0), row["value"]))


def nuisance_plots(rows: list[dict[str, Any]], compared: ComparedModels, *, title: str) -> list[tuple[str, Markup]]:
    """For every other mode: each value's accuracy with it (filled dot) and without (open dot); all on one scale."""
    shown = rows[:ROWS]
    x = share_axis("", [accuracy for row in shown for accuracy in row["mean_accuracy"].values()])
    x = replace(x, low=x.low - ROOM * (x.high - x.low))
    others = compared.others or [compared.reference]
    return [(mode, _nuisance_plot(shown, compared, mode, x, title)) for mode in others if shown]


def _nuisance_plot(rows: list[dict[str, Any]], compared: ComparedModels, mode: str, x: Axis, title: str) -> Markup:
    y = row_axis([clip(row["value"], ROW_TITLE) for row in rows])
    pair = [(compared.reference, "open", -OFFSET), (mode, "full", OFFSET)]
    pair = pair if mode != compared.reference else [(mode, "open", 0.0)]
    summary = "; ".join(
        f"{clip(row['value'], ROW_TITLE)} "
        + ", ".join(f"{model} {100 * own[model]:.1f}%" for model, _, _ in pair if model in own)
        for row in rows
        for own in [row["mean_accuracy"]]
    )
    plot = Plot(f"Mean accuracy by {title}: {summary}", x=x, y=y, height=32 + ROW_HEIGHT * len(rows))
    for index, row in enumerate(rows):
        for model, shape, offset in pair:
            accuracy = row["mean_accuracy"].get(model)
            if accuracy is not None:
                words = f"{clip(row['value'])}, {model}: {100 * accuracy:.2f}%"
                plot.dot(accuracy, index + offset, css_class=f"dot {shape} {compared.css_class(model)}", title=words)
    return plot.svg()


def worst_cells(evidence: Evidence, compared: ComparedModels, nuisance: str) -> list[dict[str, Any]]:
    """The chosen model's lowest cells, with Wilson's interval, and the reference's accuracy in the same cells."""
    cells = _by_nuisance(evidence, str(evidence.chosen["name"]), nuisance)["cells"]
    reference = _by_nuisance(evidence, compared.reference, nuisance)["cells"]
    beside = {(cell["label"], cell["value"]): cell["accuracy"] for cell in reference}
    found = []
    for cell in sorted(cells, key=lambda cell: (cell["accuracy"], cell["label"], cell["value"]))[:CELLS]:
        hits = round(cell["accuracy"] * cell["n"])
        interval = wilson_interval(hits, cell["n"], confidence=evidence.invariance["confidence"])
        low, high = interval or (None, None)
        found.append({**cell, "low": low, "high": high, "reference": beside.get((cell["label"], cell["value"]))})
    return found


def worst_families(evidence: Evidence) -> list[dict[str, Any]]:
    """The chosen model's lowest families; empty where crops have none."""
    return evidence.groups["models"][evidence.chosen["name"]][REPORT_SPLIT]["worst_families"]


def _by_nuisance(evidence: Evidence, model: str, nuisance: str) -> dict[str, Any]:
    return evidence.groups["models"][model][REPORT_SPLIT]["by_nuisance"].get(nuisance, {"values": {}, "cells": []})
