"""Probes against scikit-learn, and on features that carry the nuisance wholly, not at all, or crosswise."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from models.probe import LINEAR, MLP, LinearProbe, Rows, correct_of, fit_probes, inputs_of, log_prior
from models.settings import ProbeSettings

SETTINGS = ProbeSettings(
    severity="clean",
    train=100,
    test=100,
    decays=[0.1, 0.01, 0.001],
    hidden=16,
    epochs=30,
    batch=64,
    learning_rate=0.01,
)


def make_rows(count: int, *, labels: int = 3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features [count, 4], targets of two, and a nuisance of `labels` that neither says anything of."""
    random = torch.Generator().manual_seed(seed)
    features = torch.randn(count, 4, generator=random)
    return features, torch.arange(count) % 2, torch.randint(labels, (count,), generator=random)


def rows_of(features, targets, truth, *, labels: int = 3) -> Rows:
    inputs = inputs_of(features, targets, mean=features.mean(0), deviation=features.std(0, correction=0), count=2)
    return Rows(inputs=inputs, prior=log_prior(targets, truth, count=2, labels=labels)[targets], truth=truth)


def accuracies(rows: Rows) -> dict[str, torch.Tensor]:
    return {
        kind: correct_of(probe, rows).double().mean(1) for kind, probe in fit_probes(rows, SETTINGS, seed=0).items()
    }


def test_the_linear_probe_is_scikit_learn_s_logistic_regression():
    features, targets, _ = make_rows(300)
    truth = torch.arange(300) // 2 % 3  # every target has each label equally often: the prior says nothing
    features[:, 0] += truth
    rows = rows_of(features, targets, truth)
    probe = LinearProbe(SETTINGS.decays, width=6, labels=3)
    probe.fit(rows)
    for place, decay in enumerate(SETTINGS.decays):
        # scikit-learn minimises C · sum of losses + ‖w‖² / 2.
        model = LogisticRegression(C=1 / (decay * 300), fit_intercept=False, tol=1e-8, max_iter=1000)
        model.fit(rows.inputs.numpy(), truth.numpy())
        p = probe(rows.inputs, rows.prior)[place].softmax(1).detach().numpy()
        assert np.abs(p - model.predict_proba(rows.inputs.numpy())).max() < 2e-3


def test_the_prior_is_the_count_of_each_label_by_target():
    prior = log_prior(torch.tensor([0, 0, 0, 1]), torch.tensor([2, 2, 0, 1]), count=2, labels=3)
    assert torch.allclose(prior.exp(), torch.tensor([[2.0, 1.0, 3.0], [1.0, 2.0, 1.0]]))


def test_a_strong_decay_leaves_the_guess_from_the_target():
    features, targets, truth = make_rows(200)
    truth[targets == 0] = truth[targets == 0].clamp(max=1)
    rows = rows_of(features, targets, truth)
    for probe in fit_probes(rows, SETTINGS.model_copy(update={"decays": [100.0]}), seed=0).values():
        logits = probe(rows.inputs, rows.prior)[0]
        assert torch.allclose(logits.softmax(1), rows.prior.softmax(1), atol=0.02)


def test_what_stands_in_the_features_is_read_by_both():
    features, targets, truth = make_rows(300)
    features[:, :3] += 8 * torch.nn.functional.one_hot(truth, 3)
    for found in accuracies(rows_of(features, targets, truth)).values():
        assert found.max() == 1


def test_only_the_mlp_reads_what_turns_with_the_target():
    features, targets, truth = make_rows(400, labels=2)
    features[:, 0] = (truth * 2 - 1) * (targets * 2 - 1) + 0.1 * features[:, 0]
    found = accuracies(rows_of(features, targets, truth, labels=2))
    assert found[MLP].max() > 0.98
    assert found[LINEAR].max() < 0.7


def test_a_feature_that_never_varies_is_given_as_zero():
    features, targets, _ = make_rows(10)
    features[:, 1] = 7.0
    inputs = inputs_of(features, targets, mean=features.mean(0), deviation=features.std(0, correction=0), count=2)
    assert inputs[:, 1].eq(0).all()
    assert inputs[:, 4:].tolist() == [[1.0, 0.0], [0.0, 1.0]] * 5


@pytest.mark.parametrize("kind", [LINEAR, MLP])
def test_the_same_seed_gives_the_same_weights(kind):
    rows = rows_of(*make_rows(100))
    first, second = (fit_probes(rows, SETTINGS, seed=3)[kind] for _ in range(2))
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
