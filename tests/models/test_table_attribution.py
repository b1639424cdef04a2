"""Attribution to a table's features, held against computations by hand."""

import pytest
import torch

from models.table_attribution import activations, attribute_neurons, attribute_outputs, mean_inputs
from models.tabular import TabularNet
from tests.tasks.influence.toytable import table_params


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return TabularNet(table_params().influence, numbers=2, sizes=[4, 3], outputs=3).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def rows():
    torch.manual_seed(1)
    return torch.cat([torch.randn(20, 2), torch.randint(4, (20, 1)), torch.randint(3, (20, 1))], dim=1).float()


def test_the_baseline_is_the_mean_input(network, rows):
    torch.testing.assert_close(mean_inputs(network, rows), network.inputs(rows).mean(0, keepdim=True))


def test_of_a_linear_network_it_is_weight_times_change(rows):
    torch.manual_seed(0)
    linear = TabularNet(table_params().influence, numbers=2, sizes=[4, 3], outputs=1).eval().requires_grad_(False)
    for name, _ in list(linear.named_modules()):
        if name.endswith("relu"):
            parent = linear.get_submodule(name.rpartition(".")[0])
            parent.relu = torch.nn.Identity()
    baseline = mean_inputs(linear, rows)
    found = attribute_outputs(linear, rows, baseline, steps=4)
    inputs = linear.inputs(rows)
    slope = linear.of_inputs(torch.eye(inputs.shape[1])) - linear.of_inputs(torch.zeros(1, inputs.shape[1]))
    wanted = (inputs - baseline) * slope[:, 0]
    by_feature = torch.stack([wanted[:, linear.owner == place].sum(1) for place in range(4)], dim=1)
    torch.testing.assert_close(found.parts[:, 0], by_feature, atol=1e-5, rtol=1e-4)
    assert found.error < 1e-4


def test_the_parts_add_up_to_the_change_of_each_output(network, rows):
    baseline = mean_inputs(network, rows)
    found = attribute_outputs(network, rows, baseline, steps=64)
    change = network.evidence(network.inputs(rows)) - network.evidence(baseline)
    torch.testing.assert_close(found.parts.sum(2), change, atol=0.02, rtol=0.05)


@pytest.mark.parametrize("layer", ["hidden.0", "embedding"])
def test_conductance_of_all_neurons_of_a_layer_is_integrated_gradients(network, rows, layer):
    """Dhamdhere et al. 2018, section 3: what passes through a layer passes through its neurons."""
    baseline = mean_inputs(network, rows)
    targets = network(rows).argmax(1)
    through = attribute_neurons(network, rows, baseline, targets, layer=layer, steps=16)
    whole = attribute_outputs(network, rows, baseline, steps=16).parts[torch.arange(20), targets]
    assert through.shape == (20, activations(network, rows, layer).shape[1], 4)
    torch.testing.assert_close(through.sum(1), whole, atol=1e-4, rtol=1e-3)


def test_a_dead_neuron_has_no_conductance(network, rows):
    output = activations(network, rows, "embedding")
    through = attribute_neurons(
        network, rows, mean_inputs(network, rows), network(rows).argmax(1), layer="embedding", steps=4
    )
    dead = (output == 0).all(0) & (through.abs().sum((0, 2)) == 0)
    assert torch.equal(through.abs().sum((0, 2)) == 0, dead)
