"""What one split says of every model: its figures, the tables behind them, and the points of its curves."""

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
from tasks.evaluate.predictions import Answers, Model
from tasks.metrics.classification import is_ambiguous, measure, text_of
from tasks.metrics.group_bootstrap import Differences, Strata, paired_differences
from tasks.metrics.text_fpr import text_threshold
from tasks.metrics.worst_group import counted_cells, nuisance_table, worst_families

COLUMNS = ["model", "split", "severity", "key", "true", "ambiguous", "predicted", "p", "p_text"]
TYPES = {"key": pa.string(), "ambiguous": pa.bool_(), "p": pa.float32(), "p_text": pa.float32()}
SCHEMA = pa.schema([(name, TYPES.get(name, LABEL)) for name in COLUMNS])

Thresholds = Mapping[tuple[str, str], float | None]  # of p_text, by model and severity
Figures = dict[str, float | int | str | None]


@dataclass(frozen=True, kw_only=True)
class Yardstick:
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

    def figures(self, rows: pd.DataFrame, model: str, severity: str) -> Figures:
        """`tasks.metrics.classification.measure` of a model's answers, by the first nuisance."""
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
        """The cells of a nuisance that count, of text crops with a model's answers."""
        return counted_cells(text, nuisance=nuisance, group=self.labels.group, cell_crops=self.settings.cell_crops)

    def groups(self, text: pd.DataFrame) -> dict[str, Any]:
        """What `groups.json` says of a model: accuracy by the values of every nuisance, and the worst families."""
        settings = self.settings
        return {
            "by_nuisance": {name: nuisance_table(self.cells(text, name)) for name in self.nuisances},
            "worst_families": worst_families(text, cell_crops=settings.cell_crops, confidence=settings.confidence),
        }


@dataclass(frozen=True, kw_only=True)
class Look:
    """A closer look at one model's answers to one split at light degradation.

    Attributes:
        groups: see `Yardstick.groups`.
        right: [text crops] bool, by key.
        risks, reliability, confusion: points of plots (`tasks.evaluate.plot_tables`).
    """

    groups: dict[str, Any]
    right: np.ndarray
    risks: pd.DataFrame
    reliability: pd.DataFrame
    confusion: pd.DataFrame

    @classmethod
    def at(cls, rows: pd.DataFrame, yardstick: Yardstick, temperature: float) -> "Look":
        """Of all answers, sorted by key, of a model with this temperature."""
        clear = rows[~is_ambiguous(rows)]
        text = text_of(rows)
        right = (text["true"] == text["predicted"]).to_numpy()
        return cls(
            groups=yardstick.groups(text),
            right=right,
            risks=risk_points(text["p"].to_numpy(), right),
            reliability=reliability_points(clear, temperature),
            confusion=confusion_points(clear),
        )


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One split's findings: figures by model and severity, and a look at every named model."""

    figures: dict[str, dict[str, Figures]]
    looks: dict[str, Look]


def measure_split(
    answers: Answers,
    *,
    split: str,
    models: Mapping[str, Model],
    named: Collection[str],
    yardstick: Yardstick,
    writer: pq.ParquetWriter,
) -> Measured:
    """Measure every model's `answers`; those of the `named` models are written, and looked at more closely."""
    figures: dict[str, dict[str, Figures]] = {name: {} for name in models}
    looks = {}
    for name, severity in answers.said:
        rows = answers.of(name, severity)
        figures[name][severity] = yardstick.figures(rows, name, severity)
        if name not in named:
            continue
        facts = rows.assign(model=name, split=split, severity=severity)
        writer.write_table(pa.Table.from_pandas(facts[COLUMNS], SCHEMA, preserve_index=False))
        if severity == SEVERITY:
            looks[name] = Look.at(rows, yardstick, models[name].temperature)
    return Measured(figures=figures, looks=looks)


def thresholds_of(answers: Answers) -> dict[tuple[str, str], float | None]:
    """The thresholds of p_text that keep 95% of the text crops; None where a model knows no `Zxxx`."""
    return {key: _threshold(answers.of(*key)) for key in answers.said}


def compare(
    answers: Answers, looks: Mapping[str, Look], pairs: Sequence[tuple[str, str]], *, yardstick: Yardstick, seed: int
) -> dict[tuple[str, str], Differences]:
    """The pairs' differences at light degradation, on groups drawn anew (`tasks.metrics.group_bootstrap`)."""
    text = text_of(answers.of(next(iter(looks)), SEVERITY))
    nuisance, group = yardstick.nuisance, yardstick.labels.group
    strata = Strata.of_text(
        text, nuisance=nuisance, group=group, cells=yardstick.cells(text, nuisance), thin=yardstick.thin
    )
    return paired_differences(
        strata,
        {name: look.right for name, look in looks.items()},
        pairs,
        resamples=yardstick.settings.resamples,
        confidence=yardstick.settings.confidence,
        seed=seed,
    )


def _threshold(rows: pd.DataFrame) -> float | None:
    p_text = text_of(rows)["p_text"]
    return text_threshold(p_text.to_numpy()) if p_text.notna().all() else None
