"""Attribution of the predictions for picture files: of each, in one of the windows that its prediction combines."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tasks.common.determinism import deterministic
from tasks.common.params import Params
from tasks.common.progress import Progress, silent
from tasks.crop_table.png import Pixels
from tasks.explain.attribution import TOP, Explained, explain_images
from tasks.images.training_windows import TRAINED
from tasks.predict.predict import predict_files
from tasks.predict.torch_model import TorchModel
from tasks.train.batches import as_images
from unfont.answers import writing_of
from unfont.errors import UserError
from unfont.picture import read_picture
from unfont.reading import cut
from unfont.text import shown


def explain_files(
    params: Params, files: Sequence[Path], *, model_folder: Path, temperature: float = 1.0, progress: Progress = silent
) -> tuple[Explained | None, list[UserError]]:
    """Explain a model's prediction for every picture file that can be read; the others give an error each.

    The predictions are those of `tasks.predict.predict.predict_files`. The maps are of one window: of those at the
    scale of training the one in which the likeliest label has the highest probability.

    Args:
        temperature: of the probabilities (`tasks.predict.champion.temperature_of`).
        progress: is told each step.

    Returns:
        The attribution, None where no file can be read; and one error for each file that is left out.

    Raises:
        UserError: there is no such model.
    """
    progress(f"predictions for {len(files)} pictures")
    model = TorchModel.of_folder(model_folder, temperature=temperature)
    records, problems = predict_files(files, model=model, top=TOP)
    if not records:
        return None, problems
    labels = [record["top"][0][model.target] for record in records]  # of a mixed picture too, whose answer is no label
    pixels, windows = [], []
    with deterministic(params.threads):
        for record, label in zip(records, labels, strict=True):
            found = _windows_of(record, model)
            best = int(model.probabilities(found)[:, model.labels.index(label)].argmax())
            pixels.append(found[best])
            windows.append((best + 1, len(found)))
    explained = explain_images(
        params,
        model.network,
        model.card,
        names=[shown(record["file"]) for record in records],
        images=as_images(torch.from_numpy(np.stack(pixels)), model.network.channels),
        predictions=[{name: value for name, value in record.items() if name != "file"} for record in records],
        labels=labels,
        windows=windows,
        temperature=temperature,
        progress=progress,
    )
    return explained, problems


def _windows_of(record: dict[str, Any], model: TorchModel) -> Pixels:
    """The windows of a predicted picture at the scale of training, turned as it was read; or the whole picture."""
    height, width, channels = model.shape
    picture = read_picture(Path(record["file"]), channels=channels)
    picture = np.ascontiguousarray(np.rot90(picture, record.get("turned", 0) // 90))
    return cut(writing_of(model, picture), height=height, width=width, scales=TRAINED).windows
