"""What a neuron fires for, in words: how the rows that it fires for the most differ from all rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.influence.features import MONTHS, OTHER, WEEKDAYS, Feature
from unfont.text import clip

TOP = 0.1  # fraction of the rows that a neuron is said to fire for: those with its highest activations
APART = 0.25  # distance between a variable's distributions on these and on all rows, from which it is named
MOST_CLAUSES, MOST_LABELS = 3, 4
LIFTED = 1.5  # how many times as frequent a label must be among these rows
COVERED = 0.9  # fraction of these rows that the named labels are of, or that a range holds
INFORMATIVE = 0.25  # fraction of all rows that a bound must leave out
CYCLES = {"month": MONTHS, "weekday": WEEKDAYS}


@dataclass(frozen=True, kw_only=True)
class Description:
    """`words` such as 'item_category = toys, month November to December'; empty where no variable stands out.

    `precision`: of the rows that the words hold for, the fraction that the neuron fires for; `recall`: the reverse.
    """

    words: str
    precision: float
    recall: float


@dataclass(frozen=True, kw_only=True)
class _Clause:
    text: str
    holds: np.ndarray


def describe_neuron(activation: np.ndarray, features: Sequence[Feature], rows: np.ndarray) -> Description | None:
    """The words for a neuron with `activation[n]` on the rows that are numbered `rows[n]`; None for a dead one."""
    fires = (activation > 0) & (activation >= np.quantile(activation, 1 - TOP))
    if not fires.any():
        return None
    nearest: dict[str, tuple[float, Feature]] = {}
    for feature in features:
        apart = _distance(feature, rows, fires)
        if feature.part != "missing" and apart > nearest.get(feature.column, (APART, feature))[0]:
            nearest[feature.column] = (apart, feature)
    dates = {feature.column for feature in features if feature.part in CYCLES}
    found = [
        clause
        for _, feature in sorted(nearest.values(), key=lambda pair: -pair[0])
        if (clause := _clause(feature, rows, fires, alone=len(dates) == 1)) is not None
    ][:MOST_CLAUSES]
    holds = np.logical_and.reduce([clause.holds for clause in found]) if found else np.ones_like(fires)
    both = float((holds & fires).sum())
    return Description(
        words=", ".join(clause.text for clause in found),
        precision=both / max(float(holds.sum()), 1.0),
        recall=both / float(fires.sum()),
    )


def _distance(feature: Feature, rows: np.ndarray, fires: np.ndarray) -> float:
    """Total variation of a category's labels, or Kolmogorov–Smirnov of a number: 0 to 1."""
    values = feature.values[rows]
    if feature.labels:
        return float(np.abs(_shares(values[fires], feature) - _shares(values, feature)).sum() / 2)
    ordered = np.sort(values)
    among = np.searchsorted(np.sort(values[fires]), ordered, side="right") / fires.sum()
    return float(np.abs(among - np.searchsorted(ordered, ordered, side="right") / len(ordered)).max())


def _shares(codes: np.ndarray, feature: Feature) -> np.ndarray:
    return np.bincount(codes.astype(int), minlength=len(feature.labels)) / max(len(codes), 1)


def _clause(feature: Feature, rows: np.ndarray, fires: np.ndarray, *, alone: bool) -> _Clause | None:
    name = clip(feature.part if alone and feature.part else feature.name, 40)
    values = feature.values[rows]
    return _of_labels(name, feature, values, fires) if feature.labels else _of_range(name, feature, values, fires)


def _of_labels(name: str, feature: Feature, values: np.ndarray, fires: np.ndarray) -> _Clause | None:
    among, of_all = _shares(values[fires], feature), _shares(values, feature)
    codes: list[int] = []
    for code in np.argsort(-among, kind="stable").tolist():
        if among[code] < LIFTED * of_all[code] or among[codes].sum() >= COVERED or among[code] < (1 - COVERED) / 2:
            break
        codes.append(code)
    labels = CYCLES.get(feature.part)
    if not codes or (labels is None and len(codes) > MOST_LABELS):
        return None
    named = [feature.labels[code] for code in sorted(codes)]
    text = f"{name} = {_listed(named)}" if labels is None else f"{name} {_cycle(named, labels)}"
    return _Clause(text=text, holds=np.isin(values, codes))


def _listed(names: Sequence[str]) -> str:
    shown = [clip(name, 30) for name in names]
    return " or ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _cycle(names: Sequence[str], cycle: Sequence[str]) -> str:
    """Months or weekdays as runs: 'November to February, May'."""
    inside = [name in names for name in cycle]
    starts = [place for place in range(len(cycle)) if inside[place] and not inside[place - 1]]
    runs = []
    for start in starts:
        length = next(step for step in range(1, len(cycle) + 1) if not inside[(start + step) % len(cycle)])
        last = cycle[(start + length - 1) % len(cycle)]
        runs.append(cycle[start] if length == 1 else f"{cycle[start]} to {last}")
    return ", ".join([*runs, *([OTHER] if OTHER in names else [])])


def _of_range(name: str, feature: Feature, values: np.ndarray, fires: np.ndarray) -> _Clause | None:
    low, high = np.quantile(values[fires], [(1 - COVERED) / 2, (1 + COVERED) / 2])
    above, below = (values < low).mean() >= INFORMATIVE, (values > high).mean() >= INFORMATIVE
    if not (above or below):
        return None
    ends = [f"{value * feature.deviation + feature.mean:.4g}" for value in (low, high)]
    if above and below:
        return _Clause(text=f"{name} {ends[0]} to {ends[1]}", holds=(values >= low) & (values <= high))
    if above:
        return _Clause(text=f"{name} above {ends[0]}", holds=values >= low)
    return _Clause(text=f"{name} below {ends[1]}", holds=values <= high)
