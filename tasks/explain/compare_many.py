"""Several networks over the same crops in one pass, compared two by two: each of them is run once."""

from collections.abc import Iterable, Sequence

import torch

from models.explain.compare import Comparison, LayerOutputs, NetworkComparison
from models.explain.hooks import layers_of
from models.explain.top_activations import TopActivations, UnitSummary
from models.network import CropNet
from models.settings import CompareSettings
from tasks.explain.sample import Sample

Networks = tuple[CropNet, CropNet]


def compare_together(
    pairs: Sequence[Networks], sample: Sample, *, settings: CompareSettings, seed: int, watched: Iterable[CropNet] = ()
) -> tuple[dict[Networks, Comparison], dict[CropNet, dict[str, UnitSummary]]]:
    """Each pair's comparison, and by layer the units' top-activating crops of the networks in `watched`.

    A comparison does not depend on what else is compared. Memory grows with the networks, not with the crops. Must run
    within `deterministic`.

    Args:
        watched: networks that are in some pair.
    """
    layers = {network: _layers(network) for pair in pairs for network in pair}
    comparisons = {
        (first, second): NetworkComparison(
            [(name, name) for name in layers[first] if name in layers[second]], seed=seed
        )
        for first, second in pairs
    }
    tops = {network: {name: TopActivations(settings.top) for name in layers[network]} for network in watched}
    for rows in sample.parts(settings.batch):
        images = {channels: sample.images(channels, rows) for channels in sorted({net.channels for net in layers})}
        outputs = {
            network: LayerOutputs.of(network, images[network.channels], names) for network, names in layers.items()
        }
        for (first, second), comparison in comparisons.items():
            comparison.update(outputs[first], outputs[second])
        for network, by_layer in tops.items():
            for name, top in by_layer.items():
                top.update(outputs[network].output(name))
    strongest = {net: {name: top.summary() for name, top in by_layer.items()} for net, by_layer in tops.items()}
    return {pair: comparison.result() for pair, comparison in comparisons.items()}, strongest


def _layers(network: CropNet) -> list[str]:
    return list(layers_of(network, torch.zeros(1, network.channels, network.height, network.width)))
