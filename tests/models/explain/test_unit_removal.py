import numpy as np
import pytest
import torch
from torch import nn

from models.explain.unit_removal import accuracy_without, label_selectivity


def test_selectivity_for_each_label_is_that_of_the_paper():
    means = np.random.default_rng(0).random((5, 4))
    found = label_selectivity(torch.from_numpy(means)).numpy()
    for unit, label in np.ndindex(means.shape):
        a, b = means[unit, label], np.delete(means[unit], label).mean()
        assert found[unit, label] == pytest.approx((a - b) / (a + b))
    assert label_selectivity(torch.zeros(1, 3)).tolist() == [[0, 0, 0]]


def test_a_label_of_one_unit_is_lost_with_it_and_one_of_two_is_not():
    """Label 0 is unit 0 alone; label 1 is units 1 and 2, either of which is enough."""
    head = nn.Linear(3, 2, bias=False)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]))
    features = torch.tensor([[1.0, 0.0, 0.2], [1.0, 0.1, 0.0], [0.0, 1.0, 1.0], [0.0, 2.0, 1.0]])
    truth = torch.tensor([0, 0, 1, 1])
    order = torch.tensor([[0, 1, 2], [1, 2, 0]])
    # Means are 0.5, 0.775, 0.55: without units 0 and 1 label 0's crops have 0.5 against 0.975 and 0.775.
    found = accuracy_without(head, features, truth, order, [0, 1, 2, 3])
    assert found.tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]
    assert accuracy_without(head, features[:2], truth[:2], order, [0])[1].isnan().all()
