"""The report's pages of results: the overview, confusions, and accuracy by group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from models.settings import SEVERITY_NAMES
from tasks.common.params import Params
from tasks.crop_table.shards import nuisance_columns, pictures
from tasks.crop_table.splits import REPORT_SPLIT, SEVERITY, TEST_SEEN, TEST_UNSEEN, VALIDATION
from tasks.explain.units import Explanation
from tasks.metrics.classification import is_learned
from tasks.pages.svg import colour
from tasks.pages.versions import versions
from tasks.report.confidence import reliability_plot, reliability_rows, risk_lines, risk_plot
from tasks.report.evidence import Evidence, as_tested
from tasks.report.front import front_of
from tasks.report.layers import layer_numbers, layer_page
from tasks.report.site import Site
from tasks.report.tables import accuracy_by, confusion, in_turn, outcomes, strongest_confusions

SPLIT_TITLES = {TEST_UNSEEN: "unseen {group}s", TEST_SEEN: "seen {group}s", VALIDATION: VALIDATION}
CONFUSIONS = 40  # rows of the list below the matrix
FAMILY_CROPS, FAMILY_BLOCK = 12, 8  # crops shown of a family; families whose crops share a sheet
METRIC_TITLES = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "worst_target": "worst {target}",
    "worst_nuisance": "worst {nuisance}",
    "false_alarm_rate": "false alarms",
    "false_positive_rate": "false positives at 95% text recall",
    "calibration_error": "calibration error",
    "ambiguous_accuracy": "ambiguous texts",
    "unlearned_caught": "unlearned {target}s caught",
    "unlearned_sure": "unlearned {target}s surely called one",
    "common_sure": "signs alone surely called a {target}",
}
# The settings that determine the chosen model; others would change these pages' bytes without need.
SETTINGS = (
    "problem", "seed", "threads", "degrade", "network", "loss", "train", "mine", "study", "invariance", "compare",
    "report", "attribution",
)  # fmt: skip


def links_of(evidence: Evidence, explained: Explanation) -> list[dict[str, str]]:
    """Every page of the site: its name, its title, and its group in the navigation."""
    links = [
        {"name": "index", "title": "Overview", "group": "Results"},
        {"name": "learned", "title": "What it learned", "group": "Results"},
        {"name": "confusion", "title": "Confusions", "group": "Results"},
        {"name": "accuracy", "title": "Accuracy by group", "group": "Results"},
        {"name": "invariance", "title": "Invariance", "group": "Results"},
    ]
    links += [{"name": "mining", "title": "Is mining worth it?", "group": "Mining"}] if is_studied(evidence) else []
    links += [{"name": "losses", "title": "Losses", "group": "Mining"}]
    links += [
        {"name": round_page(one.number), "title": f"Round {one.number}", "group": "Mining"} for one in evidence.rounds
    ]
    links += [
        {"name": "picture", "title": "One picture", "group": "Network"},
        {"name": "activation-maximisation", "title": "Activation maximisation", "group": "Network"},
        {"name": "frequencies", "title": "Why high frequencies?", "group": "Network"},
        {"name": "mistakes", "title": "Mistakes", "group": "Network"},
        {"name": "units", "title": "All units", "group": "Network"},
        {"name": "compared", "title": "Representational similarity", "group": "Network"},
        {"name": "redundancy", "title": "Redundant units", "group": "Network"},
    ]
    return links + [
        {"name": layer_page(explained, layer), "title": layer.name, "group": "Layers"} for layer in explained.layers
    ]


def is_studied(evidence: Evidence) -> bool:
    """Whether something was measured of what mining is worth: more than one training of a round."""
    return bool(evidence.study["asked"] or evidence.study["seeds"] > 1)


def model_order(name: str) -> tuple[int, int, str]:
    """Rounds by number, then the others by name."""
    number = name.removeprefix("round-")
    return (0, int(number), name) if name.startswith("round-") and number.isdigit() else (1, 0, name)


def round_page(number: int) -> str:
    return f"round-{number}"


def write_index(
    site: Site, evidence: Evidence, explained: Explanation, labels: list[str], *, data: Mapping[str, str]
) -> None:
    models, chosen = evidence.metrics["models"], evidence.chosen["name"]
    names = names_of(evidence.params)
    settings = evidence.params.model_dump(mode="json")
    front = front_of(site, evidence, labels, names)
    numbers = {
        **of_chosen(evidence),
        **{name: value for name, value in front.items() if name != "sheet"},
        "chosen": evidence.chosen,
        "models": models,
        "rounds": [one.numbers | {"outcomes": outcomes(one.mined)} for one in evidence.rounds if one.numbers],
        "layers": [layer_numbers(layer) for layer in explained.layers],
        "weights": evidence.weights,
        "data": dict(data),
        "versions": versions(),
        "labels": labels,
        "settings": {key: settings[key] for key in SETTINGS} | {"score": {"severity": settings["score"]["severity"]}},
    }
    site.write(
        "index",
        template="index",
        numbers=numbers,
        evidence=evidence,
        front=front,
        studied=is_studied(evidence),
        models={name: models[name] for name in sorted(models, key=model_order)},
        splits={split: title.format(**names) for split, title in SPLIT_TITLES.items() if split in models[chosen]},
        severities=SEVERITY_NAMES,
        with_rate=any(one["validation"]["after"]["false_positive_rate_all"] is not None for one in numbers["rounds"]),
        headline=models[chosen].get(REPORT_SPLIT, {}).get(SEVERITY, {}),
        metrics={key: title.format(**names) for key, title in METRIC_TITLES.items() if _is_known(key, models[chosen])},
        layers=[(layer_page(explained, layer), layer) for layer in explained.layers],
        thin=evidence.metrics.get("thin_targets", []),
        crops=len(explained.keys),
        names=names,
        confidence=_confidence(evidence, chosen, numbers),
    )


def _confidence(evidence: Evidence, chosen: str, numbers: dict[str, Any]) -> dict[str, Any]:
    """The risk–coverage and reliability plots; adds their points to the page's `numbers`."""
    baseline = evidence.invariance["baseline"] or evidence.last_round
    compared = list(dict.fromkeys([baseline, evidence.last_round, chosen]))
    own = f"{evidence.chosen['temperature']:g}"
    lines, rows = risk_lines(evidence.risks, compared), reliability_rows(evidence.reliability)
    numbers |= {"risk_coverage": lines, "reliability": rows}
    return {
        "models": [(model, colour(number)) for number, model in enumerate(compared)],
        "risk": risk_plot(lines),
        "reliability": reliability_plot(rows, own=own),
        "own": own,
        "without": "1" in rows and own != "1",
    }


def of_chosen(evidence: Evidence) -> dict[str, Any]:
    """What a page's numbers are of where they do not name another model or other crops."""
    return {"model": evidence.chosen["name"], "split": REPORT_SPLIT, "severity": SEVERITY}


def names_of(params: Params) -> dict[str, str]:
    """The names of target, nuisance and group, in words."""
    labels = params.labels
    nuisance = next(iter(nuisance_columns(labels)), "nuisance")
    return {"target": words(labels.target), "nuisance": words(nuisance), "group": words(labels.group)}


def _is_known(metric: str, of_model: dict[str, Any]) -> bool:
    """Whether some split has the metric: without `Zxxx` there are no false alarms."""
    rows = [row for by_severity in of_model.values() for row in by_severity.values()]
    return metric in ("worst_target", "worst_nuisance") or any(row.get(metric) is not None for row in rows)


def write_confusion(site: Site, evidence: Evidence, labels: list[str]) -> None:
    rows = evidence.tested
    known = rows[rows["true"].isin(labels) & rows["predicted"].isin(labels)]
    counts = confusion(known, labels)
    worst = strongest_confusions(counts, labels, most=CONFUSIONS)
    site.write(
        "confusion",
        template="confusion",
        numbers=of_chosen(evidence) | {"labels": labels, "counts": counts.tolist(), "strongest": worst},
        evidence=evidence,
        labels=labels,
        counts=counts.tolist(),
        totals=counts.sum(axis=1).tolist(),
        group=words(evidence.params.labels.group),
        worst=worst,
        split=REPORT_SPLIT,
        n=len(known),
    )


def write_accuracy(site: Site, evidence: Evidence) -> None:
    labels, tested = evidence.params.labels, evidence.tested
    member = "font_family" if tested["font_family"].notna().any() else labels.group
    columns = list(dict.fromkeys(["true", *nuisance_columns(labels), member]))
    learned = tested[is_learned(tested)]  # a style or family is no worse for scripts that are not learned
    groups = {column: accuracy_by(tested if column == "true" else learned, column) for column in columns}
    titles = {column: words(labels.target if column == "true" else column) for column in columns}
    site.write(
        "accuracy",
        template="accuracy",
        numbers=of_chosen(evidence) | {"by": {titles[column]: found for column, found in groups.items()}},
        evidence=evidence,
        groups=[(titles[column], found) for column, found in groups.items()],
        labelled=titles["true"],
        group=words(labels.group),
        thin=evidence.metrics.get("thin_targets", []),
        member=titles[member],
        families=_families(site, evidence, learned, member, groups[member]),
        crops=FAMILY_CROPS,
    )


def _families(
    site: Site, evidence: Evidence, rows: pd.DataFrame, member: str, groups: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Every family, the lowest accuracy first: its `group`, some `rows`, a `note`, and the `sheet` of its crops."""
    shown = [_family_rows(rows, member, group["value"]) for group in groups]
    crops = pictures(evidence.table, [key for some in shown for key in some["key"]])
    tested = as_tested(crops, channels=evidence.params.crops.channels)
    families = []
    for start in range(0, len(groups), FAMILY_BLOCK):
        block = shown[start : start + FAMILY_BLOCK]
        sheet = site.sheet(
            f"families-{start // FAMILY_BLOCK}", {key: tested[key] for some in block for key in some["key"]}
        )
        for group, some in zip(groups[start : start + FAMILY_BLOCK], block, strict=True):
            families.append(
                {"group": group, "rows": some.to_dict("records"), "note": _family_note(evidence, some), "sheet": sheet}
            )
    return families


def _family_rows(tested: pd.DataFrame, member: str, value: str) -> pd.DataFrame:
    """A family's crops: mistakes first, the most confident ahead; then correct ones, the least confident ahead."""
    rows = tested[tested[member].astype(object) == value]
    wrong = rows["true"] != rows["predicted"]
    mistakes = in_turn(rows[wrong].sort_values(["p", "key"], ascending=[False, True]), ["true"], most=FAMILY_CROPS)
    right = in_turn(rows[~wrong].sort_values(["p", "key"]), ["true"], most=FAMILY_CROPS)
    return pd.concat([mistakes.assign(wrong=True), right.assign(wrong=False)]).head(FAMILY_CROPS)


def _family_note(evidence: Evidence, rows: pd.DataFrame) -> str:
    """Nuisances, group and licence of a family, where they are known."""
    labels = evidence.params.labels
    notes = []
    for column in dict.fromkeys([*nuisance_columns(labels), labels.group]):
        values = sorted(str(value) for value in rows[column].dropna().unique())
        notes += [f"{words(column)} {', '.join(values[:3])}"] if values else []
    family = rows["font_family"].iloc[0]
    if evidence.fonts is not None and family in evidence.fonts.index:
        notes.append(f"licence {evidence.fonts.at[family, 'licence']!s}")
    return ", ".join(notes)


def words(column: str) -> str:
    """A column's name as words: font_style is 'font style'."""
    return column.replace("_", " ")
