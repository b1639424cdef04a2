"""Gaps between features, against numpy on a few rows."""

import numpy as np
import pytest
import torch

from models.alignment import moment_gap, partner_gap
from models.training import UNKNOWN, normalised

FEATURES = normalised(torch.rand(24, 6, generator=torch.Generator().manual_seed(0)) ** 2)


def test_the_gap_of_partners_is_one_less_their_correlation():
    pairs = torch.full((24,), UNKNOWN)
    pairs[[3, 17]], pairs[[0, 8]] = 5, 2
    pairs[9] = 7  # alone in this batch
    wanted = np.mean([1 - np.corrcoef(FEATURES[a], FEATURES[b])[0, 1] for a, b in ((3, 17), (0, 8))])
    assert partner_gap(FEATURES, pairs).item() == pytest.approx(wanted, abs=1e-3)


def test_of_three_partners_all_pairs_count():
    pairs = torch.full((24,), UNKNOWN)
    pairs[:3] = 4
    wanted = np.mean([1 - np.corrcoef(FEATURES[a], FEATURES[b])[0, 1] for a, b in ((0, 1), (0, 2), (1, 2))])
    assert partner_gap(FEATURES, pairs).item() == pytest.approx(wanted, abs=1e-3)


def test_without_partners_there_is_no_gap():
    assert partner_gap(FEATURES, torch.full((24,), UNKNOWN)) is None
    assert partner_gap(FEATURES, torch.arange(24)) is None


def test_moments_are_compared_within_targets():
    targets, labels = torch.arange(24) % 4, torch.arange(24) // 4 % 3
    labels[targets == 3] = 1  # a target of one label says nothing of labels
    labels[0] = UNKNOWN
    kept = [row for row in range(1, 24) if targets[row] < 3]
    rest, own = FEATURES[kept].double().numpy(), targets[kept].numpy()
    for target in range(3):
        rest[own == target] -= rest[own == target].mean(0)
    parts = [rest[labels[kept].numpy() == label] for label in range(3)]
    wanted = 0.0
    for one, two in ((0, 1), (0, 2), (1, 2)):
        means = parts[one].mean(0) - parts[two].mean(0)
        wanted += (np.square(means).mean() + np.square(np.cov(parts[one].T) - np.cov(parts[two].T)).mean()) / 3
    assert moment_gap(FEATURES, targets, labels).item() == pytest.approx(wanted, rel=1e-4)


def test_what_the_target_says_of_the_label_is_no_gap():
    targets = torch.arange(24) % 2
    labels = torch.where(torch.arange(24) < 20, targets, 1 - targets)
    features = torch.where(targets[:, None] == 0, FEATURES[0], FEATURES[1])
    assert moment_gap(features, targets, labels).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("labels", [[UNKNOWN] * 24, [0] * 24, [*range(24)], [0] * 22 + [1] * 2])
def test_too_few_labels_have_no_gap(labels: list[int]):
    assert moment_gap(FEATURES, torch.arange(24) % 2, torch.tensor(labels)) is None
