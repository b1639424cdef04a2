"""Round 0: before any mining; in a study once a seed."""

from pathlib import Path

from tasks.common.determinism import deterministic
from tasks.common.files import written_whole
from tasks.common.params import Params
from tasks.crop_table.shards import COLOUR, read_rows
from tasks.crop_table.splits import TRAIN
from tasks.train.batches import Labels, Validation, read_crops
from tasks.train.job import TrainingJob
from tasks.train.loop import replica_seed, train_network, untrained
from tasks.train.model_folder import baseline_rows, make_card, summary_of, write_folder
from tasks.train.replicas import replicas_of
from unfont.errors import UserError


def baseline_jobs(params: Params, *, table: Path, work: Path) -> list[TrainingJob]:
    """The trainings of round 0, the stage's own first."""
    replicas = replicas_of(params.study, 0)
    return [TrainingJob(params=params, replica=replica, table=table, scratch=work) for replica in replicas]


def train_baseline(job: TrainingJob) -> dict[str, float]:
    """Round 0: train from scratch on the whole `train` split and write the model's folder at `job.out`.

    A run that was interrupted goes on from its checkpoint and ends with the same bytes; a training that it has
    finished stays.

    Returns:
        the last epoch's metrics, and the number of crops and weights; nothing of one that was finished before.
    """
    params, table = job.params, job.table
    if job.out.exists():
        return {}
    _check_colour(params)
    labels = Labels.of_table(table, params.labels, channels=params.crops.channels)
    keys = read_rows(table, ["key"], [TRAIN])["key"]
    if keys.empty:
        raise UserError("there are no training crops", where=table, fix="tag more crops")
    training = baseline_rows(keys)
    crops = read_crops(table, labels, keys=training["key"])
    card = make_card(params, labels, mode="erm", size=(crops.images.shape[1], crops.images.shape[2]))
    own_seed = replica_seed(params.seed, "baseline", job.replica.seed)
    with deterministic(params.threads, seed=own_seed):
        network = untrained(card, crops, params)
        trained = train_network(
            network,
            crops,
            Validation(table, labels),
            params=params,
            train=params.train,
            seed=own_seed,
            work=job.work,
            progress=job.progress,
        )
    with written_whole(job.out) as folder:
        write_folder(folder, network, card, trained, training)
    return summary_of(trained.history, network, crops)


def _check_colour(params: Params) -> None:
    if COLOUR not in params.labels.nuisances:
        return
    for wrong, key, fix in (
        (params.crops.channels == 1, "crops.channels", "set it to 3: grey crops have no colour to forget"),
        (not params.degrade.colour, "degrade.colour", "set it above 0: all ink would be black"),
    ):
        if wrong:
            raise UserError(f"'{COLOUR}' cannot be a nuisance", where=f"params.yaml: {key}", fix=fix)
