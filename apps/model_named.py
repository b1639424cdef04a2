"""The model that a command's `--model` names, found without waiting for Prefect where that can be."""

from pathlib import Path

from tasks.common.params import Params
from tasks.predict.champion import find_model
from tasks.predict.named_model import CHAMPION, named_model


def model_folder(params: Params, model: str) -> Path:
    """The folder of a model: `champion`, a name of the pipeline's, or a folder.

    Raises:
        UserError: there is no such model.
    """
    if model == CHAMPION:
        return find_model(params)
    # Flows bring Prefect, which takes seconds to import: only a name of theirs needs them.
    from flows.evaluate import models_of, replicas_of_study

    return named_model(params, model, models_of(params) | replicas_of_study(params))
