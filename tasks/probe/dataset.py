"""The dataset of a probe of one nuisance: rows to fit, tune and test on, and the prior of each target."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from models.probe import LinearProbe, MlpProbe, Rows, fit_probes, inputs_of, log_prior, predicted_by
from models.settings import ProbeSettings
from tasks.common.params import ProblemSettings
from tasks.crop_table.splits import TEST_SPLITS, TEST_UNSEEN, TRAIN, VALIDATION

FIT, HELD_OUT = "fit", "held_out"
EVERY = 5  # one row of so many is held out of the fit


@dataclass(frozen=True, kw_only=True)
class ProbeDataset:
    """One nuisance's labels of the crops, split into parts; rows are indices into the features' rows.

    Attributes:
        parts: rows by part: `fit`, `held_out`, `validation`, and the test splits.
        targets, truth: of every row, the indices of its target and its nuisance label; -1 for one that is not in `fit`.
        prior: [targets, labels] log prior of the nuisance given the target.
        codes: of every row, the index of its group.
    """

    nuisance: str
    parts: Mapping[str, Tensor]
    targets: Tensor
    truth: Tensor
    prior: Tensor
    codes: np.ndarray

    @property
    def labels(self) -> int:
        """How many labels the probe has."""
        return self.prior.shape[1]

    def sizes(self) -> dict[str, int]:
        """Rows of each part."""
        return {part: len(rows) for part, rows in self.parts.items()}

    def prior_correct(self, split: str) -> np.ndarray:
        """Which rows of a split the best guess from the target alone has correct: bool `[rows]`."""
        rows = self.parts[split]
        return (self.prior.argmax(1)[self.targets[rows]] == self.truth[rows]).numpy()

    def groups(self, split: str) -> np.ndarray:
        return self.codes[self.parts[split].numpy()]

    def tuning_part(self, split: str) -> str:
        """The part to tune on for a test split: seen groups for a split of seen ones, unseen groups for the other."""
        return VALIDATION if split == TEST_UNSEEN and len(self.parts[VALIDATION]) else HELD_OUT


def build_dataset(rows: pd.DataFrame, nuisance: str, problem: ProblemSettings) -> ProbeDataset | str:
    """The dataset for the crops in `rows` (key, split, labels); or why there is none: fewer than two labels."""
    known = rows[rows[nuisance].notna()]
    train = known[known["split"] == TRAIN].sort_values("key")
    held_out = train.index[::EVERY]
    fit = train.drop(held_out)
    labels, targets = sorted(fit[nuisance].unique()), sorted(fit[problem.target].unique())
    if len(labels) < 2:
        return f"the text crops of train have {len(labels)} labels of '{nuisance}': a probe needs two to tell apart"
    truth = pd.Index(labels).get_indexer(pd.Index(rows[nuisance]))
    given = pd.Index(targets).get_indexer(pd.Index(rows[problem.target]))
    counts = (truth >= 0) & (given >= 0)
    parts = {FIT: fit.index, HELD_OUT: held_out}
    parts |= {split: rows.index[rows["split"] == split] for split in (VALIDATION, *TEST_SPLITS)}
    indices = {part: torch.from_numpy(index.to_numpy()[counts[index]]) for part, index in parts.items()}
    truth, given = torch.from_numpy(truth), torch.from_numpy(given)
    prior = log_prior(given[indices[FIT]], truth[indices[FIT]], count=len(targets), labels=len(labels))
    codes = pd.factorize(rows[problem.group], use_na_sentinel=False)[0]
    return ProbeDataset(nuisance=nuisance, parts=indices, targets=given, truth=truth, prior=prior, codes=codes)


@dataclass(frozen=True, kw_only=True)
class Standardised:
    """Features `[rows, width]` of a dataset's rows, and `mean` and `deviation` `[width]` of those that are fitted."""

    dataset: ProbeDataset
    features: Tensor
    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, dataset: ProbeDataset, features: Tensor) -> "Standardised":
        """`features` may be of any scale."""
        fit = features[dataset.parts[FIT]]
        return cls(dataset=dataset, features=features, mean=fit.mean(0), deviation=fit.std(0, correction=0))

    def rows(self, part: str) -> Rows:
        """What a probe reads of a part, and what is true of it."""
        at, prior = self.dataset.parts[part], self.dataset.prior
        targets = self.dataset.targets[at]
        inputs = inputs_of(self.features[at], targets, mean=self.mean, deviation=self.deviation, count=len(prior))
        return Rows(inputs=inputs, prior=prior[targets], truth=self.dataset.truth[at])


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """What a probe makes of a test split, beside the two ways to predict that know nothing of the crop.

    Attributes:
        right: bool [rows], which predictions are true.
        guessed: bool [rows], of which the best guess from the target alone is true.
        by_chance: [rows], how probable it is that a row's prediction is true with the same predictions dealt out at
            random among the rows of its target: the mean over all permutations. Unseen groups have other labels than
            the seen ones, so noise in the features alone, which leads a probe away from the guess, can raise accuracy.
    """

    right: np.ndarray
    guessed: np.ndarray
    by_chance: np.ndarray

    @property
    def excess(self) -> np.ndarray:
        """[rows], -1..1: right less what the better of the two has right."""
        better = self.guessed if self.guessed.mean() > self.by_chance.mean() else self.by_chance
        return self.right - better.astype(float)


def decode(
    dataset: ProbeDataset, features: Tensor, settings: ProbeSettings, *, seed: int
) -> dict[str, dict[str, Decoded]]:
    """What a linear and an MLP probe make of each test split, by split and kind.

    Must run within `deterministic`.

    Args:
        features: [rows, width], of any scale.
    """
    seen = Standardised.of(dataset, features)
    probes = fit_probes(seen.rows(FIT), settings, seed=seed)
    return {split: {kind: _tuned(probe, seen, split) for kind, probe in probes.items()} for split in TEST_SPLITS}


def _tuned(probe: LinearProbe | MlpProbe, seen: Standardised, split: str) -> Decoded:
    """At the decay that is furthest above chance on the tuning part; of equals the first."""
    tuning = _decoded(probe, seen, seen.dataset.tuning_part(split))
    best = int(np.argmax([(each.right - each.by_chance).sum() for each in tuning]))
    return _decoded(probe, seen, split)[best]


def _decoded(probe: LinearProbe | MlpProbe, seen: Standardised, part: str) -> list[Decoded]:
    """Of a part, at each of the probe's decays."""
    rows, targets = seen.rows(part), seen.dataset.targets[seen.dataset.parts[part]]
    return [
        Decoded(
            right=(predicted == rows.truth).numpy(),
            guessed=seen.dataset.prior_correct(part),
            by_chance=chance_of(predicted, rows.truth, targets).numpy(),
        )
        for predicted in predicted_by(probe, rows)
    ]


def chance_of(predicted: Tensor, truth: Tensor, targets: Tensor) -> Tensor:
    """Of each row the fraction of its target's rows whose prediction is the row's true label, float64 `[rows]`.

    Args:
        predicted, truth: [rows] indices of nuisance labels.
        targets: [rows] indices of targets.
    """
    of = torch.stack([targets, predicted], dim=1)
    own = torch.stack([targets, truth], dim=1)
    cells, at = torch.unique(torch.cat([of, own]), dim=0, return_inverse=True)
    predictions = torch.bincount(at[: len(of)], minlength=len(cells)).double()
    return predictions[at[len(of) :]] / torch.bincount(targets)[targets]
