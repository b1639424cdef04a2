"""Attribution maps by three methods, with the checks of each map."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.explain.attribution import Integrated, grad_cam, integrated_gradients, mean_baseline, occlusion
from models.explain.attribution_checks import Curves, curves_by_method, weight_randomisation
from models.explain.threads import in_threads
from models.network import CropNet, folded
from models.settings import AttributionSettings
from tasks.common.progress import Progress, silent

GRAD_CAM, OCCLUSION, INTEGRATED = "Grad-CAM", "occlusion", "integrated gradients"
METHODS = (GRAD_CAM, OCCLUSION, INTEGRATED)
EDGES = 0.5  # similarity of maps to those of other weights from which they are edges: half of all ranks
PART = 16  # pictures that are explained together

Explain = Callable[[nn.Module], Tensor]


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """Attribution of the predictions of some pictures; every array's first axis is the picture.

    Attributes:
        targets: int64 [n], the indices of the labels that the maps are of.
        maps: by method float32 [n, h, w]: evidence for the label above 0, against it below 0. Grad-CAM has
            no negative evidence.
        curves: by method p(label) as pixels are deleted and inserted in the map's order.
        completeness_error: float32 [n], the absolute completeness error of integrated gradients, as a fraction of
            the difference of the logit between picture and baseline.
    """

    targets: NDArray[np.int64]
    maps: dict[str, NDArray[np.float32]]
    curves: dict[str, Curves]
    completeness_error: NDArray[np.float32]


def attribution_of(
    network: CropNet,
    images: Tensor,
    targets: Tensor,
    settings: AttributionSettings,
    *,
    seed: int,
    temperature: float = 1.0,
    progress: Progress = silent,
) -> Attribution:
    """Maps of `images[n, channels, h, w]` for the labels `targets[n]`, and their checks.

    Must run within `deterministic`.

    Args:
        seed: of the random maps that the curves are compared with.
        temperature: of the curves' probabilities.
    """
    progress(INTEGRATED)
    found, methods = _integrated(network, images, targets, settings), _methods(images, targets, settings)
    maps = {}
    for name in (GRAD_CAM, OCCLUSION):
        progress(name)
        maps[name] = methods[name](network)
    maps[INTEGRATED] = found.maps.sum(dim=1)
    progress("insertion and deletion")
    baseline, calibrated = mean_baseline(images), _AtTemperature(network, temperature).eval()
    return Attribution(
        targets=targets.numpy(),
        maps={name: one.detach().numpy() for name, one in maps.items()},
        curves=curves_by_method(calibrated, images, targets, maps, baseline=baseline, steps=settings.parts, seed=seed),
        completeness_error=(found.error.abs() / found.difference.abs().clamp_min(1e-6)).numpy(),
    )


def maps_of(
    network: CropNet, images: Tensor, targets: Tensor, settings: AttributionSettings, *, workers: int
) -> dict[str, NDArray[np.float32]]:
    """Maps alone, without their checks: by method `[n, h, w]`, of `images[n, channels, h, w]` for `targets[n]`.

    Must run within `deterministic`. `workers`: threads.
    """

    def of_part(rows: Tensor) -> dict[str, Tensor]:
        own = folded(network)  # methods set hooks on the network that they explain
        return {
            name: explain(own).detach() for name, explain in _methods(images[rows], targets[rows], settings).items()
        }

    parts = list(in_threads(of_part, torch.split(torch.arange(len(images)), PART), workers))
    return {name: torch.cat([part[name] for part in parts]).numpy() for name in METHODS}


class _AtTemperature(nn.Module):
    """A network whose logits are divided by a temperature."""

    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network, self.temperature = network, temperature

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images)
        return logits / self.temperature


def shows_edges(randomisation: Mapping[str, Mapping[str, float]]) -> dict[str, bool]:
    """By method whether its maps stay as they are where the last layer's weights are drawn anew (`EDGES`).

    Such maps show the picture's edges more than what the network learned (Adebayo et al., Sanity Checks for Saliency
    Maps, 2018). Methods that pass come first.
    """
    found = {method: next(iter(by_layer.values())) >= EDGES for method, by_layer in randomisation.items()}
    return dict(sorted(found.items(), key=lambda item: item[1]))


def randomised(
    network: CropNet,
    images: Tensor,
    targets: Tensor,
    settings: AttributionSettings,
    *,
    seed: int,
    progress: Progress = silent,
) -> dict[str, dict[str, float]]:
    """Weight randomisation of every method: `Explained.randomisation`. `seed`: of the new weights."""
    found = {}
    for name, explain in _methods(images, targets, settings).items():
        progress(f"weight randomisation, {name} of {len(images)} pictures")
        found[name] = weight_randomisation(network, images, explain, seed=seed)
    return found


def _methods(images: Tensor, targets: Tensor, settings: AttributionSettings) -> dict[str, Explain]:
    window, stride = (settings.window[0], settings.window[1]), (settings.stride[0], settings.stride[1])
    baseline = mean_baseline(images)
    return {
        GRAD_CAM: lambda network: grad_cam(network, images, targets),
        OCCLUSION: lambda network: occlusion(network, images, targets, window=window, stride=stride, baseline=baseline),
        INTEGRATED: lambda network: _integrated(network, images, targets, settings).maps.sum(dim=1),
    }


def _integrated(network: nn.Module, images: Tensor, targets: Tensor, settings: AttributionSettings) -> Integrated:
    """Integrated gradients of the backbone's input, from a uniform baseline: zeros once standardised.

    Standardising treats mean and deviation as constants to the gradient. On a path through it, along which the
    contrast rises, the gradients would not be complete; it has no weights, so the path starts behind it.
    """
    behind = copy.deepcopy(network)
    if isinstance(network, CropNet):
        behind.standardise = nn.Identity()
        with torch.no_grad():
            images = network.standardise(images)
    return integrated_gradients(behind, images, targets, steps=settings.steps)
