"""Predictions for crops and pictures explained: attribution maps with their checks, many pictures side by side."""

import dataclasses
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.explain.attribution_checks import Curves
from models.explain.threads import in_threads
from models.network import CropNet, folded
from tasks.common.determinism import derived_seed, deterministic
from tasks.common.params import Params
from tasks.common.progress import Progress, silent
from tasks.explain.attribution_maps import METHODS, PART, Attribution, attribution_of, randomised
from tasks.explain.sample import Sample
from tasks.train.batches import logits_of
from tasks.train.weights import check_size, load_model
from unfont.errors import UserError
from unfont.rank import answer
from unfont.text import shown

TOP = 3  # labels given for a picture
EVERY = 10.0  # seconds between two lines of progress
log = logging.getLogger("unfont")


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
