"""What the report opens with: real pictures, some answers, the most frequent mistakes, and what was done to forget."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tasks.crop_table.shards import nuisance_columns, pictures
from tasks.crop_table.splits import REPORT_SPLIT, SEVERITY, TEST_UNSEEN
from tasks.metrics.classification import is_learned, is_text
from tasks.report.evidence import Evidence, as_tested
from tasks.report.site import Site
from tasks.report.tables import confusion, strongest_confusions

ANSWERS = 3  # right ones, and as many wrong ones
MISTAKES = 5  # pairs of labels
PLAIN = "erm"
# What a mode does, in plain words; a sum does all of its parts.
MODES = {
    PLAIN: "learns the {target} alone; a head that reads the {nuisance} watches and teaches nothing",
    "reversal": "is pushed away from features that tell the {nuisance} (gradient reversal)",
    "conditional": "is pushed away from features that tell the {nuisance} within a {target} (gradient reversal)",
    "ascent": "climbs the loss of a head that reads the {nuisance}, in turns with it",
    "pairs": "must give one text in two designs the same features",
    "coral": "must give features of the same mean and covariance for every {nuisance}",
    "erasure": "has the directions taken out that tell the {nuisance} within a {target}, in closed form",
    "bottleneck": "ends in a layer that keeps how close each {target} comes to the answer, up to a margin, and no more",
}


def front_of(site: Site, evidence: Evidence, labels: list[str], names: dict[str, str]) -> dict[str, Any]:
    """Everything that the front page shows before its tables; writes the sheet of its pictures."""
    shown = _answers(evidence.tested)
    crops = pictures(evidence.table, shown["key"].tolist())
    tested = evidence.tested[is_learned(evidence.tested)]
    known = tested[tested["true"].isin(labels) & tested["predicted"].isin(labels)]
    return {
        "real": evidence.real,
        "answers": shown[["key", "true", "predicted", "p", "text", "font_family"]].to_dict("records"),
        "sheet": site.sheet("answers", as_tested(crops, channels=evidence.params.crops.channels)),
        "mistakes": strongest_confusions(confusion(known, labels), labels, most=MISTAKES),
        "modes": _modes(evidence, names),
        "forgets": _forgets(str(evidence.chosen["name"]), evidence),
    }


def _answers(tested: pd.DataFrame) -> pd.DataFrame:
    """Right and wrong predictions in turn, each of another true label; keys are hashes, so the first are a sample."""
    rows = tested[is_text(tested)]
    right = rows["true"] == rows["predicted"]
    wrong = rows[~right].drop_duplicates("true").head(ANSWERS)
    good = rows[right & ~rows["true"].isin(wrong["true"])].drop_duplicates("true").head(ANSWERS)
    return pd.concat([good, wrong])


def _modes(evidence: Evidence, names: dict[str, str]) -> list[dict[str, Any]]:
    """Each trained mode in words, with its accuracy on unseen designs and the probe excess of the first nuisance."""
    columns = nuisance_columns(evidence.params.labels)
    probed = evidence.probe["nuisances"].get(columns[0], {}).get("models", {}) if columns else {}
    rows = []
    for mode in evidence.params.invariance.modes:
        metrics = evidence.metrics["models"].get(mode)
        if metrics is None:
            continue
        points = (probed.get(mode, {}).get(TEST_UNSEEN) or {}).get("excess_points")
        words = "; ".join(MODES[part].format(**names) for part in mode.split("+"))
        accuracy = metrics.get(REPORT_SPLIT, {}).get(SEVERITY, {}).get("accuracy")
        rows.append({"model": mode, "words": words, "accuracy": accuracy, "excess_points": points})
    return rows


def _forgets(name: str, evidence: Evidence) -> bool:
    """Whether a model was made to forget a nuisance."""
    return name in evidence.params.invariance.modes and name != PLAIN
