"""Whether the project's champion is better than the model that is shipped with the library."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.degrade import SEVERITIES, degrade, seeds_of
from models.network import CropNet
from tasks.common.determinism import deterministic
from tasks.common.files import write_json
from tasks.common.params import Params
from tasks.crop_table.shards import stream_images
from tasks.crop_table.splits import SELECTION_SPLIT, SEVERITY
from tasks.metrics.classification import is_text
from tasks.predict.open_model import COMPARED, SHIPPED_FILE
from tasks.train.batches import as_images, logits_of
from tasks.train.card import weights_of
from tasks.train.weights import load_model
from unfont.errors import UserError
from unfont.model import OnnxModel

DIGITS = 4


def compare_with_shipped(params: Params, folder: Path, *, table: Path, file: Path = SHIPPED_FILE) -> dict[str, Any]:
    """Accuracy of the champion in `folder` and of the shipped model, on `validation` text at 'light'.

    The result is written into the problem's folder (`COMPARED`), where `serving_model` reads it: `weights` of the
    champion, `own`, `shipped`, and `better`: whether the own one serves. One of other labels or another size always
    does, and one whose project has the shipped model's file missing or damaged; then the accuracies are None.
    """
    network, card = load_model(folder)
    result: dict[str, Any] = {"weights": weights_of(folder), "own": None, "shipped": None, "better": True}
    shipped = _like(file, card)
    if shipped is not None:
        with deterministic(params.threads):
            rights = np.concatenate(list(_rights(params, network, shipped, table)))
        own, theirs = (round(float(right), DIGITS) for right in rights.mean(0))
        result |= {"own": own, "shipped": theirs, "better": own > theirs}
    write_json(params.home / COMPARED, result)
    return result


def _like(file: Path, card: dict[str, Any]) -> OnnxModel | None:
    """The shipped model, if it has the labels and the size of `card`."""
    try:
        shipped = OnnxModel(file)
    except UserError:
        return None
    same = list(shipped.labels) == card["labels"] and shipped.shape == (card["height"], card["width"], card["channels"])
    return shipped if same else None


def _rights(params: Params, network: CropNet, shipped: OnnxModel, table: Path) -> Iterator[np.ndarray]:
    """Whether the two are right, bool [crops, 2], of each batch's text (`is_text`)."""
    target = params.labels.target
    for pixels, rows in stream_images(table, [SELECTION_SPLIT], params.evaluate.batch):
        clean = as_images(torch.from_numpy(pixels), network.channels)
        images = degrade(clean, seeds_of(rows["key"].tolist(), 0), SEVERITIES[SEVERITY])
        crops = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        crops = np.ascontiguousarray(crops[..., 0] if network.channels == 1 else crops)
        predicted = [logits_of(network, images).numpy().argmax(1), shipped.logits(crops).argmax(1)]
        labels = np.array(shipped.labels)
        text = is_text(rows, target=target)
        yield np.stack([(labels[one] == rows[target].astype(str))[text] for one in predicted], axis=1)
