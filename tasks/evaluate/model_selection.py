"""Choose the one model that stands for all: by validation, before any test crop is scored."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.common.errors import UserError
from tasks.common.files import read_json, sha256_of
from tasks.crop_table.splits import SELECTION_SPLIT, SEVERITY

# The criterion's terms, by the figure of `tasks.metrics.classification.measure` that each is made of; of rates, what is
# left to 1.
RATE = "false_alarm_rate"
TERMS = {"accuracy": "accuracy", "worst_nuisance": "worst_nuisance", RATE: f"1 - {RATE}"}

Metrics = Mapping[str, Any]  # of one model, on `SELECTION_SPLIT` at `SEVERITY`


def choose_model(metrics: Mapping[str, Metrics]) -> str:
    """The name with the highest criterion (`criterion_of`); of equals, the one given first: the simplest.

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
    return max(known, key=lambda name: known[name])


def criterion_of(metrics: Metrics) -> float:
    """The mean of accuracy, worst_nuisance and 1 − false_alarm_rate: three shares of crops that should be 1.

    The accuracy of text alone would let a model win that reads common styles well and the rare ones badly, or
    that takes everything for text. The worst group's accuracy on validation is what chooses well where groups
    differ (Sagawa et al. 2020; Idrissi et al. 2022), but rests on few crops: with the others it has a third of
    the say. A figure that has nothing to rest on, of this problem, is left out of the mean for every model alike.
    """
    terms = _terms(metrics)
    return math.fsum(terms.values()) / len(terms)


def choice_of(name: str, *, folder: Path, home: Path, metrics: Metrics, temperature: float = 1.0) -> dict[str, Any]:
    """What `chosen.json` says: the model's name, its folder as seen from `home`, its weights, and why.

    `temperature` divides its logits before they become probabilities (`tasks.metrics.calibration`).
    """
    return {
        "name": name,
        "path": folder.resolve().relative_to(home.resolve()).as_posix(),
        "weights": sha256_of(folder / "model.safetensors"),
        "criterion": f"{SELECTION_SPLIT}.{SEVERITY}: mean of {', '.join(TERMS[term] for term in _terms(metrics))}",
        "value": round(criterion_of(metrics), 6),
        "metrics": {name: metrics[name] for name in TERMS},
        "temperature": temperature,
    }


def read_choice(home: Path) -> dict[str, Any] | None:
    """`home`'s `chosen.json`, or None where no model was chosen yet; `temperature` is 1 where an older one has none.

    Raises:
        UserError: the file is there and is not what `choice_of` writes.
    """
    path = home / "chosen.json"
    try:
        choice: dict[str, Any] = {"temperature": 1.0, **read_json(path)}
        if not all(isinstance(choice[key], str) for key in ("name", "path", "weights")):
            raise TypeError
        if not 0 < float(choice["temperature"]) < math.inf:
            raise ValueError
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError("the choice of the model does not read", where=path, fix="run `unfont evaluate`") from error
    return choice


def _terms(metrics: Metrics) -> dict[str, float]:
    """The terms of the criterion that have something to rest on, by their metrics' names."""
    known = {name: float(metrics[name]) for name in TERMS if metrics[name] is not None}
    return {name: 1 - value if name == RATE else value for name, value in known.items()}
