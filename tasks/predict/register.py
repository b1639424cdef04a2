"""Register: log the chosen model, and make it champion where it is significantly better.

It is idempotent. A registered version is known by the SHA-256 of its weights, so the same weights are logged once.
"""

import base64
import contextlib
import importlib.metadata
import io
import logging
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import Model, ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import Array, Map, Object, Property
from PIL import Image

import models
import tasks
import unfont
from tasks.common.determinism import derived_seed, deterministic
from tasks.common.files import sha256_of, write_json
from tasks.common.mlflow_runs import NAME_TAG, PARENT_TAG, PARENT_VARIABLE
from tasks.common.mlflow_store import experiment_of, use_store
from tasks.common.params import Params
from tasks.crop_table.shards import nuisance_columns
from tasks.crop_table.splits import SELECTION_SPLIT, SEVERITY
from tasks.evaluate import predictions
from tasks.evaluate.criterion_difference import criterion_difference
from tasks.evaluate.model_selection import read_choice
from tasks.metrics.paired_bootstrap import Difference
from tasks.predict.champion import ALIAS, WEIGHTS_TAG, artifacts_of_version, registered_name
from tasks.predict.model_card import model_card
from tasks.predict.promote import ROLLED_BACK_TAG, make_champion
from tasks.train.card import CARD_FILE, WEIGHTS_FILE, read_card
from unfont.errors import UserError

# What the served model imports; named here, since MLflow would infer it in a process of its own.
REQUIREMENTS = ("mlflow", "numpy", "pandas", "pillow", "pyarrow", "pydantic", "pyyaml", "safetensors", "torch")
TEMPERATURE_TAG = "temperature"
DESCRIPTION = 5000  # letters that MLflow's registry has room for
log = logging.getLogger("unfont")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether the candidate takes the alias, and why.

    `difference` is its criterion on validation less the incumbent's, `lower_bound` that of the bootstrap's interval;
    both are None where nothing was compared.
    """

    moved: bool
    reason: str
    difference: float | None = None
    lower_bound: float | None = None


def register_model(params: Params, *, home: Path, table: Path, served_model: Path, fonts: Path) -> dict[str, Any]:
    """Register the model of `home`'s `chosen.json` and decide who is champion.

    The incumbent is scored again, on the present `validation` at 'light', where the choice was made. The alias moves
    only when the lower bound of a paired bootstrap of the difference in the criterion that chose is above 0
    (`tasks.evaluate.criterion_difference`). Labels that the incumbent does not know count as mistakes. It also moves
    where nobody holds it, where the incumbent has the same weights and another temperature, and where the
    incumbent cannot be scored at all: its files are gone, or it reads pictures of another size.

    What is registered is the model's folder, its card with the temperature of the choice; its description is the
    model card (`tasks.predict.model_card`), where `evaluate` measured the model.

    Args:
        fonts: the fonts' table.
        served_model: the file that defines the model which MLflow serves (models from code).

    Returns:
        `name`, `version`, `weights`, `logged` (False when it was registered before), and `Verdict`'s fields.

    Raises:
        UserError: no model is chosen, or its weights are not the ones that were chosen.
    """
    use_store()
    folder, choice = _chosen(home)
    name = registered_name(params.problem)
    version = _version_of(name, choice)
    logged = version is None
    if version is None:
        version = _log(params, name, folder, choice, served_model)
        _describe(params, version, read_card(folder), choice["name"], fonts)
    verdict = _judge(params, name, version, folder=folder, table=table)
    if verdict.moved:
        make_champion(name, str(version.version))
    log.info("%s version %s: %s", name, version.version, verdict.reason)
    facts = {"name": name, "version": str(version.version), "weights": choice["weights"], "logged": logged}
    return facts | asdict(verdict)


def _chosen(home: Path) -> tuple[Path, dict[str, Any]]:
    choice = read_choice(home)
    if choice is None:
        raise UserError("no model is chosen yet", where=home / "chosen.json", fix="run `unfont run`")
    folder = home / str(choice["path"])
    weights = folder / WEIGHTS_FILE
    if not weights.is_file() or sha256_of(weights) != choice["weights"]:
        raise UserError("these are not the chosen weights", where=weights, fix="run `unfont run`")
    return folder, choice


def _version_of(name: str, choice: dict[str, Any]) -> ModelVersion | None:
    """The first registered version with the choice's weights and temperature whose files are still there."""
    found = MlflowClient().search_model_versions(f"name = '{name}'", order_by=["version_number ASC"])
    for version in found:
        same = float(version.tags.get(TEMPERATURE_TAG, 1)) == choice["temperature"]
        if same and version.tags.get(WEIGHTS_TAG) == choice["weights"]:
            with contextlib.suppress(UserError):
                _files_of(name, version, choice["weights"])
                return version
    return None


def _files_of(name: str, version: ModelVersion, weights: str | None) -> Path:
    folder = artifacts_of_version(name, version.version)
    file = folder / WEIGHTS_FILE
    if not file.is_file() or (weights is not None and sha256_of(file) != weights):
        raise UserError("the registered weights are gone or changed", where=file, fix="register the model again")
    return folder


def _judge(params: Params, name: str, version: ModelVersion, *, folder: Path, table: Path) -> Verdict:
    held = MlflowClient().get_registered_model(name).aliases.get(ALIAS)
    if held is None:
        return Verdict(moved=True, reason="there was no champion")
    if str(held) == str(version.version):
        return Verdict(moved=False, reason="it is the champion already")
    if version.tags.get(ROLLED_BACK_TAG):
        return Verdict(moved=False, reason="it was rolled back")
    incumbent = MlflowClient().get_model_version(name, held)
    if incumbent.tags.get(WEIGHTS_TAG) == version.tags.get(WEIGHTS_TAG):
        return Verdict(moved=True, reason=f"champion {held} has the same weights, registered before")
    try:
        old = _incumbent(name, incumbent, read_card(folder))
        pair = {"new": predictions.Model.of_folder(folder), "old": old}
    except UserError as error:
        return Verdict(moved=True, reason=f"champion {held} cannot be scored: {error.what}")
    difference = _difference(params, pair, table)
    numbers = {"difference": round(difference.value, 6), "lower_bound": round(difference.lower, 6)}
    if difference.lower > 0:
        return Verdict(moved=True, reason=f"significantly better than champion {held}", **numbers)
    return Verdict(moved=False, reason=f"not significantly better than champion {held}", **numbers)


def _incumbent(name: str, version: ModelVersion, card: dict[str, Any]) -> predictions.Model:
    folder = _files_of(name, version, version.tags.get(WEIGHTS_TAG))
    own = read_card(folder)
    if (own["height"], own["width"]) != (card["height"], card["width"]):
        raise UserError("it reads crops of another size", where=folder, fix="register the new model")
    return predictions.Model.of_folder(folder)


def _difference(params: Params, pair: dict[str, predictions.Model], table: Path) -> Difference:
    """By how much "new" is better than "old" on `validation` at 'light', by the criterion that chose."""
    settings, labels = params.evaluate, params.labels
    with deterministic(params.threads):
        scored = predictions.score_split(
            pair, table=table, split=SELECTION_SPLIT, labels=labels, severities=[SEVERITY], batch=settings.batch
        )
    return criterion_difference(
        scored.of("new", SEVERITY),
        scored.of("old", SEVERITY),
        nuisance=next(iter(nuisance_columns(labels)), None),
        group=labels.group,
        cell_crops=min(settings.cell_crops, settings.choice_crops),
        resamples=settings.resamples,
        confidence=settings.confidence,
        seed=derived_seed(params.seed, "champion"),
    )


def _log(params: Params, name: str, folder: Path, choice: dict[str, Any], served_model: Path) -> ModelVersion:
    """Log the model folder's two files behind `served_model`, and register that as a new version."""
    card = read_card(folder) | {"temperature": choice["temperature"]}
    with (
        tempfile.TemporaryDirectory() as beside,
        _run(params.problem, f"register {choice['name']}", choice["weights"]) as run_id,
    ):
        write_json(Path(beside) / CARD_FILE, card)
        logged = Model.log(
            artifact_path=None,
            name=name,
            flavor=mlflow.pyfunc,
            run_id=run_id,
            python_model=str(served_model),
            artifacts={"weights": str(folder / WEIGHTS_FILE), "card": str(Path(beside) / CARD_FILE)},
            code_paths=[str(Path(package.__path__[0])) for package in (models, tasks, unfont)],
            pip_requirements=_requirements(),
            signature=_signature(card["target"]),
            input_example=_example(card["height"], card["width"]),
        )
    tags = {WEIGHTS_TAG: choice["weights"], TEMPERATURE_TAG: str(choice["temperature"])}
    tags |= {"problem": params.problem, "chosen": choice["name"]}
    return mlflow.register_model(logged.model_uri, name, tags=tags)


def _describe(params: Params, version: ModelVersion, card: dict[str, Any], measured: str, fonts: Path) -> None:
    with contextlib.suppress(UserError, FileNotFoundError):
        facts = {"name": f"{version.name} {version.version}", "labels": card["labels"]}
        text = model_card(params, measured, card=facts, fonts=fonts)
        MlflowClient().update_model_version(version.name, version.version, description=text[:DESCRIPTION])


@contextlib.contextmanager
def _run(problem: str, name: str, weights: str) -> Iterator[str]:
    """A run of its own in the problem's experiment, below the pipeline's if there is one."""
    tags = {NAME_TAG: name, WEIGHTS_TAG: weights}
    if parent := os.environ.get(PARENT_VARIABLE):
        tags[PARENT_TAG] = parent
    with mlflow.start_run(experiment_id=experiment_of(problem), nested=True, tags=tags) as run:
        yield run.info.run_id


def _requirements() -> list[str]:
    """Installed versions, without the local part that no registry knows (torch's `+cpu`)."""
    return [f"{name}=={importlib.metadata.version(name).partition('+')[0]}" for name in REQUIREMENTS]


def _signature(target: str) -> ModelSignature:
    top = Object([Property(target, DataType.string), Property("p", DataType.double)])
    return ModelSignature(
        inputs=Schema([ColSpec("string", name="image")]),
        outputs=Schema(
            [
                ColSpec("string", name=target, required=False),
                ColSpec("double", name="p", required=False),
                ColSpec(Array(top), name="top", required=False),
                ColSpec("long", name="windows", required=False),
                ColSpec("long", name="agree", required=False),
                ColSpec(Map(DataType.double), name="shares", required=False),
                ColSpec("long", name="turned", required=False),
                ColSpec("string", name="error", required=False),
            ]
        ),
        params=ParamSchema(
            [
                ParamSpec("top", "integer", 3),
                ParamSpec("among", "string", ""),
                ParamSpec("abstain_below", "double", 0.0),
            ]
        ),
    )


def _example(height: int, width: int) -> pd.DataFrame:
    """One blank crop, as a client would send it: base64 of a PNG."""
    file = io.BytesIO()
    Image.fromarray(np.full((height, width), 255, np.uint8)).save(file, "PNG")
    return pd.DataFrame({"image": [base64.b64encode(file.getvalue()).decode()]})
