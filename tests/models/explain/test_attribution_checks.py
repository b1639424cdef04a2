import pytest
import torch
from torch import nn

from models.explain.attribution import grad_cam, mean_baseline
from models.explain.attribution_checks import area, curves, weight_randomisation

IMAGES = torch.rand(4, 1, 6, 5, generator=torch.Generator().manual_seed(0))
TARGETS = torch.tensor([1, 0, 2, 1])


@pytest.fixture
def network():
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 3)
    ).eval()


def test_curves_are_those_of_pixels_changed_one_by_one(network):
    maps = torch.randn(4, 6, 5, generator=torch.Generator().manual_seed(2))
    baseline = mean_baseline(IMAGES)
    found = curves(network, IMAGES, TARGETS, maps, baseline=baseline, steps=30, seed=0)
    for row in range(4):
        order = sorted(range(30), key=lambda pixel: -maps[row].flatten()[pixel].item())
        for step in range(31):
            gone = IMAGES[row].flatten().clone()
            come = baseline[row].flatten().clone()
            for pixel in order[:step]:
                gone[pixel], come[pixel] = baseline[row].flatten()[pixel], IMAGES[row].flatten()[pixel]
            with torch.no_grad():
                both = network(torch.stack([gone, come]).reshape(2, 1, 6, 5)).softmax(1)[:, TARGETS[row]]
            assert found.deletion[row, step].item() == pytest.approx(both[0].item(), abs=1e-5)
            assert found.insertion[row, step].item() == pytest.approx(both[1].item(), abs=1e-5)


def test_fewer_steps_are_points_of_the_same_curve(network):
    maps = torch.randn(4, 6, 5, generator=torch.Generator().manual_seed(2))
    settings = {"baseline": mean_baseline(IMAGES), "seed": 0}
    fine = curves(network, IMAGES, TARGETS, maps, steps=30, **settings)
    coarse = curves(network, IMAGES, TARGETS, maps, steps=6, **settings)
    torch.testing.assert_close(coarse.deletion, fine.deletion[:, ::5])
    torch.testing.assert_close(coarse.random_insertion, fine.random_insertion[:, ::5])


def test_the_map_that_knows_beats_chance_and_its_opposite_loses():
    class Corner(nn.Module):
        """Tells the label by one pixel."""

        def forward(self, images):
            corner = images[:, 0, 0, 0]
            return torch.stack([corner * 0, corner * 10], dim=1)

    images, targets = torch.ones(8, 1, 6, 5), torch.ones(8, dtype=torch.int64)
    true = torch.zeros(8, 6, 5)
    true[:, 0, 0] = 1
    settings = {"baseline": torch.zeros_like(images), "steps": 30, "seed": 0}
    knows = curves(Corner().eval(), images, targets, true, **settings)
    assert (knows.deletion_gain > 0).all()
    assert (knows.insertion_gain > 0).all()
    # All but the first of 30 steps at the lower level, 1/2, and a trapezoid between them.
    assert area(knows.deletion).tolist() == pytest.approx([0.5 + 0.5 * 0.5 / 30] * 8, abs=1e-4)
    wrong = curves(Corner().eval(), images, targets, -true, **settings)
    assert (wrong.deletion_gain <= 0).all()


def test_the_random_map_is_the_seeds(network):
    maps = torch.zeros(4, 6, 5)
    first, same, other = (
        curves(network, IMAGES, TARGETS, maps, baseline=mean_baseline(IMAGES), steps=5, seed=seed) for seed in (0, 0, 1)
    )
    assert torch.equal(first.random_deletion, same.random_deletion)
    assert not torch.equal(first.random_deletion, other.random_deletion)


def test_randomised_weights_end_a_map_that_reads_them_and_not_one_that_does_not(network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    reads = weight_randomisation(network, IMAGES, lambda n: grad_cam(n, IMAGES, TARGETS), seed=3)
    assert list(reads) == ["5", "2", "0"]
    assert abs(reads["0"]) < 0.6
    edges = weight_randomisation(network, IMAGES, lambda _: IMAGES[:, 0], seed=3)
    assert edges == {"5": pytest.approx(1), "2": pytest.approx(1), "0": pytest.approx(1)}
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)


def test_randomisation_cascades_from_the_last_layer(network):
    weights = []

    def explain(other):
        weights.append([other[place].weight.clone() for place in (0, 2, 5)])
        return IMAGES[:, 0]

    weight_randomisation(network, IMAGES, explain, seed=0)
    changed = [[not torch.equal(new, old) for new, old in zip(state, weights[0], strict=True)] for state in weights[1:]]
    assert changed == [[False, False, True], [False, True, True], [True, True, True]]
    assert torch.equal(weights[1][2], weights[3][2])


def test_a_normalisation_is_drawn_anew_with_the_layer_before_it():
    torch.manual_seed(1)
    network = nn.Sequential(
        nn.BatchNorm2d(1), nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(48, 3)
    )
    with torch.no_grad():
        for norm in (network[0], network[2]):
            norm.weight.fill_(2.0)
    seen = []

    def explain(other):
        seen.append([other[0].weight[0].item(), other[2].weight[0].item()])
        return IMAGES[:, 0]

    assert list(weight_randomisation(network.eval(), IMAGES, explain, seed=0)) == ["5", "1", "0"]
    assert seen == [[2, 2], [2, 2], [2, 1], [1, 1]]


def test_a_flat_map_counts_as_nothing(network):
    assert weight_randomisation(network, IMAGES, lambda _: torch.zeros(4, 6, 5), seed=0)["5"] == 0


def test_misuse_is_refused(network):
    maps, settings = torch.zeros(4, 6, 5), {"baseline": mean_baseline(IMAGES), "seed": 0}
    with pytest.raises(ValueError, match="steps"):
        curves(network, IMAGES, TARGETS, maps, steps=0, **settings)
    with pytest.raises(ValueError, match="a map for each"):
        curves(network, IMAGES, TARGETS, maps[:, :5], steps=3, **settings)
    with pytest.raises(ValueError, match="labels are 0 to 2"):
        curves(network, IMAGES, TARGETS + 1, maps, steps=3, **settings)
    with pytest.raises(ValueError, match="no layer of this network has weights"):
        weight_randomisation(nn.Sequential(nn.Flatten()).eval(), IMAGES, lambda _: IMAGES[:, 0], seed=0)
