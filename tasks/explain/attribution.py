"""Attribution of predictions to pixels by three methods, with the checks of each map."""

import copy
import dataclasses
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.explain.attribution import Integrated, grad_cam, integrated_gradients, mean_baseline, occlusion
from models.explain.attribution_checks import Curves, curves_by_method, weight_randomisation
from models.explain.threads import in_threads
from models.network import CropNet, folded
from models.settings import AttributionSettings
from tasks.common.determinism import derived_seed, deterministic
from tasks.common.params import Params
from tasks.explain.sample import Sample
from tasks.train.batches import logits_of
from tasks.train.weights import check_size, load_model
from unfont.errors import UserError
from unfont.rank import answer
from unfont.text import shown

GRAD_CAM, OCCLUSION, INTEGRATED = "Grad-CAM", "occlusion", "integrated gradients"
METHODS = (GRAD_CAM, OCCLUSION, INTEGRATED)
EDGES = 0.5  # similarity of maps to those of other weights from which they are edges: half of all ranks
TOP = 3  # labels given for a picture
PART = 16  # pictures that are explained together
EVERY = 10.0  # seconds between two lines of progress
log = logging.getLogger("unfont")

Explain = Callable[[nn.Module], Tensor]
Progress = Callable[[str], None]  # is told what is done next


def silent(_: str) -> None:
    """A `Progress` that says nothing."""


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


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Pictures with a network's predictions and their attribution.

    Attributes:
        names: of the pictures: files, or crops' keys.
        images: float32 [n, channels, h, w] in [0, 1], as the network read them.
        target: what the labels are of: `script`.
        predictions: for each picture the result of `unfont.rank.answer`.
        labels: for each picture the label that its maps are of.
        windows: for each picture the number of the window that `images` has of it, from 1, and of how many.
        randomisation: by method and layer, last layer first, similarity of the maps as weights are randomised
            from the last layer down to that one (Spearman's r, on the first `attribution.randomised` pictures).
    """

    names: list[str]
    images: Tensor
    target: str
    predictions: list[dict[str, Any]]
    labels: list[str]
    windows: list[tuple[int, int]]
    attribution: Attribution
    randomisation: dict[str, dict[str, float]]


def explain_crops(
    params: Params,
    keys: Sequence[str],
    *,
    table: Path,
    model_folder: Path,
    severity: str,
    temperature: float = 1.0,
    labels: Sequence[str] | None = None,
) -> Explained:
    """Explain a model's predictions for crops of the table, such as mistakes, degraded as they are tested.

    Args:
        keys: of the crops, one or more, explained in this order.
        labels: for each crop the label that its maps are of; the model's prediction unless given.

    Raises:
        UserError: there is no such model or crop, they do not fit each other, or a label is none of the model's.
    """
    network, card = load_model(model_folder)
    sample = Sample.of_keys(table, keys, target=card["target"], severity=severity)
    check_size(sample.pixels, {str(model_folder): network}, table)
    unknown = [label for label in labels or () if label not in card["labels"]]
    if unknown:
        fix = f"it knows {', '.join(card['labels'])}"
        raise UserError(f"the model knows no label '{shown(unknown[0])}'", where=model_folder, fix=fix)
    with deterministic(params.threads):
        images = sample.images(network.channels)
        logits = logits_of(network, images)
    probabilities = (logits.double() / temperature).softmax(1).numpy()
    predictions = [answer(row[None], card["labels"], target=card["target"], top=TOP) for row in probabilities]
    return explain_images(
        params, network, card, names=sample.keys, images=images, predictions=predictions,
        labels=labels or [prediction[card["target"]] for prediction in predictions], temperature=temperature,
    )  # fmt: skip


def explain_images(
    params: Params,
    network: CropNet,
    card: dict[str, Any],
    *,
    names: list[str],
    images: Tensor,
    predictions: list[dict[str, Any]],
    labels: Sequence[str],
    windows: list[tuple[int, int]] | None = None,
    temperature: float = 1.0,
    progress: Progress = silent,
) -> Explained:
    """Explain what `network` says of `images[n, channels, h, w]` for one of its labels each.

    Args:
        temperature: of the probabilities along the curves, that of the predictions.
        names, predictions, windows: as in `Explained`; each image is all of its picture unless `windows` are given.
    """
    settings = params.attribution
    targets = torch.tensor([card["labels"].index(label) for label in labels])
    with deterministic(params.threads):
        seed = derived_seed(params.seed, "random map")
        attribution = _in_parts(network, images, targets, params, seed=seed, temperature=temperature, progress=progress)
        some = slice(settings.randomised)
        seed = derived_seed(params.seed, "random weights")
        randomisation = randomised(network, images[some], targets[some], settings, seed=seed, progress=progress)
    return Explained(
        names=names,
        images=images,
        target=card["target"],
        predictions=predictions,
        labels=list(labels),
        windows=windows or [(1, 1)] * len(names),
        attribution=attribution,
        randomisation=randomisation,
    )


def _in_parts(
    network: CropNet,
    images: Tensor,
    targets: Tensor,
    params: Params,
    *,
    seed: int,
    temperature: float,
    progress: Progress,
) -> Attribution:
    """`attribution_of` in parts, in parallel, with lines of progress where there are many."""

    def of_part(rows: Tensor) -> Attribution:
        # Methods set hooks on the network that they explain: each part has a copy of its own.
        return attribution_of(
            folded(network), images[rows], targets[rows], params.attribution, seed=seed, temperature=temperature,
            progress=lambda step: progress(f"{step} of {len(rows)} of {len(images)} pictures"),
        )  # fmt: skip

    parts, start, reported = [], time.monotonic(), 0.0
    for part in in_threads(of_part, torch.split(torch.arange(len(images)), PART), params.threads):
        parts.append(part)
        done, passed = PART * len(parts), time.monotonic() - start
        if done < len(images) and passed > reported + EVERY:
            log.info(
                "explained %d of %d pictures; %.0f s left", done, len(images), passed / done * (len(images) - done)
            )
            reported = passed
    return _joined(parts)


def _joined(parts: Sequence[Attribution]) -> Attribution:
    names = [field.name for field in dataclasses.fields(Curves)]
    return Attribution(
        targets=np.concatenate([part.targets for part in parts]),
        maps={method: np.concatenate([part.maps[method] for part in parts]) for method in METHODS},
        curves={
            method: Curves(*(torch.cat([getattr(part.curves[method], name) for part in parts]) for name in names))
            for method in METHODS
        },
        completeness_error=np.concatenate([part.completeness_error for part in parts]),
    )


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
