"""How far a nuisance is unlearned: what a probe decodes of it, with the mode of invariance and without."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from models.probe import log_prior
from models.settings import ProbeSettings
from models.table_attribution import activations
from models.training import UNKNOWN
from tasks.crop_table.splits import TEST_SEEN, TEST_UNSEEN, VALIDATION
from tasks.influence.dataset import Dataset
from tasks.influence.train import Fit
from tasks.probe.dataset import EVERY, FIT, HELD_OUT, ProbeDataset, decode

EMBEDDING = "embedding"


def probe_nuisance(data: Dataset, fits: Mapping[str, Fit], settings: ProbeSettings, *, seed: int) -> dict[str, Any]:
    """Of each fit by its mode the accuracy of a fresh probe on the rows held out, and its excess in points.

    The probe is given the target (of a number the quintile): `guess` is the accuracy of the best guess from that alone,
    and the excess is over that or over chance (`Decoded`), whichever has more right.

    Must run within `deterministic`.
    """
    nuisance = data.nuisance
    assert nuisance is not None
    train, held_out = data.train[: settings.train], data.held_out[: settings.test]
    rows = torch.cat([train, held_out])
    truth, targets = nuisance.codes[rows], data.target.classes[rows]
    numbers = torch.arange(len(rows))
    known = truth != UNKNOWN
    fitted = numbers[: len(train)][known[: len(train)]]
    inner = fitted[torch.arange(len(fitted)) % EVERY != 0]
    none = torch.empty(0, dtype=torch.int64)
    parts = {FIT: inner, HELD_OUT: fitted[::EVERY], VALIDATION: none, TEST_UNSEEN: none}
    parts[TEST_SEEN] = numbers[len(train) :][known[len(train) :]]
    classes = int(data.target.classes.max()) + 1
    prior = log_prior(targets[inner], truth[inner], count=classes, labels=nuisance.labels)
    dataset = ProbeDataset(
        nuisance=nuisance.name, parts=parts, targets=targets, truth=truth, prior=prior, codes=np.zeros(len(rows))
    )
    guess = float(dataset.prior_correct(TEST_SEEN).mean())
    found = {}
    for mode, fit in fits.items():
        features = activations(fit.network, data.features.matrix[rows], EMBEDDING)
        decoded = decode(dataset, features, settings, seed=seed)[TEST_SEEN].values()
        best = max(decoded, key=lambda each: float(each.excess.mean()))
        excess = 100 * max(float(best.excess.mean()), 0.0)
        found[mode] = {"accuracy": float(best.right.mean()), "excess_points": excess, "score": fit.score}
    return {"nuisance": nuisance.name, "labels": nuisance.labels, "guess": guess, "modes": found}
