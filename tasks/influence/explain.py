"""Train networks on a table, and measure which variables drive them, their outputs and their neurons.

`explain_table` returns what `--format json` prints and the page shows:

- `table`, `rows`, `train`, `held_out`, `seeds`, `notes`: the table, and what of it was left out or read specially.
- `target`: `name`, `kind` (classes, number), `labels`.
- `score`: `metric` (accuracy, r2), `mean`, `by_seed`, and `guess`, the score of the best guess that reads no column; of
  the rows held out, as everything below.
- `variables`, the most influential first; shares add up to 1:
    - `share`, `share_by_seed`: of the mean |integrated gradients|; `parts`: of a date's, by its parts.
    - `conductance`: of the mean |conductance| through the last layer's neurons, of the first network.
    - `permutation`, `permutation_deviation`: rise of the loss where the column is shuffled, over seeds and shuffles.
    - `measurable`: whether that rise is above 0 by two of these deviations.
- `outputs`: `label` and the `shares` of the variables.
- `neurons`: `layer`, `unit`, `active` (fraction of rows), `share` of its layer's conductance, `shares` of the
  variables, and what it fires for: `words`, `precision`, `recall` (null where it never fires).
- `agreement`: Kendall's τ of the rankings by two methods. `stability`: of those by integrated gradients of two seeds,
  `mean` and `least`.
- `completeness_error`: of integrated gradients, a fraction of the change that they explain.
- `unlearned`: null without a nuisance; else `mode`, and what `tasks.influence.unlearned` measures.
- `row`: null unless asked for: its `number`, `truth`, `predicted` (`value`, and `p` of a class), `trained_on`,
  `variables` (`name`, `value`, `evidence`) and `neurons`.
"""

import itertools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import kendalltau
from torch import Tensor

from models.table_attribution import activations
from tasks.common.determinism import derived_seed, deterministic
from tasks.common.params import Params
from tasks.common.rounding import rounded
from tasks.influence.dataset import Dataset, make_dataset
from tasks.influence.importance import Importance, conductance_of, measure_importance
from tasks.influence.read_table import read_table
from tasks.influence.row import explain_row, row_values
from tasks.influence.train import ERM, Fit, check_mode, guess_of, train_network
from tasks.influence.unlearned import EMBEDDING, probe_nuisance
from tasks.influence.words import describe_neuron

DIGITS = 6
DEVIATIONS = 2.0  # by which the permutation importance of a variable must be above 0
log = logging.getLogger("unfont")


def explain_table(
    params: Params, path: Path, *, target: str, nuisance: str | None = None, mode: str | None = None,
    row: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """All of it, as described above.

    Args:
        mode: of invariance, for the nuisance; that of the settings unless given.
        row: the number of one row, from 1.

    Raises:
        UserError: the table, a column, the mode or the row cannot be used.
    """
    settings, seeds = params.influence, range(params.influence.seeds)
    mode = settings.mode if mode is None else mode
    check_mode(mode)
    table = read_table(path)
    values = None if row is None else row_values(table, row, path)
    data = make_dataset(table, path, target=target, nuisance=nuisance, settings=settings, seed=params.seed)
    del table
    log.info("influence: %d rows to train on, %d held out", len(data.train), len(data.held_out))
    with deterministic(params.threads):
        fits = [_fit(params, data, mode, seed) for seed in seeds]
        measured = [
            measure_importance(data, fit, settings, seed=derived_seed(params.seed, "influence", seed))
            for seed, fit in zip(seeds, fits, strict=True)
        ]
        conductance = conductance_of(data, fits[0], settings, data.held_out[: settings.rows])
        unlearned = _unlearned(params, data, fits[0], mode) if nuisance is not None else None
        variables = _variables(data, measured, conductance[EMBEDDING])
        explained = None if values is None else explain_row(data, fits[0], settings, row=values)
    order = [data.features.variables.index(variable["name"]) for variable in variables]
    return {
        "table": data.source,
        "rows": data.rows,
        "train": len(data.train),
        "held_out": len(data.held_out),
        "seeds": len(fits),
        "notes": list(data.notes),
        "target": {
            "name": data.target.name,
            "kind": "classes" if data.target.labels else "number",
            "labels": list(data.target.labels),
        },
        "score": _score(data, fits),
        "variables": variables,
        "outputs": _outputs(data, measured, order),
        "neurons": _neurons(data, fits[0], conductance, order, most=settings.permuted),
        **_taus(data, measured, conductance[EMBEDDING]),
        "completeness_error": round(float(np.mean([each.error for each in measured])), DIGITS),
        "unlearned": unlearned,
        "row": explained,
    }


def _fit(params: Params, data: Dataset, mode: str, seed: int) -> Fit:
    own = derived_seed(params.seed, "influence", "training", seed)
    fit = train_network(data, params.influence, params.invariance, mode=mode, seed=own)
    log.info("influence: network %d of %d, %.1f s", seed + 1, params.influence.seeds, fit.seconds)
    return fit


def _unlearned(params: Params, data: Dataset, fit: Fit, mode: str) -> dict[str, Any]:
    """The probe of the first network, and of one that does not unlearn."""
    fits = {ERM: fit} if mode == ERM else {ERM: _fit(params, data, ERM, 0), mode: fit}
    found = probe_nuisance(data, fits, params.probe, seed=derived_seed(params.seed, "influence", "probe"))
    return {"mode": mode, **rounded(found, DIGITS)}


def _score(data: Dataset, fits: Sequence[Fit]) -> dict[str, Any]:
    scores = [round(fit.score, DIGITS) for fit in fits]
    metric = "accuracy" if data.target.labels else "r2"
    mean, guess = round(float(np.mean(scores)), DIGITS), round(guess_of(data), DIGITS)
    return {"metric": metric, "mean": mean, "by_seed": scores, "guess": guess}


def _variables(data: Dataset, measured: Sequence[Importance], conductance: Tensor) -> list[dict[str, Any]]:
    shares = torch.stack([_shares(each.overall) for each in measured])
    through = _shares(conductance.abs().mean(0).sum(0))
    permutation = torch.cat([each.permutation for each in measured], dim=1)
    mean, deviation = permutation.mean(1), permutation.std(1)
    parts = torch.stack([each.features for each in measured]).mean(0)
    found = [
        {
            "name": name,
            "share": float(shares[:, place].mean()),
            "share_by_seed": shares[:, place].tolist(),
            "conductance": float(through[place]),
            "permutation": float(mean[place]),
            "permutation_deviation": float(deviation[place]),
            "measurable": bool(mean[place] > DEVIATIONS * deviation[place]),
            "parts": _parts(data, name, parts),
        }
        for place, name in enumerate(data.features.variables)
    ]
    return sorted((rounded(each, DIGITS) for each in found), key=lambda variable: -variable["share"])


def _parts(data: Dataset, name: str, features: Tensor) -> dict[str, float]:
    own = [place for place, feature in enumerate(data.features.listed) if feature.column == name]
    if len(own) < 2:
        return {}
    shares = _shares(features[own]).tolist()
    listed = {data.features.listed[place].part or "value": share for place, share in zip(own, shares, strict=True)}
    return dict(sorted(listed.items(), key=lambda pair: -pair[1]))


def _outputs(data: Dataset, measured: Sequence[Importance], order: Sequence[int]) -> list[dict[str, Any]]:
    shares = torch.stack([_shares(each.integrated) for each in measured]).mean(0)[:, order]
    labels = data.target.labels or (data.target.name,)
    return [{"label": label, "shares": _listed(own)} for label, own in zip(labels, shares, strict=True)]


def _neurons(
    data: Dataset, fit: Fit, conductance: dict[str, Tensor], order: Sequence[int], *, most: int
) -> list[dict[str, Any]]:
    rows = data.held_out[:most]
    found = []
    for layer, parts in conductance.items():
        output = activations(fit.network, data.features.matrix[rows], layer).numpy()
        strength = parts.abs().mean(0)  # [neurons, variables]
        share, of_variables = _shares(strength.sum(1)), _shares(strength)[:, order]
        for unit in range(len(strength)):
            words = describe_neuron(output[:, unit], data.features.listed, rows.numpy())
            found.append({
                "layer": layer,
                "unit": unit,
                "active": round(float((output[:, unit] > 0).mean()), DIGITS),
                "share": round(float(share[unit]), DIGITS),
                "shares": _listed(of_variables[unit]),
                "words": None if words is None else words.words,
                "precision": None if words is None else round(words.precision, DIGITS),
                "recall": None if words is None else round(words.recall, DIGITS),
            })  # fmt: skip
    return found


def _taus(data: Dataset, measured: Sequence[Importance], conductance: Tensor) -> dict[str, Any]:
    integrated = [each.overall.numpy() for each in measured]
    permutation = torch.stack([each.permutation.mean(1) for each in measured]).mean(0).numpy()
    through = conductance.abs().mean(0).sum(0).numpy()
    mean = np.mean(integrated, axis=0)
    pairs = [_tau(*pair) for pair in itertools.combinations(integrated, 2)]
    known = [tau for tau in pairs if tau is not None]
    return {
        "agreement": {
            "integrated_gradients_and_permutation": _tau(mean, permutation),
            "conductance_and_integrated_gradients": _tau(through, integrated[0]),
            "conductance_and_permutation": _tau(through, permutation),
        },
        "stability": {
            "mean": round(float(np.mean(known)), DIGITS) if known else None,
            "least": min(known) if known else None,
        },
    }


def _tau(one: np.ndarray, other: np.ndarray) -> float | None:
    """Kendall's τ-b; None for one variable alone."""
    tau = float(kendalltau(one, other).statistic)
    return None if np.isnan(tau) else round(tau, DIGITS)


def _shares(values: Tensor) -> Tensor:
    """Values ≥ 0 as fractions of their sum along the last axis."""
    return values / values.sum(-1, keepdim=True).clamp(min=1e-12)


def _listed(values: Tensor) -> list[float]:
    return [round(value, 4) for value in values.tolist()]
