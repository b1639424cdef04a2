"""Choose one model: by validation, before any test crop is scored."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

from tasks.common.files import read_json, sha256_of
from tasks.crop_table.splits import SELECTION_SPLIT, SEVERITY
from tasks.metrics.paired_bootstrap import Difference
from unfont.errors import UserError

# The criterion's terms, by their metric of `tasks.metrics.classification.measure`; of a rate, 1 less the rate.
RATE = "false_alarm_rate"
TERMS = {"accuracy": "accuracy", "worst_nuisance": "worst_nuisance", RATE: f"1 - {RATE}"}
ONE_STANDARD_ERROR = NormalDist().cdf(1)  # the confidence of a bound that lies so far below

Metrics = Mapping[str, Any]  # of one model, on `SELECTION_SPLIT` at `SEVERITY`


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The chosen model `name`, the one with the `highest` criterion, and by how much that is `ahead`."""

    name: str
    highest: str
    ahead: Difference


def choose_model(metrics: Mapping[str, Metrics], difference: Callable[[str, str], Difference]) -> Selection:
    """The first model whose criterion (`criterion_of`) is within one standard error of the highest.

    The models of one chain are so alike that with other crops another would have the highest: an order decides between
    those that validation cannot tell apart (the one-standard-error rule: Breiman et al. 1984, ch. 3.4.3).

    Args:
        metrics: by model, the one to be preferred first.
        difference: of two models' criteria, the first less the second, with its bound at `ONE_STANDARD_ERROR`.

    Raises:
        UserError: no model has an accuracy, because validation has no text crops.
    """
    known = {name: criterion_of(own) for name, own in metrics.items() if own["accuracy"] is not None}
    if not known:
        raise UserError(
            "no model can be chosen: validation has no text crops",
            where="params.yaml: crops.text.validation",
            fix="give validation some crops",
        )
    highest = max(known, key=lambda name: known[name])
    of_each = ((name, difference(highest, name)) for name in known)
    name, ahead = next((name, ahead) for name, ahead in of_each if name == highest or ahead.lower <= 0)
    return Selection(name=name, highest=highest, ahead=ahead)


def criterion_of(metrics: Metrics) -> float:
    """The mean of accuracy, worst_nuisance and 1 − false_alarm_rate: three shares of crops that should be 1.

    By the accuracy of text alone, a model could win that is good on common styles and bad on rare ones, or that
    predicts text for everything. The worst group's accuracy on validation is a good criterion where groups
    differ (Sagawa et al. 2020; Idrissi et al. 2022), but rests on few crops: here it has a weight of a
    third. A metric that is undefined for this problem is left out of the mean for every model alike.
    """
    terms = _terms(metrics)
    return math.fsum(terms.values()) / len(terms)


def choice_of(
    selection: Selection,
    *,
    folder: Path,
    home: Path,
    metrics: Mapping[str, Metrics],
    rests_on: Mapping[str, Any] | None = None,
    temperatures: Mapping[Path, float] | None = None,
) -> dict[str, Any]:
    """What `chosen.json` holds: the model's name, its folder as seen from `home`, its weights, and why.

    `folder` is the chosen model's; `metrics` are those of all that it was chosen from.
    `rests_on`: of each nuisance value that counted, its accuracy, cells and crops; None of one with too few of them.
    `temperatures`: of each measured model's folder, by what its logits are divided before they become probabilities
    (`tasks.metrics.calibration`). They are kept by the hash of the weights: a model trained anew has lost its own.
    """
    by_weights = {sha256_of(one / "model.safetensors"): value for one, value in (temperatures or {}).items()}
    weights = sha256_of(folder / "model.safetensors")
    own, ahead = metrics[selection.name], selection.ahead
    return {
        "name": selection.name,
        "path": folder.resolve().relative_to(home.resolve()).as_posix(),
        "weights": weights,
        "criterion": f"{SELECTION_SPLIT}.{SEVERITY}: mean of {', '.join(TERMS[term] for term in _terms(own))}",
        "value": round(criterion_of(own), 6),
        "highest": {
            "name": selection.highest,
            "value": round(criterion_of(metrics[selection.highest]), 6),
            "difference": round(ahead.value, 6),
            "lower_bound": round(ahead.lower, 6),
        },
        "metrics": {name: own[name] for name in TERMS},
        "rests_on": dict(rests_on or {}),
        "temperature": by_weights.get(weights, 1.0),
        "temperatures": by_weights,
    }


def read_choice(home: Path) -> dict[str, Any] | None:
    """`home`'s `chosen.json`, or None where no model was chosen yet; `temperature` is 1 where an older one has none.

    `temperatures` are those of all models that it was chosen from, by the hash of their weights.

    Raises:
        UserError: the file is there and is not what `choice_of` writes.
    """
    path = home / "chosen.json"
    try:
        choice: dict[str, Any] = {"temperature": 1.0, "temperatures": {}, **read_json(path)}
        if not all(isinstance(choice[key], str) for key in ("name", "path", "weights")):
            raise TypeError
        if not all(0 < float(value) < math.inf for value in (choice["temperature"], *choice["temperatures"].values())):
            raise ValueError
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError("the choice of the model cannot be read", where=path, fix="run `unfont evaluate`") from error
    return choice


def _terms(metrics: Metrics) -> dict[str, float]:
    """The terms of the criterion that are defined, by their metrics' names."""
    known = {name: float(metrics[name]) for name in TERMS if metrics[name] is not None}
    return {name: 1 - value if name == RATE else value for name, value in known.items()}
