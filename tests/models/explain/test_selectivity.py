import numpy as np
import pytest
import torch

from models.explain.selectivity import LabelMeans, selectivity


def test_means_are_those_of_the_peaks_of_each_label():
    rng = np.random.default_rng(0)
    maps, labels = rng.random((20, 3, 2, 4)).astype(np.float32), rng.integers(0, 3, 20)
    found = LabelMeans(4)
    for part in (slice(0, 7), slice(7, 20)):
        found.update(torch.from_numpy(maps[part]), torch.from_numpy(labels[part]))
    means = found.means()
    peaks = maps.max((2, 3))
    for label in range(3):
        assert means[:, label].numpy() == pytest.approx(peaks[labels == label].mean(0), abs=1e-6)
    assert means[:, 3].isnan().all()


def test_a_unit_of_one_label_and_one_of_three():
    means = torch.zeros(3, 6)
    means[0, 4] = 2.0
    means[1] = torch.tensor([0.1, 2.0, 3.0, 0.1, 0.1, 1.7])
    found = selectivity(means, most=4)
    assert found.group == [[4], [2, 1, 5], []]
    # a: (2 + 3 + 1.7) / 3, b: 0.1
    assert found.index.tolist() == pytest.approx([1, (6.7 / 3 - 0.1) / (6.7 / 3 + 0.1), 0], abs=1e-6)


def test_the_index_is_that_of_the_papers_with_a_group_of_one():
    means = np.random.default_rng(1).random((30, 8)) ** 4
    found = selectivity(torch.from_numpy(means), most=1)
    for row, group, index in zip(means, found.group, found.index.tolist(), strict=True):
        others = np.delete(row, row.argmax()).mean()
        assert group == [row.argmax()]
        assert index == pytest.approx((row.max() - others) / (row.max() + others), abs=1e-6)


def test_a_group_is_never_all_labels():
    found = selectivity(torch.ones(1, 3), most=5)
    assert (found.group, found.index.tolist()) == ([[0, 1]], [0])


def test_labels_without_crops_are_in_no_group():
    means = torch.tensor([[1.0, float("nan"), 0.0, 0.0]])
    assert selectivity(means, most=3).group == [[0]]


@pytest.mark.parametrize("means", [[[1.0, float("nan")]], [[1.0, -1.0]]])
def test_what_has_no_selectivity_is_refused(means):
    with pytest.raises(ValueError, match="two labels or more, none of them below 0"):
        selectivity(torch.tensor(means), most=2)
