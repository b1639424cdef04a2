"""The small network has the layers that its settings say, and is a CropNet to trainings and explainers."""

import torch

from models.explain.hooks import layers_of
from models.small_network import SmallNetwork, SmallNetworkSettings


def network_of(**changes) -> SmallNetwork:
    settings = SmallNetworkSettings(**{"filters": [4, 6], "dense": [8, 5], "kernel": 3} | changes)
    torch.manual_seed(0)
    return SmallNetwork(settings, labels=2, height=16, width=24)


def test_its_layers_are_convolutions_dense_layers_and_the_decision():
    assert layers_of(network_of(), torch.rand(1, 1, 16, 24)) == {
        "backbone.conv1": 4, "backbone.conv2": 6, "embedding.dense1": 8, "embedding.dense2": 5, "target_head": 2,
    }  # fmt: skip
    assert list(layers_of(network_of(dense=[]), torch.rand(1, 1, 16, 24))) == [
        "backbone.conv1", "backbone.conv2", "target_head"
    ]  # fmt: skip


def test_its_parameters_are_those_of_the_layers():
    maps = 6 * 4 * 6
    convolutions = (9 * 1 + 1) * 4 + (9 * 4 + 1) * 6
    dense = (maps + 1) * 8 + (8 + 1) * 5 + (5 + 1) * 2
    assert sum(one.numel() for one in network_of().parameters()) == convolutions + dense
    assert sum(one.numel() for one in network_of(dense=[]).parameters()) == convolutions + (maps + 1) * 2


def test_its_outputs_are_the_layers_one_after_the_other():
    network, images = network_of(), torch.rand(3, 1, 16, 24)
    x = images
    for conv in (network.backbone.conv1.conv, network.backbone.conv2.conv):
        x = torch.max_pool2d(torch.relu(torch.conv2d(x, conv.weight, conv.bias, padding=1)), 2)
    x = x.flatten(1)
    for dense in (network.embedding.dense1.linear, network.embedding.dense2.linear):
        x = torch.relu(x @ dense.weight.T + dense.bias)
    expected = x @ network.target_head.weight.T + network.target_head.bias
    assert torch.allclose(network(images), expected, atol=1e-6)


def test_where_something_is_matters():
    network, images = network_of(), torch.zeros(2, 1, 16, 24)
    images[0, 0, 2:6, 2:6] = images[1, 0, 10:14, 18:22] = 1
    first, second = network(images)
    assert not torch.allclose(first, second, atol=1e-3)


def test_its_embedding_can_end_in_an_eraser():
    network = SmallNetwork(
        SmallNetworkSettings(filters=[4], dense=[8]), labels=2, height=8, width=8, erases=True
    )  # fmt: skip
    assert network.eraser is not None and network.eraser.in_features == 8
