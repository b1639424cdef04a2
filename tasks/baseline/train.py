"""Round 0: before any mining; in a study once a seed."""

import logging
import shutil
from pathlib import Path

from tasks.common.determinism import deterministic
from tasks.common.errors import UserError
from tasks.common.files import written_whole
from tasks.common.params import Params
from tasks.crop_table.shards import COLOUR, read_rows
from tasks.crop_table.splits import TRAIN
from tasks.train.batches import Labels, Validation, read_crops
from tasks.train.loop import Progress, replica_seed, train_network, untrained
from tasks.train.model_folder import baseline_rows, make_card, summary_of, write_folder
from tasks.train.replicas import Replica, gather, replicas_of

log = logging.getLogger("unfont")


def train_replica(params: Params, replica: Replica, *, table: Path, scratch: Path) -> dict[str, float]:
    """Train one seed's round 0 in `scratch`; one that an interrupted run has finished stays. Returns its figures."""
    out = _part(scratch, replica)
    if out.exists():
        return {}
    return train_baseline(params, table=table, out=out, work=scratch / f"training-{replica.seed}", seed=replica.seed)


def finish_baseline(params: Params, *, scratch: Path, out: Path) -> None:
    """Put the trainings of `scratch` together at `out`."""
    with written_whole(out) as folder:
        gather({replica: _part(scratch, replica) for replica in replicas_of(params.study, 0)}, folder)
    shutil.rmtree(scratch, ignore_errors=True)


def train_baseline(
    params: Params, *, table: Path, out: Path, work: Path, seed: int = 0, progress: Progress = log.info
) -> dict[str, float]:
    """Round 0: train from scratch on the whole `train` split and write the model's folder at `out`.

    Args:
        work: holds checkpoints; a run that was interrupted goes on from there and ends with the
        same bytes.
        seed: the number of the training in a study of several.

    Returns:
        the last epoch's figures, and the number of crops and weights.
    """
    _check_colour(params)
    labels = Labels.of_table(table, params.labels, channels=params.crops.channels)
    keys = read_rows(table, ["key"], [TRAIN])["key"]
    if keys.empty:
        raise UserError("there are no training crops", where=table, mend="tag more crops")
    training = baseline_rows(keys)
    crops = read_crops(table, labels, keys=training["key"])
    card = make_card(params, labels, mode="erm", size=(crops.images.shape[1], crops.images.shape[2]))
    own_seed = replica_seed(params.seed, "baseline", seed)
    with deterministic(params.threads, seed=own_seed):
        network = untrained(card, crops, params)
        trained = train_network(
            network,
            crops,
            Validation(table, labels),
            params=params,
            train=params.train,
            seed=own_seed,
            work=work,
            progress=progress,
        )
    with written_whole(out) as folder:
        write_folder(folder, network, card, trained, training)
    shutil.rmtree(work, ignore_errors=True)
    return summary_of(trained.history, network, crops)


def _part(scratch: Path, replica: Replica) -> Path:
    return scratch / f"round-{replica.seed}"


def _check_colour(params: Params) -> None:
    if COLOUR not in params.labels.nuisances:
        return
    for wrong, key, mend in (
        (params.crops.channels == 1, "crops.channels", "set it to 3: grey crops have no colour to forget"),
        (not params.degrade.colour, "degrade.colour", "set it above 0: all ink would be black"),
    ):
        if wrong:
            raise UserError(f"'{COLOUR}' cannot be a nuisance", where=f"params.yaml: {key}", mend=mend)
