"""How much each variable matters to a trained network, by several methods."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.settings import InfluenceSettings
from models.table_attribution import attribute_neurons, attribute_outputs, mean_inputs
from tasks.common.determinism import derived_seed
from tasks.influence.dataset import Dataset
from tasks.influence.train import Fit, losses_of, predict


@dataclass(frozen=True, kw_only=True)
class Importance:
    """Of one network, over the rows held out.

    Attributes:
        integrated: mean |integrated gradients| `[outputs, variables]`.
        features: the same of all outputs, each by its frequency, by feature: `[features]`.
        permutation: rise of the loss where a variable is shuffled, `[variables, repeats]`.
        error: of integrated gradients' completeness, as a fraction.
    """

    integrated: Tensor
    features: Tensor
    weights: Tensor
    permutation: Tensor
    error: float

    @property
    def overall(self) -> Tensor:
        """`integrated` over all outputs, each by its frequency: `[variables]`."""
        return self.weights @ self.integrated


def measure_importance(data: Dataset, fit: Fit, settings: InfluenceSettings, *, seed: int) -> Importance:
    """Integrated gradients and permutation importance of every variable."""
    matrix, network = data.features.matrix, fit.network
    baseline = mean_inputs(network, matrix[data.train[: settings.permuted]])
    found = attribute_outputs(network, matrix[data.held_out[: settings.rows]], baseline, steps=settings.path)
    weights = _frequencies(data)
    return Importance(
        integrated=by_variable(data, found.parts).abs().mean(0),
        features=weights @ found.parts.abs().mean(0),
        weights=weights,
        permutation=_permutation(data, fit, settings, seed=seed),
        error=found.error,
    )


def by_variable(data: Dataset, parts: Tensor) -> Tensor:
    """`parts[..., features]` summed over each variable's features: `[..., variables]`."""
    summed = parts.new_zeros(*parts.shape[:-1], len(data.features.variables))
    return summed.index_add_(parts.dim() - 1, data.features.of_variable(), parts)


def conductance_of(data: Dataset, fit: Fit, settings: InfluenceSettings, rows: Tensor) -> dict[str, Tensor]:
    """Of each layer the conductance of its neurons to each row's predicted output: `[rows, neurons, variables]`."""
    matrix, network = data.features.matrix, fit.network
    baseline = mean_inputs(network, matrix[data.train[: settings.permuted]])
    targets = predict(network, matrix[rows]).argmax(1)
    return {
        layer: by_variable(
            data, attribute_neurons(network, matrix[rows], baseline, targets, layer=layer, steps=settings.path)
        )
        for layer in network.layers()
    }


def _frequencies(data: Dataset) -> Tensor:
    """How often each output is the target in training; 1 of a number."""
    if not data.target.labels:
        return torch.ones(1)
    counts = torch.bincount(data.target.classes[data.train], minlength=data.target.outputs)
    return counts / counts.sum()


def _permutation(data: Dataset, fit: Fit, settings: InfluenceSettings, *, seed: int) -> Tensor:
    """Breiman 2001, on the loss: the features of a variable are shuffled together, as of a date's parts."""
    rows = data.held_out[: settings.permuted]
    matrix, variables = data.features.matrix[rows], data.features.of_variable()
    loss = losses_of(data, fit.network, matrix, rows)
    found = torch.zeros(len(data.features.variables), settings.repeats)
    for variable in range(len(found)):
        own = (variables == variable).nonzero().flatten()
        for repeat in range(settings.repeats):
            random = torch.Generator().manual_seed(derived_seed(seed, "permutation", variable, repeat))
            shuffled = matrix.clone()
            shuffled[:, own] = matrix[torch.randperm(len(rows), generator=random)][:, own]
            found[variable, repeat] = losses_of(data, fit.network, shuffled, rows) - loss
    return found
