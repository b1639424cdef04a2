"""Invariance: train on from the last round with nuisance heads beside the target's; in a study once a seed."""

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch

from models.invariance import modes_of
from models.training import UNKNOWN
from tasks.common.determinism import deterministic
from tasks.common.errors import UserError
from tasks.common.files import written_whole
from tasks.common.params import Params
from tasks.train.batches import Crops, Labels, Validation, read_crops
from tasks.train.loop import Progress, replica_seed, train_network
from tasks.train.model_folder import read_training, summary_of, write_folder
from tasks.train.replicas import Replica, gather, seeds_of
from tasks.train.weights import load_model

log = logging.getLogger("unfont")


@dataclass(frozen=True, kw_only=True)
class ModeJob:
    """One training of a mode: its settings and places.

    `start` is the model that it goes on from, `scratch` where all trainings of this mode work.
    """

    params: Params
    mode: str
    replica: Replica
    table: Path
    start: Path
    scratch: Path
    progress: Progress = log.info

    @property
    def work(self) -> Path:
        """Its checkpoints."""
        return self.scratch / f"training-{self.replica.seed}"

    @property
    def out(self) -> Path:
        """Where it writes its folder, until the mode's are put together."""
        return self.scratch / f"trained-{self.replica.seed}"


def mode_jobs(
    params: Params, *, mode: str, table: Path, last_round: Path, work: Path, progress: Progress = log.info
) -> list[ModeJob]:
    """The trainings of `mode`, the stage's own first, each from the last round of its seed.

    Raises:
        UserError: the last round is missing, or was made without a seed that the study asks for.
    """
    jobs = [
        ModeJob(
            params=params,
            mode=mode,
            replica=replica,
            table=table,
            start=replica.mined.folder(last_round),
            scratch=work,
            progress=progress,
        )
        for replica in seeds_of(params.study)
    ]
    for job in jobs:
        if not job.start.is_dir():
            raise UserError("there is no model to start from", where=job.start, mend="run the last round first")
    return jobs


def train_mode(job: ModeJob) -> dict[str, float]:
    """Train on from the model in `job.start`, on its training set, and write the folder at `job.out`.

    Every mode of a seed starts from the same weights, with fresh nuisance heads, and sees the same crops with the
    same degradations, in the same order but where it needs partners in one batch: what differs afterwards is the
    mode's doing. A training that an interrupted run has finished stays.

    Returns:
        the last epoch's figures, the nuisance heads' among them, and the number of crops and weights; nothing of
        one that was finished before.

    Raises:
        ValueError: there is no such mode.
    """
    params, settings = job.params, job.params.invariance
    if job.out.exists():
        return {}
    modes = modes_of(job.mode)
    seed = replica_seed(params.seed, "invariance", job.replica.seed)
    with deterministic(params.threads, seed=seed):
        network, card = load_model(job.start)
        training, labels = read_training(job.start), Labels.of_card(card)
        crops = read_crops(job.table, labels, keys=training["key"])
        if any(mode.needs_pairs for mode in modes) and not _has_partners(crops):
            log.warning("no two training crops are partners: %s learns nothing of them", job.mode)
        trained = train_network(
            network,
            crops,
            Validation(job.table, labels),
            params=params,
            train=params.train.model_copy(update={"epochs": settings.epochs, "rate": settings.rate}),
            seed=seed,
            work=job.work,
            progress=job.progress,
            added=training["key"][training["round"] > 0],
            modes=modes,
            counts=crops.counts(labels, params.degrade, seed=seed),
        )
    with written_whole(job.out) as folder:
        write_folder(folder, network, {**card, "mode": job.mode}, trained, training)
    shutil.rmtree(job.work, ignore_errors=True)
    return summary_of(trained.history, network, crops)


def finish_mode(jobs: list[ModeJob], *, out: Path) -> None:
    """Put a mode's trainings together at `out`."""
    with written_whole(out) as folder:
        gather({job.replica: job.out for job in jobs}, folder)
    shutil.rmtree(jobs[0].scratch, ignore_errors=True)


def _has_partners(crops: Crops) -> bool:
    known = crops.pairs[crops.pairs != UNKNOWN]
    return bool((torch.bincount(known) > 1).any())
