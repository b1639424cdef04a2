"""What a classifier still reads of a nuisance (font style) in the embedding of the present picture.

The adversarial head of a training is not kept with its model, and one that was fooled proves nothing. So a linear probe
is fitted here, as `unfont probe` fits its own: to the frozen embeddings of crops of `train`, given their true target.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from models.probe import LinearProbe, correct_of, inputs_of
from tasks.common.determinism import deterministic
from tasks.common.params import Params
from tasks.crop_table.shards import nuisance_columns
from tasks.crop_table.splits import SEVERITY, TRAIN
from tasks.probe.dataset import FIT, HELD_OUT, Standardised, build_dataset
from tasks.probe.features import read_features, sample_rows
from tasks.train.weights import load_model
from unfont.errors import UserError

CROPS = 4000  # of train that the probe is fitted to, at most
EMBEDDING = "embedding"
DIGITS = 4


@dataclass(frozen=True)
class StyleProbe:
    """A fitted probe of one nuisance; `held_out` and `guess` are accuracies on a fifth of its crops.

    The latter is that of the best guess from the target alone.
    """

    nuisance: str
    labels: list[str]
    targets: list[str]
    probe: LinearProbe
    decay: int
    mean: Tensor
    deviation: Tensor
    prior: Tensor
    held_out: float
    guess: float

    def read(self, embedding: Tensor, target: str) -> dict[str, Any] | None:
        """The probe's probabilities for an embedding `[width]` of a picture of `target`, beside those of the guess.

        None for a target that it was not fitted to, as pictures without text.
        """
        if target not in self.targets:
            return None
        place = torch.tensor([self.targets.index(target)])
        inputs = inputs_of(embedding[None], place, mean=self.mean, deviation=self.deviation, count=len(self.targets))
        with torch.no_grad():
            logits = self.probe(inputs, self.prior[place])[self.decay, 0]
        chances = zip(self.labels, logits.softmax(0).tolist(), self.prior[place][0].softmax(0).tolist(), strict=True)
        return {
            "nuisance": self.nuisance, "held_out": self.held_out, "guess": self.guess,
            "labels": [[label, round(p, DIGITS), round(guess, DIGITS)] for label, p, guess in chances],
        }  # fmt: skip


def fit_style_probe(params: Params, folder: Path, *, table: Path) -> StyleProbe:
    """The probe of the first nuisance for the model in `folder`; seconds.

    Raises:
        UserError: there is no table, or its crops have fewer than two labels of the nuisance.
    """
    nuisances = nuisance_columns(params.labels)
    if not nuisances or not table.is_dir():
        raise UserError("there are no crops with a nuisance", where=table, fix="run `unfont tag`")
    rows = sample_rows(table, params.labels, {TRAIN: CROPS})
    dataset = build_dataset(rows, nuisances[0], params.labels)
    if isinstance(dataset, str):
        raise UserError(dataset, where=table, fix="bring crops of more of them")
    network, _ = load_model(folder)
    with deterministic(params.threads, seed=params.seed):
        found = read_features({EMBEDDING: network}, table=table, rows=rows, severity=SEVERITY, whole=())
        seen = Standardised.of(dataset, found[EMBEDDING][EMBEDDING].clone())
        fitted = seen.rows(FIT)
        probe = LinearProbe(params.probe.decays, width=fitted.inputs.shape[1], labels=dataset.labels)
        probe.fit(fitted)
        held_out = seen.rows(HELD_OUT)
    right = correct_of(probe, held_out).float().mean(1)
    decay = int(right.argmax())
    guess = (held_out.prior.argmax(1) == held_out.truth).float().mean()
    train = rows.iloc[dataset.parts[FIT].numpy()]
    return StyleProbe(
        nuisance=nuisances[0],
        labels=sorted(train[nuisances[0]].unique()),
        targets=sorted(train[params.labels.target].unique()),
        probe=probe,
        decay=decay,
        mean=seen.mean,
        deviation=seen.deviation,
        prior=functional.log_softmax(dataset.prior, dim=1),
        held_out=round(float(right[decay]), DIGITS),
        guess=round(float(guess), DIGITS),
    )
