"""Real pictures of the user's with their labels, where there are some: what every model makes of them.

`real.json`: `n`; `models.<model>`: `accuracy` and the other metrics of `tasks.predict.evaluate_folder`; `chosen`: of
the chosen model `name`, `by_label`, `by_folder` (`n` and `accuracy` of each) and `confusions`; `rejected`: how many
files were left out for each reason. Without pictures `n` is 0 and there are no models.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from tasks.common.determinism import deterministic, worker_threads
from tasks.common.files import write_json
from tasks.common.params import Params
from tasks.evaluate.model_selection import read_choice
from tasks.images.label_names import LabelNames
from tasks.metrics.classification import measure, worst_confusions
from tasks.predict.champion import temperature_of
from tasks.predict.evaluate_folder import (
    CONFUSIONS,
    FOLDER_METRICS,
    LabelledPictures,
    accuracy_of_values,
    labelled_pictures,
    predicted_rows,
)
from tasks.predict.torch_model import TorchModel
from tasks.train.card import read_card, weights_of

REAL = Path("data/real")
log = logging.getLogger("unfont")


def real_folder(problem: str) -> Path:
    """Where a user puts real pictures with labels: `<label>/<picture>`, in folders of any depth."""
    return REAL / problem


def find_real(params: Params, *, folder: Path, model: Path) -> LabelledPictures | None:
    """The pictures below `folder`, None where there is no such folder; nothing is read yet.

    Args:
        model: folder of a model, whose labels they may have.

    Raises:
        UserError: no path names a label, or one that the model does not know.
    """
    if not folder.is_dir():
        return None
    pattern = params.labels.pattern or f"**/{{{params.labels.target}}}/*"
    return labelled_pictures(folder, pattern, card=read_card(model), names=LabelNames({}))


def measure_real(
    params: Params, pictures: LabelledPictures | None, *, models: Mapping[str, Path], out: Path
) -> dict[str, float]:
    """Read the pictures with every model, at its own temperature, and write `out` as described above.

    No choice depends on them.

    Returns:
        `real.<model>.accuracy` of every model.
    """
    result: dict[str, Any] = {"n": 0, "models": {}, "chosen": None, "rejected": {}}
    choice = read_choice(params.home)
    if pictures is not None and choice is not None:
        scored = _scored(params, pictures, models)
        own, unread = scored[choice["name"]]
        result["rejected"] = dict(Counter(one["reason"] for one in [*pictures.rejected, *unread]).most_common())
        if own.empty:
            log.warning("real pictures: none of %d can be read: %s", len(pictures.good), unread[0]["reason"])
        else:
            result |= {
                "n": len(own),
                "models": {name: _metrics(params, rows) for name, (rows, _) in scored.items()},
                "chosen": _details(choice["name"], own),
            }
        for name, metrics in result["models"].items():
            log.info("real pictures: %s %.4f of %d", name, metrics["accuracy"], len(own))
        for note in pictures.notes:
            log.warning("real pictures: %s", note)
    write_json(out, result)
    return {f"real.{name}.accuracy": of["accuracy"] for name, of in result["models"].items()}


def _scored(
    params: Params, pictures: LabelledPictures, models: Mapping[str, Path]
) -> dict[str, tuple[pd.DataFrame, list[dict[str, str]]]]:
    """Of every model its predictions and what could not be read; the same weights are asked once, a thread each."""
    first = {weights_of(folder): folder for folder in models.values()}

    def score(folder: Path) -> tuple[pd.DataFrame, list[dict[str, str]]]:
        return predicted_rows(pictures.good, TorchModel.of_folder(folder, temperature=temperature_of(params, folder)))

    with deterministic(params.threads), worker_threads() as threads:
        found = dict(zip(first, threads.map(score, first.values()), strict=True))
    return {name: found[weights_of(folder)] for name, folder in models.items()}


def _details(name: str, rows: pd.DataFrame) -> dict[str, Any]:
    return {
        "name": name,
        "by_label": accuracy_of_values(rows, "true"),
        "by_folder": accuracy_of_values(rows.assign(folder=rows["file"].map(_folder_of)), "folder"),
        "confusions": worst_confusions(rows, top=CONFUSIONS),
    }


def _metrics(params: Params, rows: pd.DataFrame) -> dict[str, Any]:
    confidence = params.evaluate.confidence
    found = measure(rows, nuisance=None, group="true", thin=(), cell_crops=1, confidence=confidence)
    return {name: found[name] for name in FOLDER_METRICS}


def _folder_of(file: str) -> str:
    """The folders above the label's: a set of pictures, such as `newspapers/words`; "." where there are none."""
    return str(PurePosixPath(file).parent.parent)
