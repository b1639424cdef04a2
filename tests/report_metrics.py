"""Every metric in the JSON of a report, with what it is of: which model, on which crops."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.settings import SEVERITY_NAMES
from tasks.common.files import read_json
from tasks.crop_table.splits import SPLITS

# What a dict's own members say of all that is in it.
NAMES = (
    "model", "split", "severity", "layer", "unit", "label", "value", "family", "true", "predicted", "temperature",
    "confidence", "epoch", "candidate", "reference", "first", "second",
)  # fmt: skip
ARMS = ("mined", "control")
CHANGES = ("difference", "differences", "gain", "gains", "over_seeds")  # what is below is no metric of one model
GROUPS = ("by_folder", "by_label")
PARTS = (*GROUPS, "curves", "together")
OF_MODELS = {
    "accuracy", "accuracy_all", "mean_accuracy", "sample_accuracy", "macro_f1", "worst_target", "worst_nuisance",
    "worst_cell", "false_alarm_rate", "false_positive_rate", "false_positive_rate_all", "text_recall",
    "text_threshold", "calibration_error", "calibration_error_raw", "aurc", "ambiguous_accuracy", "share",
}  # fmt: skip
OF_UNITS = {"dead", "always_on", "max", "mean", "active", "density", "effective_rank", "n_redundant", "inside"}
OF_PAIRS = {"cka_above_chance", "units_above_chance", "excess_points"}

Population = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Metric:
    """A metric's value, the population that it is of, and where it stands."""

    name: str
    population: Population
    value: float
    where: str


def metrics_of(report: Path) -> list[Metric]:
    """All metrics in the JSON files of a report.

    A metric's population is what the dicts around it say: by members of `NAMES`, by keys that are names of models,
    splits or severities, by a study's rounds and arms. What has an epoch is of that training's crops; statistics of
    layers and units are all of the same crops.
    """
    models = set(read_json(report / "index.json")["models"])
    pages = sorted(report.glob("*.json"))
    return [metric for page in pages for metric in _below(read_json(page), {}, page.name, models)]


def _below(value: Any, known: dict[str, str], where: str, models: set[str]) -> Iterator[Metric]:
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from _below(each, known, f"{where}[{number}]", models)
    if not isinstance(value, dict):
        return
    own = {name: str(value[name]) for name in NAMES if isinstance(value.get(name), str | int | float)}
    if "n" not in value:
        own.pop("confidence", None)  # of an interval, not of the crops in a bin
    known = known | {"value" if name == "family" else name: said for name, said in own.items()}
    for key, each in value.items():
        place = f"{where}.{key}"
        if key in OF_MODELS | OF_PAIRS or (key in OF_UNITS and "layer" in known):
            yield from _values(key, each, known, place, models)
        if isinstance(each, dict | list):
            yield from _below(each, known | _said_by(key, known, models), place, models)


def _said_by(key: str, known: dict[str, str], models: set[str]) -> dict[str, str]:
    """What a key says of all that is below it."""
    if key in models:
        return {"model": key}
    if key in SPLITS or key == "real":
        return {"split": key, **({"severity": "as they are"} if key == "real" else {})}
    if key in SEVERITY_NAMES:
        return {"severity": key}
    if key.isdigit() and "split" in known:
        return {"model": f"round-{key}"}
    if key in ARMS and "split" in known:
        return {"arm": key} if key == "control" else {}
    if known.get("part") in GROUPS and "value" not in known:
        return {"value": key}
    return {"change": key} if key in CHANGES else {"part": key} if key in PARTS else {}


def _values(name: str, value: Any, known: dict[str, str], where: str, models: set[str]) -> Iterator[Metric]:
    if isinstance(value, bool) or "change" in known:
        return
    if isinstance(value, list):  # units by number: a count elsewhere
        value = len(value)
    if isinstance(value, int | float):
        of = {part: known[part] for part in ("layer", "unit") if part in known} if name in OF_UNITS else known
        yield Metric(name, frozenset(of.items()), float(value), where)
    elif isinstance(value, dict) and "mean" in value:  # over seeds
        for seed, each in enumerate(value.get("values", [value["mean"]])):
            of = known | ({"seed": str(seed)} if seed else {})
            yield from _values(name, each, of, f"{where} of seed {seed}", models)
    elif isinstance(value, dict):
        for model in models & value.keys():
            yield from _values(name, value[model], known | {"model": model}, f"{where}.{model}", models)


def contradictions(metrics: Iterable[Metric], *, near: float = 1e-5) -> list[str]:
    """Metrics of one name and one population with two values that differ by more than their rounding."""
    first: dict[tuple[str, Population], Metric] = {}
    found = []
    for metric in metrics:
        other = first.setdefault((metric.name, metric.population), metric)
        if abs(other.value - metric.value) > near:
            found.append(f"{metric.name}: {other.value} at {other.where}, {metric.value} at {metric.where}")
    return found
