import math

import numpy as np
import pytest
import torch
from torch import nn

from models.explain.hooks import observed
from models.explain.prune import pruned
from models.explain.statistics import LayerStatistics


def gather(output, batch=7):
    statistics = LayerStatistics()
    for part in output.split(batch):
        statistics.update(part)
    return statistics.summary()


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("batch", [1, 7, 40])
def test_streaming_moments_are_those_of_all_samples_at_once(batch):
    # A mean far from zero: a sum of squares would lose the variance.
    output = noise(40, 3, 2, 5) + torch.tensor([1e4, 0.0, -2.0])[:, None, None]
    found = gather(output, batch)
    samples = output.numpy().transpose(1, 0, 2, 3).reshape(3, -1).astype(np.float64)
    assert found.samples == 400
    np.testing.assert_allclose(found.mean, samples.mean(1))
    np.testing.assert_allclose(found.covariance, np.cov(samples, bias=True), rtol=1e-9)
    np.testing.assert_allclose(found.correlation, np.corrcoef(samples), rtol=1e-9)
    np.testing.assert_allclose(found.highest, samples.max(1))
    np.testing.assert_allclose(found.density, (samples > 0).mean(1))


def test_dead_always_on_and_constant_units_are_named():
    output = torch.stack([torch.zeros(50), noise(50).abs() + 1, noise(50), torch.full((50,), 3.0)], dim=1)
    found = gather(output)
    assert found.dead.tolist() == [True, False, False, False]
    assert found.always_on.tolist() == [False, True, False, True]
    assert found.varying.tolist() == [False, True, True, False]
    assert not found.correlation[0].any()
    assert not found.correlation[:, 3].any()


def test_twins_are_units_that_rise_together_or_against_each_other():
    first, second = noise(200), noise(200, seed=1)
    output = torch.stack([first, second, 3 * first + 1, -second + 0.01 * noise(200, seed=2)], dim=1)
    pairs = gather(output).near_duplicates()
    assert [pair[:2] for pair in pairs] == [(0, 2), (1, 3)]
    assert pairs[0][2] == pytest.approx(1)
    assert pairs[1][2] == pytest.approx(-1, abs=1e-3)
    assert gather(output).near_duplicates(threshold=1.01) == []


def test_effective_rank_counts_directions():
    # Centred and orthogonal by construction: each column has the same variance.
    whole = torch.tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]).float()
    assert gather(whole).effective_rank == pytest.approx(3)
    assert gather(whole[:, [0, 0, 0]]).effective_rank == pytest.approx(1)
    assert gather(torch.ones(9, 4)).effective_rank == 0
    uneven = whole[:, :2] * torch.tensor([1.0, math.sqrt(3)])  # variances 1 and 3: shares 1/4 and 3/4
    assert gather(uneven).effective_rank == pytest.approx(math.exp(-0.25 * math.log(0.25) - 0.75 * math.log(0.75)))


def test_a_layer_is_larger_than_needed_by_what_the_others_predict():
    free = noise(300, 3)
    mixed = free @ torch.tensor([[1.0, 0.5], [2.0, 0.0], [-1.0, 0.5]]) + 4
    output = torch.cat([free, mixed, torch.zeros(300, 1), torch.full((300, 1), 2.0)], dim=1)
    found = gather(output).redundancy()
    assert len(found.redundant) == 4
    assert sorted(found.kept.tolist() + found.redundant.tolist()) == list(range(7))
    said = output[:, found.kept].double() @ found.weight + found.offset
    torch.testing.assert_close(said, output[:, found.redundant].double(), atol=1e-4, rtol=1e-4)


def test_units_that_say_something_of_their_own_are_kept():
    found = gather(noise(500, 6)).redundancy()
    assert found.kept.tolist() == list(range(6))
    assert found.weight.shape == (6, 0)


def test_the_share_of_variance_decides():
    first = noise(2000)
    # r² = 1 / (1 + 0.3²) = 0.917
    output = torch.stack([first, first + 0.3 * noise(2000, seed=1)], dim=1)
    assert len(gather(output).redundancy(0.95).redundant) == 0
    assert len(gather(output).redundancy(0.85).redundant) == 1
    with pytest.raises(ValueError, match="explained is a fraction"):
        gather(output).redundancy(0)


def test_a_dead_layer_is_all_redundant():
    found = gather(torch.zeros(9, 4, 2, 2))
    assert found.redundancy().redundant.tolist() == [0, 1, 2, 3]
    assert found.redundancy().kept.tolist() == []
    assert found.near_duplicates() == []
    assert found.effective_rank == 0


def test_misuse_is_refused():
    with pytest.raises(ValueError, match="no crop"):
        LayerStatistics().summary()
    with pytest.raises(ValueError, match=r"\[batch, units\]"):
        LayerStatistics().update(torch.zeros(1, 2, 3))
    statistics = LayerStatistics()
    statistics.update(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="had 3 units and now has 4"):
        statistics.update(torch.zeros(2, 4))


class Doubled(nn.Module):
    """A network whose middle layer has unit 1 twice (unit 3 is twice unit 1), unit 2 dead."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.relu = nn.Conv2d(1, 4, 3), nn.ReLU()
        self.head = nn.Linear(4, 3)
        with torch.no_grad():
            self.conv.weight[3] = 2 * self.conv.weight[1]
            self.conv.bias[3] = 2 * self.conv.bias[1]
            self.conv.bias[2] = -100

    def forward(self, images):
        return self.head(self.relu(self.conv(images)).mean((2, 3)))


@pytest.fixture
def doubled():
    network, images = Doubled().eval(), noise(40, 1, 6, 6)
    statistics = LayerStatistics()
    with torch.no_grad(), observed(network, {"relu": statistics.update}):
        logits = network(images)
    return network, images, logits, statistics.summary()


def test_a_folded_network_answers_as_the_whole_one(doubled):
    network, images, logits, summary = doubled
    redundancy = summary.redundancy()
    assert len(redundancy.redundant) == 2
    with torch.no_grad(), pruned(network, "relu", summary=summary, redundancy=redundancy):
        torch.testing.assert_close(network(images), logits, atol=1e-5, rtol=1e-4)
    assert torch.equal(network(images), logits)
    assert not network.relu._forward_hooks


def test_folding_is_what_adding_the_twins_weight_does(doubled):
    network, images, _, summary = doubled
    redundancy = summary.redundancy()
    with torch.no_grad(), pruned(network, "relu", summary=summary, redundancy=redundancy):
        folded = network(images)
    small = Doubled().eval()
    with torch.no_grad():
        weight = small.head.weight.clone()
        small.head.weight[:, redundancy.kept] += weight[:, redundancy.redundant] @ redundancy.weight.T.float()
        small.head.bias += weight[:, redundancy.redundant] @ redundancy.offset.float()
        small.head.weight[:, redundancy.redundant] = 0
        torch.testing.assert_close(folded, small(images), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("how", "value"), [("zero", lambda mean: 0 * mean), ("mean", lambda mean: mean)])
def test_ablated_units_give_zero_or_their_mean(doubled, how, value):
    network, images, _, summary = doubled
    redundancy = summary.redundancy()
    with torch.no_grad(), pruned(network, "relu", summary=summary, redundancy=redundancy, how=how):
        found = network(images)
    with torch.no_grad():
        maps = network.relu(network.conv(images))
        maps[:, redundancy.redundant] = value(summary.mean[redundancy.redundant]).float()[:, None, None]
        torch.testing.assert_close(found, network.head(maps.mean((2, 3))))


def test_a_wrong_prune_is_refused_and_leaves_no_hook(doubled):
    network, images, _, summary = doubled
    redundancy = summary.redundancy()
    with (
        pytest.raises(ValueError, match="'head' has 3 units"),
        pruned(network, "head", summary=summary, redundancy=redundancy),
    ):
        network(images)
    assert not network.head._forward_hooks
    with (
        pytest.raises(ValueError, match="no layer 'tail'"),
        pruned(network, "tail", summary=summary, redundancy=redundancy),
    ):
        pass
    with (
        pytest.raises(ValueError, match="not by 'magic'"),
        pruned(network, "relu", summary=summary, redundancy=redundancy, how="magic"),
    ):
        pass
