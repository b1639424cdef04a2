"""What a network's answer to a picture rests on: maps by three methods, each with the tests of whether to trust it."""

import copy
import dataclasses
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.explain.attribution import Integrated, grad_cam, integrated_gradients, occlusion, plain
from models.explain.threads import in_threads
from models.explain.trust import Curves, curves_by_method, weight_randomisation
from models.network import CropNet, folded
from models.settings import AttributionSettings
from tasks.common.determinism import derived_seed, deterministic
from tasks.common.errors import UserError
from tasks.common.params import Params
from tasks.common.text import shown
from tasks.explain.sample import Sample
from tasks.images.read_image import read_crop
from tasks.predict.predict import ranked
from tasks.train.batches import as_images, logits_of
from tasks.train.weights import check_size, load_model

GRAD_CAM, OCCLUSION, INTEGRATED = "Grad-CAM", "occlusion", "integrated gradients"
METHODS = (GRAD_CAM, OCCLUSION, INTEGRATED)
TOP = 3  # guesses told of a picture
PART = 16  # pictures that are explained together
EVERY = 10.0  # seconds between two lines of progress
log = logging.getLogger("unfont")

Explain = Callable[[nn.Module], Tensor]


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """What the answers to some pictures rest on; every array's first axis is the picture.

    Attributes:
        targets: int64 [n], the places of the labels that the maps speak for.
        maps: by method float32 [n, h, w]: above 0 a pixel speaks for the label, below 0 against it. Grad-CAM
            knows no against.
        curves: by method how p(label) falls and rises as pixels go and come in the map's order.
        completeness_error: float32 [n], by how much integrated gradients miss the logit's difference between the
            picture and its plain ground that they should add up to, as a share of it.
    """

    targets: NDArray[np.int64]
    maps: dict[str, NDArray[np.float32]]
    curves: dict[str, Curves]
    completeness_error: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Pictures with a network's answers to them and what these rest on.

    Attributes:
        names: of the pictures: files, or crops' keys.
        images: float32 [n, channels, h, w] in [0, 1], as the network read them.
        target: what the labels are of: `script`.
        answers: of each picture what `tasks.predict.predict.ranked` gives.
        labels: of each picture the label that its maps speak for.
        randomisation: by method and layer, last layer first, how alike the maps stay while the weights are drawn
            anew from the last layer down to that one (Spearman's r, on the first `attribution.randomised` pictures).
    """

    names: list[str]
    images: Tensor
    target: str
    answers: list[dict[str, Any]]
    labels: list[str]
    attribution: Attribution
    randomisation: dict[str, dict[str, float]]


def explain_files(
    params: Params, files: Sequence[Path], *, model_folder: Path, temperature: float = 1.0
) -> tuple[Explained | None, list[UserError]]:
    """Explain a model's answer to every picture file that can be read, and say of every other why it cannot.

    Args:
        temperature: of the probabilities of the answers (`tasks.predict.champion.temperature_of`).

    Returns:
        What was found, None where no file can be read; and one error for each file that is left out.

    Raises:
        UserError: there is no such model.
    """
    network, card = load_model(model_folder)
    size = {name: card[name] for name in ("height", "width", "channels")}
    names, crops, problems = [], [], []
    for file in files:
        try:
            crops.append(read_crop(file, **size))
            names.append(shown(file))
        except UserError as problem:
            problems.append(UserError(problem.what, where=shown(problem.where), fix=problem.fix))
    if not crops:
        return None, problems
    images = as_images(torch.from_numpy(np.stack(crops)), network.channels)
    return _explained(params, network, card, names, images, temperature=temperature), problems


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
    """Explain a model's answers to crops of the table (mistakes, say), degraded as they are tested.

    Args:
        keys: of the crops, one or more, explained in this order.
        labels: of each crop the label that its maps speak for; the model's answer unless given.

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
    return _explained(params, network, card, sample.keys, images, temperature=temperature, labels=labels)


def _explained(
    params: Params,
    network: CropNet,
    card: dict[str, Any],
    names: list[str],
    images: Tensor,
    *,
    temperature: float,
    labels: Sequence[str] | None = None,
) -> Explained:
    settings = params.attribution
    with deterministic(params.threads):
        logits = logits_of(network, images)
        probabilities = (logits.double() / temperature).softmax(1).numpy()
        targets = torch.tensor([card["labels"].index(label) for label in labels]) if labels else logits.argmax(1)
        attribution = _in_parts(network, images, targets, params, seed=derived_seed(params.seed, "random map"))
        some = slice(settings.randomised)
        seed = derived_seed(params.seed, "random weights")
        randomisation = randomised(network, images[some], targets[some], settings, seed=seed)
    return Explained(
        names=names,
        images=images,
        target=card["target"],
        answers=ranked(probabilities, card["labels"], target=card["target"], top=TOP),
        labels=[card["labels"][place] for place in targets.tolist()],
        attribution=attribution,
        randomisation=randomisation,
    )


def _in_parts(network: CropNet, images: Tensor, targets: Tensor, params: Params, *, seed: int) -> Attribution:
    """`attend` part by part, parts side by side, with a line of progress now and then where there are many."""

    def of_part(rows: Tensor) -> Attribution:
        # Methods hook into the network that they explain: each part has one of its own.
        return attend(folded(network), images[rows], targets[rows], params.attribution, seed=seed)

    parts, start, told = [], time.monotonic(), 0.0
    for part in in_threads(of_part, torch.split(torch.arange(len(images)), PART), params.threads):
        parts.append(part)
        done, passed = PART * len(parts), time.monotonic() - start
        if done < len(images) and passed > told + EVERY:
            log.info(
                "explained %d of %d pictures; %.0f s left", done, len(images), passed / done * (len(images) - done)
            )
            told = passed
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


def attend(
    network: CropNet, images: Tensor, targets: Tensor, settings: AttributionSettings, *, seed: int
) -> Attribution:
    """Maps of `images[n, channels, h, w]` for the labels at places `targets[n]`, and what they are worth.

    Must run within `deterministic`.

    Args:
        seed: of the random maps that the curves are held against.
    """
    found, methods = _integrated(network, images, targets, settings), _methods(images, targets, settings)
    maps = {name: methods[name](network) for name in (GRAD_CAM, OCCLUSION)} | {INTEGRATED: found.maps.sum(dim=1)}
    ground = plain(images)
    return Attribution(
        targets=targets.numpy(),
        maps={name: one.detach().numpy() for name, one in maps.items()},
        curves=curves_by_method(network, images, targets, maps, baseline=ground, steps=settings.parts, seed=seed),
        completeness_error=(found.error.abs() / found.difference.abs().clamp_min(1e-6)).numpy(),
    )


def randomised(
    network: CropNet, images: Tensor, targets: Tensor, settings: AttributionSettings, *, seed: int
) -> dict[str, dict[str, float]]:
    """Weight randomisation of every method: `Explained.randomisation`. `seed`: of the new weights."""
    methods = _methods(images, targets, settings)
    return {name: weight_randomisation(network, images, explain, seed=seed) for name, explain in methods.items()}


def _methods(images: Tensor, targets: Tensor, settings: AttributionSettings) -> dict[str, Explain]:
    window, stride = (settings.window[0], settings.window[1]), (settings.stride[0], settings.stride[1])
    ground = plain(images)
    return {
        GRAD_CAM: lambda network: grad_cam(network, images, targets),
        OCCLUSION: lambda network: occlusion(network, images, targets, window=window, stride=stride, baseline=ground),
        INTEGRATED: lambda network: _integrated(network, images, targets, settings).maps.sum(dim=1),
    }


def _integrated(network: nn.Module, images: Tensor, targets: Tensor, settings: AttributionSettings) -> Integrated:
    """Integrated gradients of what the backbone sees, from a plain ground: zeros once standardised.

    Standardising takes mean and deviation for constants to the gradient. On a way through it, on which the
    contrast rises, the gradients would not add up; it has no weights, so the way starts behind it.
    """
    behind = copy.deepcopy(network)
    if isinstance(network, CropNet):
        behind.standardise = nn.Identity()
        with torch.no_grad():
            images = network.standardise(images)
    return integrated_gradients(behind, images, targets, steps=settings.steps)
