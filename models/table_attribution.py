"""Attribution of a `TabularNet`'s outputs and neurons to the features of a row."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from captum.attr import IntegratedGradients, NeuronConductance
from torch import Tensor

from models.tabular import TabularNet

PASS = 8192  # rows of a forward pass, the steps of a path included


@dataclass(frozen=True, kw_only=True)
class OutputAttribution:
    """Integrated gradients of every output: `parts[rows, outputs, features]`.

    Their sum over the features should be the output's change from the baseline: `error` is the mean absolute
    difference, as a fraction of the mean absolute change.
    """

    parts: Tensor
    error: float


def mean_inputs(network: TabularNet, rows: Tensor) -> Tensor:
    """The baseline `[1, width]`: mean input of `rows`, an average row, whose categories are between all labels."""
    with torch.no_grad():
        return torch.cat([network.inputs(some) for some in torch.split(rows, PASS)]).mean(0, keepdim=True)


def attribute_outputs(network: TabularNet, rows: Tensor, baseline: Tensor, *, steps: int) -> OutputAttribution:
    """Sundararajan et al. 2017, eq. 1, by Gauss–Legendre quadrature in `steps` steps, of the outputs' `evidence`."""
    method = IntegratedGradients(network.evidence)
    with torch.no_grad():
        inputs = network.inputs(rows)
        change = network.evidence(inputs) - network.evidence(baseline)
    parts = torch.stack(
        [
            _by_rows(lambda some: method.attribute(some, baseline, output, n_steps=steps), inputs, steps)  # noqa: B023
            for output in range(change.shape[1])
        ],
        dim=1,
    )
    error = (parts.sum(2) - change).abs().mean() / change.abs().mean().clamp(min=1e-12)
    return OutputAttribution(parts=_by_feature(network, parts), error=float(error))


def attribute_neurons(
    network: TabularNet, rows: Tensor, baseline: Tensor, targets: Tensor, *, layer: str, steps: int
) -> Tensor:
    """Conductance of every neuron of a layer from each feature to each row's output: `[rows, neurons, features]`.

    Dhamdhere et al., How Important Is a Neuron? (2018), eq. 3: integrated gradients of what reaches the output
    `targets[rows]` through the neuron.
    """
    module = network.layers()[layer]
    method = NeuronConductance(network.evidence, module)
    with torch.no_grad():
        inputs = network.inputs(rows)
    neurons = activations(network, rows[:1], layer).shape[1]

    def conductance(some: Tensor, wanted: Tensor, neuron: int) -> Tensor:
        return method.attribute(some, neuron, baseline, wanted, n_steps=steps, method="gausslegendre")

    parts = [
        torch.cat([
            conductance(some, wanted, neuron).detach()
            for some, wanted in zip(_split(inputs, steps), _split(targets, steps), strict=True)
        ])
        for neuron in range(neurons)
    ]  # fmt: skip
    return _by_feature(network, torch.stack(parts, dim=1))


@torch.no_grad()
def activations(network: TabularNet, rows: Tensor, layer: str) -> Tensor:
    """The outputs of a layer's neurons, `[rows, neurons]`."""
    found = []
    handle = network.layers()[layer].register_forward_hook(lambda module, given, output: found.append(output))
    try:
        for some in torch.split(rows, PASS):
            network(some)
    finally:
        handle.remove()
    return torch.cat(found)


def _by_rows(attribute: Callable[[Tensor], Tensor], inputs: Tensor, steps: int) -> Tensor:
    return torch.cat([attribute(some).detach() for some in _split(inputs, steps)]).to(inputs.dtype)


def _split(tensor: Tensor, steps: int) -> tuple[Tensor, ...]:
    return torch.split(tensor, max(PASS // steps, 1))


def _by_feature(network: TabularNet, parts: Tensor) -> Tensor:
    """`parts[..., width]` summed over each feature's inputs: `[..., features]`."""
    summed = parts.new_zeros(*parts.shape[:-1], network.features)
    return summed.index_add_(parts.dim() - 1, network.owner, parts)
