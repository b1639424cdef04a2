import itertools

import numpy as np
import pytest
import torch

from models.explain.compare import Comparison, LayerMatch, LayerOutputs, NetworkComparison, matched
from models.explain.verdict import floors_of, verdict


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def compare(first, second, batch=1000, **settings):
    pairs = [(name, name) for name in first]
    comparison = NetworkComparison(pairs, **settings)
    for start in range(0, len(next(iter(first.values()))), batch):
        rows = slice(start, start + batch)
        comparison.update(
            *(LayerOutputs({name: value[rows] for name, value in outputs.items()}) for outputs in (first, second))
        )
    return comparison.result()


def unbiased_hsic(k, l):  # noqa: E741
    """Song et al. 2012, equation 4: the mean over all quadruples of distinct crops, term by term."""
    n = len(k)
    pairs = np.mean([k[i, j] * l[i, j] for i, j in itertools.permutations(range(n), 2)])
    four = np.mean([k[i, j] * l[q, r] for i, j, q, r in itertools.permutations(range(n), 4)])
    three = np.mean([k[i, j] * l[i, q] for i, j, q in itertools.permutations(range(n), 3)])
    return pairs + four - 2 * three


def numpy_cka(first, second, batch):
    sums = np.zeros(3)
    for start in range(0, len(first), batch):
        x, y = (o[start : start + batch].flatten(1).double().numpy() for o in (first, second))
        k, l = x @ x.T, y @ y.T  # noqa: E741
        sums += [unbiased_hsic(k, l), unbiased_hsic(k, k), unbiased_hsic(l, l)]
    return sums[0] / np.sqrt(sums[1] * sums[2])


@pytest.mark.parametrize("batch", [6, 12])
def test_cka_is_that_of_the_definition(batch):
    first, second = noise(12, 5), noise(12, 3, 2, 2, seed=1)
    second[:, 0] += first[:, :2, None] * 2  # they share something
    found = compare({"layer": first}, {"layer": second}, batch)
    assert found.cka.item() == pytest.approx(numpy_cka(first, second, batch))
    assert found.layers[0].cka == found.cka.item()


def test_linear_cka_of_many_crops_is_kornblith_and_colleagues():
    first = noise(2000, 6)
    second = first @ noise(6, 4, seed=1) + noise(2000, 4, seed=2)
    x, y = (o.double().numpy() - o.double().numpy().mean(0) for o in (first, second))
    biased = np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    assert compare({"layer": first}, {"layer": second}, batch=250).cka.item() == pytest.approx(biased, abs=0.01)


def test_cka_does_not_see_rotation_scale_and_shift():
    first = noise(60, 4)
    rotation, _ = torch.linalg.qr(noise(4, 4, seed=1))
    found = compare({"layer": first}, {"layer": 3 * first @ rotation + 100})
    assert found.cka.item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("batch", [20, 400])
def test_permuted_units_are_matched_back(batch):
    first = noise(400, 7, 2, 3)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(3))
    second = 2 * first[:, order] + 0.1 * noise(400, 7, 2, 3, seed=4) + 5
    (layer,) = compare({"layer": first}, {"layer": second}, batch).layers
    assert sorted(layer.units.tolist()) == sorted([int(order[place]), place] for place in range(7))
    assert (layer.correlation > 0.99).all()
    assert layer.units_above_chance > 0.98


def test_the_matching_is_the_best_of_all():
    correlation = noise(4, 4).tanh().double()
    best = max(sum(correlation[i, p[i]] for i in range(4)) for p in itertools.permutations(range(4)))
    units, found = matched(correlation)
    assert float(found.sum()) == pytest.approx(float(best))
    assert found.tolist() == sorted(found.tolist(), reverse=True)
    assert [correlation[i, j].item() for i, j in units.tolist()] == found.tolist()


def test_a_larger_layer_leaves_units_over():
    first = noise(100, 3)
    (layer,) = compare({"layer": first}, {"layer": torch.cat([noise(100, 2, seed=1), first], dim=1)}).layers
    assert sorted(layer.units.tolist()) == [[0, 2], [1, 3], [2, 4]]


def test_correlations_are_over_positions_or_over_means_where_maps_differ():
    first, second = noise(50, 2, 4, 4), noise(50, 2, 2, 2, seed=1)
    (layer,) = compare({"layer": first}, {"layer": second}).layers
    means = np.concatenate([first.mean((2, 3)), second.mean((2, 3))], axis=1)
    expected = np.corrcoef(means.T)[:2, 2:]
    for (i, j), r in zip(layer.units.tolist(), layer.correlation.tolist(), strict=True):
        assert r == pytest.approx(expected[i, j], abs=1e-5)


def test_unrelated_networks_are_at_chance():
    found = compare({"a": noise(600, 8), "b": noise(600, 5)}, {"a": noise(600, 8, seed=7), "b": noise(600, 5, seed=8)})
    assert abs(found.cka_above_chance) < 0.1
    assert abs(found.units_above_chance) < 0.1
    assert not verdict(found, [found, found]).same
    assert "did not learn the same: over 600 crops and 2 layers" in verdict(found, [found]).reason


def test_a_network_has_learned_the_same_as_itself():
    outputs = {"a": noise(80, 4, 2, 2).relu(), "b": noise(80, 3)}
    found = compare(outputs, outputs, batch=20)
    assert found.cka_above_chance == pytest.approx(1)
    assert found.units_above_chance == pytest.approx(1)
    apart = compare(outputs, {"a": noise(80, 4, 2, 2, seed=5), "b": noise(80, 3, seed=6)}, batch=20)
    judged = verdict(found, [apart, apart])
    assert judged.same and (judged.cka.normalised, judged.units.normalised) == pytest.approx((1, 1))
    assert "a normalised similarity of 50% and 25%" in judged.reason


def made(*layers):
    """A comparison whose layers have these (CKA, units) above chance, and chance 0."""
    matches = [
        LayerMatch(str(n), str(n), torch.tensor([[0, 0]]), torch.tensor([units]).double(), 0.0, cka, 0.0)
        for n, (cka, units) in enumerate(layers)
    ]
    return Comparison(10, matches, torch.zeros(len(layers), len(layers)))


def test_the_floor_of_a_layer_is_the_higher_of_the_two_untrained_ones_and_not_below_chance():
    untrained = [made((0.9, 0.3), (-0.1, 0.1)), made((0.7, 0.5), (-0.2, 0.0))]
    floors = floors_of(made((1, 1), (1, 1)), untrained)
    assert list(floors) == ["0", "1"]
    assert [value for floor in floors.values() for value in floor] == pytest.approx([0.9, 0.5, 0, 0.1])
    judged = verdict(made((0.95, 0.6), (0.6, 0.5)), untrained)
    assert (judged.cka.value, judged.cka.floor) == pytest.approx((0.775, 0.45))
    assert judged.cka.normalised == pytest.approx(0.325 / 0.55)
    assert judged.units.normalised == pytest.approx((0.55 - 0.3) / 0.7)


@pytest.mark.parametrize(
    ("cka", "units", "same"),
    [(0.81, 0.41, True), (0.79, 0.41, False), (0.81, 0.39, False), (0.6, 0.2, False)],
)
def test_without_other_seeds_both_measures_must_be_far_enough_above_the_untrained_network(cka, units, same):
    untrained = [made((0.6, 0.2))] * 2  # half of the way to 1 is 0.8, a quarter 0.4
    assert verdict(made((cka, units)), untrained).same == same


@pytest.mark.parametrize(("units", "same"), [(0.31, True), (0.29, False)])
def test_two_seeds_set_the_measure_but_never_below_the_untrained_network(units, same):
    untrained = [made((0.6, 0.3))] * 2
    assert verdict(made((0.7, units)), untrained, [made((0.65, 0.1)), made((0.9, 0.9))]).same == same


def test_the_verdict_is_against_two_seeds_where_there_are_any():
    shared = noise(300, 4)

    def network(own, seed):
        return {"layer": shared + own * noise(300, 4, seed=seed)}

    spread = [compare(network(0.7, 1), network(0.7, seed)) for seed in (2, 3)]
    untrained = [compare(network(0.6, 4), {"layer": noise(300, 4, seed=9)})]
    assert verdict(compare(network(0.6, 4), network(0.6, 5)), untrained, spread).same
    assert not verdict(compare(network(3, 4), network(3, 5)), untrained, spread).same
    assert "compared with two seeds of one network" in verdict(spread[0], untrained, spread).reason


def test_a_dead_layer_resembles_nothing_and_stops_nothing():
    found = compare({"layer": torch.zeros(30, 4)}, {"layer": noise(30, 3)})
    assert found.cka.item() == 0
    assert found.layers[0].correlation.tolist() == [0, 0, 0]
    assert not verdict(found, [found]).same


def test_the_same_seed_gives_the_same_numbers():
    pair = {"layer": noise(50, 4)}, {"layer": noise(50, 4, seed=1)}
    assert str(compare(*pair, seed=3)) == str(compare(*pair, seed=3))
    assert isinstance(compare(*pair), Comparison)


def test_misuse_is_refused():
    with pytest.raises(ValueError, match="no layers"):
        NetworkComparison([])
    comparison = NetworkComparison([("a", "b")])
    with pytest.raises(ValueError, match="no crop"):
        comparison.result()
    with pytest.raises(ValueError, match="same crops, 4 or more"):
        comparison.update(LayerOutputs({"a": noise(3, 2)}), LayerOutputs({"b": noise(3, 2)}))
    with pytest.raises(ValueError, match="same crops"):
        comparison.update(LayerOutputs({"a": noise(9, 2)}), LayerOutputs({"b": noise(8, 2)}))
