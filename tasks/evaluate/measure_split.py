"""Every model on one split: its metrics, the tables behind them, and the points of its curves."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.common.params import EvaluateSettings, ProblemSettings
from tasks.crop_table.shards import LABEL, nuisance_columns
from tasks.crop_table.splits import SEVERITY
from tasks.evaluate.plot_tables import confusion_points, reliability_points, risk_points
from tasks.evaluate.predictions import Model, SplitPredictions
from tasks.metrics.classification import is_ambiguous, is_learned, measure, text_of
from tasks.metrics.group_bootstrap import Differences, Strata, paired_differences
from tasks.metrics.text_fpr import text_threshold
from tasks.metrics.worst_group import counted_cells, nuisance_table, worst_families

COLUMNS = ["model", "split", "severity", "key", "true", "ambiguous", "predicted", "p", "p_text"]
TYPES = {"key": pa.string(), "ambiguous": pa.bool_(), "p": pa.float32(), "p_text": pa.float32()}
SCHEMA = pa.schema([(name, TYPES.get(name, LABEL)) for name in COLUMNS])

Thresholds = Mapping[tuple[str, str], float | None]  # of p_text, by model and severity
Metrics = dict[str, float | int | str | None]


@dataclass(frozen=True, kw_only=True)
class EvaluationProtocol:
    """How every model is measured on every split: the problem's columns, the settings, the thin labels."""

    labels: ProblemSettings
    settings: EvaluateSettings
    thin: list[str]
    thresholds: Thresholds

    @property
    def nuisances(self) -> list[str]:
        return nuisance_columns(self.labels)

    @property
    def nuisance(self) -> str | None:
        """The first: the one that `worst_nuisance` is about."""
        return next(iter(self.nuisances), None)

    def metrics(self, rows: pd.DataFrame, model: str, severity: str) -> Metrics:
        """`tasks.metrics.classification.measure` of a model's predictions, by the first nuisance."""
        return measure(
            rows,
            nuisance=self.nuisance,
            group=self.labels.group,
            thin=self.thin,
            cell_crops=self.settings.cell_crops,
            confidence=self.settings.confidence,
            threshold=self.thresholds.get((model, severity)),
        )

    def cells(self, text: pd.DataFrame, nuisance: str | None) -> pd.DataFrame:
        """The cells of a nuisance that count, of text crops with a model's predictions."""
        return counted_cells(text, nuisance=nuisance, group=self.labels.group, cell_crops=self.settings.cell_crops)

    def rests_on(self, text: pd.DataFrame) -> dict[str, dict[str, float | int] | None]:
        """What `worst_nuisance` is the least of: each value's `accuracy`, `cells`, `n`; None where no cell counts."""
        if self.nuisance is None:
            return {}
        counted = nuisance_table(self.cells(text, self.nuisance))["values"]
        return {value: counted.get(value) for value in sorted(text[self.nuisance].dropna().astype(str).unique())}

    def groups(self, text: pd.DataFrame) -> dict[str, Any]:
        """What `groups.json` holds of a model: accuracy by the values of every nuisance, and the worst families."""
        settings = self.settings
        return {
            "by_nuisance": {name: nuisance_table(self.cells(text, name)) for name in self.nuisances},
            "worst_families": worst_families(text, cell_crops=settings.cell_crops, confidence=settings.confidence),
        }


@dataclass(frozen=True, kw_only=True)
class ModelDetails:
    """One model on one split at light degradation, in detail.

    Attributes:
        groups: see `EvaluationProtocol.groups`.
        right: [text crops] bool, by key.
        risks, reliability, confusion: points of plots (`tasks.evaluate.plot_tables`).
    """

    groups: dict[str, Any]
    right: np.ndarray
    risks: pd.DataFrame
    reliability: pd.DataFrame
    confusion: pd.DataFrame

    @classmethod
    def of_rows(cls, rows: pd.DataFrame, protocol: EvaluationProtocol, temperature: float) -> "ModelDetails":
        """Of all its predictions, sorted by key; `temperature` is the model's."""
        text = text_of(rows)
        right = (text["true"] == text["predicted"]).to_numpy()
        return cls(
            groups=protocol.groups(text),
            right=right,
            risks=risk_points(text["p"].to_numpy(), right),
            reliability=reliability_points(rows[is_learned(rows)], temperature),
            confusion=confusion_points(rows[~is_ambiguous(rows)]),
        )


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One split's results: metrics by model and severity, and the details of every named model."""

    metrics: dict[str, dict[str, Metrics]]
    details: dict[str, ModelDetails]


def measure_split(
    predictions: SplitPredictions,
    *,
    split: str,
    models: Mapping[str, Model],
    named: Collection[str],
    protocol: EvaluationProtocol,
    writer: pq.ParquetWriter,
) -> Measured:
    """Measure every model's `predictions`; those of the `named` models are written, and measured in detail."""
    metrics: dict[str, dict[str, Metrics]] = {name: {} for name in models}
    details = {}
    for name, severity in predictions.scored:
        rows = predictions.of(name, severity)
        metrics[name][severity] = protocol.metrics(rows, name, severity)
        if name not in named:
            continue
        facts = rows.assign(model=name, split=split, severity=severity)
        writer.write_table(pa.Table.from_pandas(facts[COLUMNS], SCHEMA, preserve_index=False))
        if severity == SEVERITY:
            details[name] = ModelDetails.of_rows(rows, protocol, models[name].temperature)
    return Measured(metrics=metrics, details=details)


def thresholds_of(predictions: SplitPredictions) -> dict[tuple[str, str], float | None]:
    """The thresholds of p_text that keep 95% of the text crops; None where a model knows no `Zxxx`."""
    return {key: _threshold(predictions.of(*key)) for key in predictions.scored}


def compare(
    predictions: SplitPredictions,
    details: Mapping[str, ModelDetails],
    pairs: Sequence[tuple[str, str]],
    *,
    protocol: EvaluationProtocol,
    seed: int,
) -> dict[tuple[str, str], Differences]:
    """The pairs' differences at light degradation, on resampled groups (`tasks.metrics.group_bootstrap`)."""
    text = text_of(predictions.of(next(iter(details)), SEVERITY))
    nuisance, group = protocol.nuisance, protocol.labels.group
    strata = Strata.of_text(
        text, nuisance=nuisance, group=group, cells=protocol.cells(text, nuisance), thin=protocol.thin
    )
    return paired_differences(
        strata,
        {name: detail.right for name, detail in details.items()},
        pairs,
        resamples=protocol.settings.resamples,
        confidence=protocol.settings.confidence,
        seed=seed,
    )


def _threshold(rows: pd.DataFrame) -> float | None:
    p_text = text_of(rows)["p_text"]
    return text_threshold(p_text.to_numpy()) if p_text.notna().all() else None
