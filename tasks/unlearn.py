"""Invariance: train on from the last round with a nuisance head beside the target's."""

import logging
import shutil
from pathlib import Path

from models.invariance import MODES
from tasks.batches import Labels, Validation, read_crops
from tasks.determinism import derived_seed, deterministic
from tasks.errors import UserError
from tasks.files import written_whole
from tasks.params import Params
from tasks.train import Progress, train_network
from tasks.trained import read_training, summary_of, write_folder
from tasks.weights import load_model

log = logging.getLogger("unfont")


def train_invariance(
    params: Params,
    *,
    mode: str,
    table: Path,
    start: Path,
    out: Path,
    work: Path,
    progress: Progress = log.info,
) -> dict[str, float]:
    """Train `mode` on from the model in `start`, on its training set, and write the folder at `out`.

    Every mode starts from the same weights, with a fresh nuisance head, and sees the same crops in
    the same order with the same degradations: what differs afterwards is the mode's doing.

    Returns:
        the last epoch's figures, the nuisance heads' among them, and the number of crops and weights.

    Raises:
        UserError: the model to start from is missing or broken.
        ValueError: there is no such mode.
    """
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, not {mode}")
    if not start.is_dir():
        raise UserError("there is no model to start from", where=start, mend="run the last round first")
    seed = derived_seed(params.seed, "invariance")
    settings = params.invariance
    with deterministic(params.threads, seed=seed):
        network, card = load_model(start)
        training, labels = read_training(start), Labels.of_card(card)
        crops = read_crops(table, labels, keys=training["key"])
        trained = train_network(
            network,
            crops,
            Validation(table, labels),
            mode=mode,
            nuisances=labels.counts(),
            params=params,
            train=params.train.model_copy(update={"epochs": settings.epochs, "rate": settings.rate}),
            seed=seed,
            work=work,
            progress=progress,
            added=training["key"][training["round"] > 0],
        )
    with written_whole(out) as folder:
        write_folder(folder, network, {**card, "mode": mode}, trained, training)
    shutil.rmtree(work, ignore_errors=True)
    return summary_of(trained.history, network, crops)
