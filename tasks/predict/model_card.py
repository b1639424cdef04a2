"""A model card in Markdown (Mitchell et al. 2019): what a model learned from, how right it is, and where it is not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.common.files import read_json
from tasks.common.params import UNWRITTEN, Params
from tasks.crop_table.splits import SEVERITY, TEST_UNSEEN
from tasks.metrics.unlearned import SURE
from tasks.pages.environment import percent
from unfont.errors import UserError
from unfont.labels import COMMON, MEANINGS, UNKNOWN

INTENDED = """\
Sending pictures of words, lines, columns or blocks of a few lines to the recogniser of their script, in print and on
signs. Take `abstain_below` where a wrong recogniser costs more than a second look. It was not made to judge people,
documents' origin or authenticity, and not for manuscripts: of those it has seen none."""
LIMITS = """\
- **Single letters** are mostly read wrong; their probability says so.
- Kanji alone is `Hani`, kanji beside kana `Jpan`, hangul `Kore`; Fraktur is `Latn`. A picture of several scripts is
  `mixed` where at least three windows are sure of each.
- Old book types, handwriting, display types of Latin, Cyrillic and Greek, and heavily damaged pictures are read worst.
- A script with one or two typefaces held out is measured on these alone."""

REJECTED = {
    "unlearned_caught": f"`{UNKNOWN}` not called a script",
    "unlearned_sure": f"`{UNKNOWN}` called a script with p of {SURE} or more",
    "common_sure": f"`{COMMON}` called a script with p of {SURE} or more",
}


def model_card(
    params: Params, name: str, *, card: Mapping[str, Any], fonts: Path, real: Mapping[str, Any] | None = None
) -> str:
    """The card of the project's model `name`, as `evaluate` measured it.

    Args:
        card: what the model's file says of it.
        fonts: the fonts' table.
        real: what `benchmarks.real` measured, if it did.

    Raises:
        UserError: the model was not measured.
    """
    metrics = _metrics_of(params, name)
    special = ", ".join(f"`{label}` ({meaning})" for label, meaning in MEANINGS.items() if label in card["labels"])
    parts = [
        f"# {card['name']}\n\nReads pictures of writing and says their script: {len(_scripts(card))} scripts, and "
        f"{special}. Apache-2.0.",
        f"## Intended use\n\n{INTENDED}",
        f"## What it learned from\n\n{_data(card, fonts)}",
    ]
    if real is not None:
        parts.append(f"## Real pictures, percent right\n\n{_real(real)}")
    parts.append(f"## Rendered words in typefaces that training did not see, percent right\n\n{_rendered(metrics)}")
    parts.append(f"## By script (light degradation)\n\n{_by_script(params, name)}")
    parts.append(f"## Limits\n\n{_others(card)}\n{LIMITS}")
    return "\n\n".join(parts) + "\n"


def _metrics_of(params: Params, name: str) -> dict[str, Any]:
    path = params.home / "metrics" / "evaluate.json"
    try:
        severities: dict[str, Any] = read_json(path)["models"][name][TEST_UNSEEN]
    except (OSError, KeyError):
        raise UserError(f"the model '{name}' is not measured", where=path, fix="run `unfont run evaluate`") from None
    groups = path.with_name("groups.json")  # a problem may have no nuisance
    known = read_json(groups)["models"].get(name, {}) if groups.is_file() else {}
    return {"severities": severities, "nuisances": known.get(TEST_UNSEEN, {}).get("by_nuisance", {})}


def _data(card: Mapping[str, Any], fonts: Path) -> str:
    table = pq.read_table(fonts, columns=["family", "licence", "design"])
    licences = table.group_by("licence").aggregate([("family", "count_distinct")]).sort_by("licence").to_pylist()
    families = pc.count_distinct(table["family"]).as_py()
    listed = ", ".join(f"{row['licence']} ({row['family_count_distinct']})" for row in licences)
    return (
        "Words of Unicode's CLDR and of a model of each script's letters, alone and in pieces of lines, rendered in "
        f"{families} open font families, degraded as cameras, scans of old print, signs and screens do, and drawn "
        "pictures without writing. No real picture, no user's data.\n\n"
        f"Licences of the fonts, families: {listed}. No font is part of the model.\n\n"
        f"Scripts: {', '.join(_scripts(card))}."
    )


def _scripts(card: Mapping[str, Any]) -> list[str]:
    return [label for label in card["labels"] if label not in MEANINGS]


def _others(card: Mapping[str, Any]) -> str:
    missing = [meaning for label, meaning in MEANINGS.items() if label not in card["labels"]]
    lines = [f"- No label of its own have **{' and '.join(missing)}**: they come back as a script."] if missing else []
    if UNKNOWN in card["labels"]:
        lines.append(f"- **Scripts that are not in the list** are often read as one that is: `{UNKNOWN}` is a guess.")
    return "\n".join(lines)


def _real(real: Mapping[str, Any]) -> str:
    rows = [
        f"| {kind} | {real[kind]['n']} | {percent(real[kind]['accuracy'])} | {percent(real[kind]['tesseract'])} |"
        for kind in ("lines", "words", "scene", "letters")
        if kind in real
    ]
    head = "| | n | this model | Tesseract |\n|---|---|---|---|"
    return "\n".join([head, *rows]) + "\n\nReading was tuned on these pictures; the weights never saw them."


def _rendered(metrics: Mapping[str, Any]) -> str:
    severities = metrics["severities"]
    rows = [f"| {severity} | {percent(severities[severity]['accuracy'])} |" for severity in severities]
    for nuisance, groups in metrics["nuisances"].items():
        rows += [
            f"| {nuisance.replace('_', ' ')} {label}, {SEVERITY} | {percent(found['accuracy'])} |"
            for label, found in groups["values"].items()
        ]
    false = severities[SEVERITY]["false_alarm_rate"]
    rows.append(f"| `{UNWRITTEN}` called a script, {SEVERITY} | {percent(false)} |")
    rows += [
        f"| {title}, {SEVERITY} | {percent(severities[SEVERITY][name])} |"
        for name, title in REJECTED.items()
        if severities[SEVERITY].get(name) is not None
    ]
    return "\n".join(["| | |", "|---|---|", *rows])


def _by_script(params: Params, name: str) -> str:
    chosen = (pc.field("model") == name) & (pc.field("split") == TEST_UNSEEN) & (pc.field("severity") == SEVERITY)
    columns = ["true", "predicted", "ambiguous"]
    rows = pq.read_table(params.home / "predictions.parquet", columns=columns, filters=chosen).to_pandas()
    rows = rows[~rows["ambiguous"].fillna(False).astype(bool)]
    right = rows["true"].astype(str) == rows["predicted"].astype(str)
    cells = pd.DataFrame({"true": rows["true"].astype(str), "right": right}).groupby("true")["right"]
    found = cells.agg(["mean", "size"]).sort_values("mean")
    lines = [f"| {script} | {int(row['size'])} | {percent(row['mean'])} |" for script, row in found.iterrows()]
    return "\n".join(["| script | n | |", "|---|---|---|", *lines])
