"""Results of a sweep: a row a setting, means and spreads over its seeds, the best marked, suggested values."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.common.files import write_json, written_whole
from tasks.crop_table.splits import SELECTION_SPLIT, SEVERITY
from tasks.pages.text_table import aligned
from tasks.sweep.space import Setting, Space
from tasks.sweep.sweep import CRITERION, SWEEP_METRICS
from tasks.sweep.trials import SettingResult

DIGITS = 6
Row = dict[str, Any]


def summarise_sweep(tried: Sequence[SettingResult], space: Space) -> dict[str, Any]:
    """What `sweep.json` holds.

    - `rows`: of each setting `mode`, its parameters (None where the mode does not use one), `n` trainings, `diverged`
      of them, and of every metric the `_mean` and `_spread` (standard deviation, n − 1) over seeds and its values as
      `<metric>_by_seed`. A mean is None where any seed has no metric: one of the seeds that worked would be biased.
    - `best`: the index of the row with the highest mean criterion, of equals the first; None where none has one.
    - `lead`: how far the best is before the second: `over` (its index), `mean` and `spread` of the differences by seed.
    - `suggested`: the values of params.yaml that train the best, beside `erm`, which the others are measured against.
    """
    rows = [_row_of(each, space) for each in tried]
    order = sorted(
        (index for index, row in enumerate(rows) if row[f"{CRITERION}_mean"] is not None),
        key=lambda index: -rows[index][f"{CRITERION}_mean"],
    )
    best = order[0] if order else None
    return {
        "split": SELECTION_SPLIT,
        "severity": SEVERITY,
        "seeds": space.seeds,
        "varied": space.varied,
        "rows": rows,
        "best": best,
        "lead": _lead(rows, order),
        "suggested": {} if best is None else _suggested(tried[best].setting, space),
    }


def format_sweep(summary: dict[str, Any], output_format: str) -> str:
    """The summary as text: 'table', 'json', or 'csv' (a row a setting).

    Raises:
        ValueError: another format.
    """
    if output_format == "json":
        return json.dumps(summary, indent=2, ensure_ascii=False)
    if output_format == "csv":
        return _csv(summary)
    if output_format == "table":
        return "\n".join([*_table(summary), "", *_advice(summary)])
    raise ValueError(f"the output format must be table, json or csv, not '{output_format}'")


def write_sweep(summary: dict[str, Any], home: Path) -> None:
    """Write `sweep.json` and `sweep.csv` into `home`."""
    write_json(home / "sweep.json", summary)
    with written_whole(home / "sweep.csv") as beside:
        beside.write_text(format_sweep(summary, "csv") + "\n", encoding="utf-8")


def _row_of(tried: SettingResult, space: Space) -> Row:
    parameters = dict(tried.setting.parameters)
    row: Row = {"mode": tried.setting.mode, **{key: parameters.get(key) for key in space.values}}
    row |= {"n": len(tried.outcomes)}
    row["diverged"] = sum(outcome["metrics"][CRITERION] is None for outcome in tried.outcomes)
    for metric in SWEEP_METRICS:
        values = [outcome["metrics"][metric] for outcome in tried.outcomes]
        row |= {f"{metric}_{key}": value for key, value in _described(values).items()}
        row[f"{metric}_by_seed"] = values
    return row


def _described(values: Sequence[float | None]) -> dict[str, float | None]:
    known = np.array([value for value in values if value is not None])
    if not len(known) or len(known) < len(values):
        return {"mean": None, "spread": None}
    spread = round(float(known.std(ddof=1)), DIGITS) if len(known) > 1 else None
    return {"mean": round(float(known.mean()), DIGITS), "spread": spread}


def _lead(rows: list[Row], order: list[int]) -> dict[str, Any] | None:
    if len(order) < 2:
        return None
    first, second = (rows[index][f"{CRITERION}_by_seed"] for index in order[:2])
    return {"over": order[1], **_described([a - b for a, b in zip(first, second, strict=True)])}


def _suggested(best: Setting, space: Space) -> dict[str, Any]:
    varied = {key: value for key, value in best.parameters if key in {"strength", *space.varied}}
    modes = list(dict.fromkeys(["erm", best.mode]))
    return {"invariance.modes": modes, **{f"invariance.{key}": value for key, value in varied.items()}}


def _csv(summary: dict[str, Any]) -> str:
    names = [name for name in (summary["rows"] or [{}])[0] if not name.endswith("_by_seed")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, "best"])
    for index, row in enumerate(summary["rows"]):
        writer.writerow([*(row[name] for name in names), index == summary["best"]])
    return text.getvalue().rstrip("\n")


def _table(summary: dict[str, Any]) -> list[str]:
    """Aligned columns; percent, mean ± spread; the best row has a star."""
    parameters = list(dict.fromkeys(["strength", *summary["varied"]]))
    lines = [["", "mode", *parameters, "n", *(metric.replace("_", " ") for metric in SWEEP_METRICS)]]
    for index, row in enumerate(summary["rows"]):
        cells = ["-" if row[key] is None else f"{row[key]:g}" for key in parameters]
        metrics = [_percent(row[f"{metric}_mean"], row[f"{metric}_spread"]) for metric in SWEEP_METRICS]
        note = [f"{row['diverged']} diverged"] if row["diverged"] else []
        lines.append(["*" if index == summary["best"] else "", row["mode"], *cells, str(row["n"]), *metrics, *note])
    return list(aligned(lines))


def _percent(mean: float | None, spread: float | None) -> str:
    if mean is None:
        return "-"
    return f"{100 * mean:.1f}" if spread is None else f"{100 * mean:.1f} ± {100 * spread:.1f}"


def _advice(summary: dict[str, Any]) -> list[str]:
    """By how much the best row leads, and its values for params.yaml."""
    what = f"percent of the {summary['split']} crops at {summary['severity']} degradation, mean ± standard deviation"
    lines = [f"{what} over {summary['seeds']} seeds"] if summary["seeds"] > 1 else [f"{what.split(',')[0]}, one seed"]
    lead = summary["lead"]
    if lead is not None:
        second = summary["rows"][lead["over"]]
        named = second["mode"] + ("" if second["strength"] is None else f" at {second['strength']:g}")
        points = _percent(lead["mean"], lead["spread"])
        lines.append(f"* leads {named} by {points} points{_doubt(lead)}")
    if summary["best"] is not None:
        values = ", ".join(f"{key}: {_yaml(value)}" for key, value in summary["suggested"].items())
        lines.append(f"params.yaml for *: {values}")
    return lines


def _doubt(lead: dict[str, Any]) -> str:
    if lead["spread"] is None:
        return ": one seed does not say whether by chance"
    return ", seed by seed" if lead["mean"] > lead["spread"] else ", seed by seed: within its spread"


def _yaml(value: Any) -> str:
    return f"[{', '.join(value)}]" if isinstance(value, list) else str(value)
