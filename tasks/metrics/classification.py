"""Metrics of a set of predictions: pure functions of arrays and tables.

A table of predictions has a row a crop: `true`, `predicted` (labels), `p`, the predicted label's
probability, and where the model knows `Zxxx`, `p_text`, the probability that it is text: 1 − p(`Zxxx`).
Where the model has a temperature, `p` has it and `p_raw` is without; `p_text` never has it.
"""

from collections import Counter
from collections.abc import Collection

import numpy as np
import pandas as pd

from tasks.metrics.calibration import calibration_error
from tasks.metrics.risk_coverage import abstention_metrics
from tasks.metrics.text_fpr import share_at
from tasks.metrics.unlearned import unlearned_metrics
from tasks.metrics.worst_group import counted_cells, share_with_interval, worst_cell, worst_label, worst_nuisance
from unfont.labels import UNKNOWN, UNWRITTEN

THIN_BELOW = 3  # a label with fewer designs than this is left out of the worst-label metric
DIGITS = 6


def measure(
    rows: pd.DataFrame,
    *,
    nuisance: str | None,
    group: str,
    thin: Collection[str],
    cell_crops: int,
    confidence: float,
    threshold: float | None = None,
) -> dict[str, float | int | str | None]:
    """Measure one model on one split at one severity.

    The model always chooses among all its labels, `Zxxx` and `Zzzz` included. A crop whose truth is a learned script
    or `Zyyy` is a *text* crop. One whose truth is `Zzzz` is about rejection, not reading: it counts in the metrics of
    `tasks.metrics.unlearned` and in no other. So does a text whose letters all have homoglyphs in another script
    (`ambiguous`) in its own two: it has no label that its pixels determine.

    - `accuracy`: share of text crops that are right; `_low` and `_high`, its Wilson interval.
    - `false_alarm_rate`: share of `Zxxx` crops that are predicted as text: as any other label, `Zzzz` among them.
    - `false_positive_rate`: share of `Zxxx` crops with `p_text` at `threshold` or above: the false-positive rate
      at 95% text recall, where the threshold was fixed on `validation` (`tasks.metrics.text_fpr`).
    - `text_recall`: share of text crops with `p_text` at `threshold` or above: the recall on these crops.
    - `text_threshold`: `threshold`.
    - `macro_f1`: mean F1 over the labels that occur as truth, over text and `Zxxx` crops.
    - `worst_target`: lowest accuracy of a label, labels in `thin` left out; `worst_target_label` names it.
    - `worst_nuisance`: the lowest accuracy of a value of `nuisance`, each the mean over its cells that count
      (`tasks.metrics.worst_group`); with its `_label`, and the number of its `_cells` and crops, `_n`.
    - `worst_cell`: the lowest accuracy of a cell that counts; `_target`, `_nuisance`, `_n`, and its Wilson interval.
    - `calibration_error`: see `tasks.metrics.calibration`; over text and `Zxxx` crops. `calibration_error_raw` is
      without temperature.
    - `aurc`, `coverage_at_1`, `_2`, `_5`: see `tasks.metrics.risk_coverage`; of text crops, by `p`.
    - `ambiguous_accuracy`: share of the ambiguous crops that are right; `n_ambiguous`: how many they are.
    - `n_unlearned`, `unlearned_caught`, `unlearned_sure`, `common_sure`: see `tasks.metrics.unlearned`.
    - `n`, `n_text`: all crops and text crops, ambiguous ones left out; `n` has those of `Zzzz`.

    A metric that is undefined is None. Metrics are rounded to 6 digits.

    Args:
        rows: `true`, `predicted`, `p`, and the columns `nuisance` and `group` name; `ambiguous` where known;
            `p_raw` where the model has a temperature; `p_text` with a threshold.
        thin: labels with too few groups in the whole table (`thin_labels`).
        cell_crops: fewest crops of a (label, nuisance) cell that counts.
        confidence: of the Wilson intervals.
        threshold: of `p_text`, 0 to 1; None where the model knows no `Zxxx`.
    """
    unclear = is_ambiguous(rows)
    ambiguous, clear = rows[unclear], rows[~unclear]
    learned = clear[is_learned(clear)]
    text, background = text_of(learned), learned[learned["true"] == UNWRITTEN]
    correct = (learned["true"] == learned["predicted"]).to_numpy()
    right = (text["true"] == text["predicted"]).to_numpy()
    worst_target, worst_target_label = worst_label(text, thin=thin)
    cells = counted_cells(text, nuisance=nuisance, group=group, cell_crops=cell_crops)
    metrics = {
        "n": len(clear),
        "n_text": len(text),
        **share_with_interval(right, "accuracy", confidence=confidence),
        "false_alarm_rate": _share(background["predicted"] != UNWRITTEN),
        "false_positive_rate": _share_above(background, threshold),
        "text_recall": _share_above(text, threshold),
        "text_threshold": threshold,
        "macro_f1": macro_f1(learned["true"], learned["predicted"]),
        "worst_target": worst_target,
        "worst_target_label": worst_target_label,
        **_of_cells(cells, confidence=confidence),
        "calibration_error": calibration_error(learned["p"].to_numpy(), correct),
        "calibration_error_raw": calibration_error(learned.get("p_raw", learned["p"]).to_numpy(), correct),
        **abstention_metrics(text["p"].to_numpy(), right),
        **unlearned_metrics(clear),
        "ambiguous_accuracy": _share(ambiguous["true"] == ambiguous["predicted"]),
        "n_ambiguous": len(ambiguous),
    }
    return {key: round(value, DIGITS) if isinstance(value, float) else value for key, value in metrics.items()}


def is_ambiguous(rows: pd.DataFrame) -> np.ndarray:
    """Which rows are ambiguous: bool `[rows]`; a table without that column has none."""
    if "ambiguous" not in rows.columns:
        return np.zeros(len(rows), bool)
    return rows["ambiguous"].fillna(value=False).to_numpy(dtype=bool)


def is_learned(rows: pd.DataFrame, *, target: str = "true") -> np.ndarray:
    """Which rows have a right answer that was learned, bool `[rows]`: all but ambiguous texts and `Zzzz`."""
    return (rows[target] != UNKNOWN).to_numpy() & ~is_ambiguous(rows)


def is_text(rows: pd.DataFrame, *, target: str = "true") -> np.ndarray:
    """Which rows are the text that accuracy is about, bool `[rows]`: learned (`is_learned`), and not `Zxxx`."""
    return (rows[target] != UNWRITTEN).to_numpy() & is_learned(rows, target=target)


def text_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that are text (`is_text`)."""
    return rows[is_text(rows)]


def thin_labels(rows: pd.DataFrame, *, target: str, group: str) -> list[str]:
    """Text labels with fewer than 3 groups in a table, sorted: their accuracy depends on one design."""
    text = rows[is_text(rows, target=target)]
    groups = text.groupby(target, observed=True)[group].nunique()
    return sorted(str(label) for label in groups.index[groups < THIN_BELOW])


def macro_f1(true: pd.Series, predicted: pd.Series) -> float | None:
    """Mean F1 over the labels that occur in `true`; None without rows."""
    if len(true) == 0:
        return None
    true, predicted = true.astype(str), predicted.astype(str)
    hits = true[true == predicted].value_counts()
    called, present = predicted.value_counts(), true.value_counts()
    labels = sorted(present.index)
    sums = present.reindex(labels) + called.reindex(labels, fill_value=0)
    return float((2 * hits.reindex(labels, fill_value=0) / sums).mean())


def worst_confusions(rows: pd.DataFrame, *, top: int) -> list[dict[str, str | int]]:
    """The most frequent (true, predicted) mistakes: most frequent first, then by name."""
    wrong = rows[rows["true"] != rows["predicted"]].astype({"true": str, "predicted": str})
    counts = Counter(zip(wrong["true"], wrong["predicted"], strict=True))
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return [{"true": true, "predicted": predicted, "n": n} for (true, predicted), n in ordered[:top]]


def _of_cells(cells: pd.DataFrame, *, confidence: float) -> dict[str, float | int | str | None]:
    value, name = worst_nuisance(cells)
    own = cells[cells.index.get_level_values("nuisance") == name]
    return {
        "worst_nuisance": value,
        "worst_nuisance_label": name,
        "worst_nuisance_cells": len(own),
        "worst_nuisance_n": int(own["n"].sum()),
        **worst_cell(cells, confidence=confidence),
    }


def _share_above(rows: pd.DataFrame, threshold: float | None) -> float | None:
    return None if threshold is None else share_at(rows["p_text"].to_numpy(), threshold)


def _share(hits: pd.Series) -> float | None:
    return float(hits.mean()) if len(hits) else None
