"""Invariance: train on from the last round with nuisance heads beside the target's; in a study once a seed."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from models.invariance import modes_of
from models.network import CropNet, add_bottleneck
from models.training import UNKNOWN
from tasks.common.determinism import deterministic
from tasks.common.files import written_whole
from tasks.common.params import Params
from tasks.train.batches import Crops, Labels, Validation, read_crops
from tasks.train.job import TrainingJob
from tasks.train.loop import replica_seed, train_network
from tasks.train.model_folder import read_training, summary_of, write_folder
from tasks.train.replicas import seeds_of
from tasks.train.weights import load_model
from unfont.errors import UserError

log = logging.getLogger("unfont")


@dataclass(frozen=True, kw_only=True)
class ModeJob(TrainingJob):
    """One training of a mode; `start` is the model that it goes on from."""

    mode: str
    start: Path


def mode_jobs(params: Params, *, mode: str, table: Path, last_round: Path, work: Path) -> list[ModeJob]:
    """The trainings of `mode`, the stage's own first, each from the last round of its seed.

    Raises:
        UserError: the last round is missing, or was made without a seed that the study asks for.
    """
    jobs = [
        ModeJob(
            params=params, replica=replica, table=table, scratch=work, mode=mode, start=replica.mined.folder(last_round)
        )
        for replica in seeds_of(params.study)
    ]
    for job in jobs:
        if not job.start.is_dir():
            raise UserError("there is no model to start from", where=job.start, fix="run the last round first")
    return jobs


def train_mode(job: ModeJob) -> dict[str, float]:
    """Train on from the model in `job.start`, on its training set, and write the folder at `job.out`.

    Every mode of a seed starts from the same weights, with fresh nuisance heads, and is trained on the same crops with
    the same degradations, in the same order but where it needs partners in one batch: what differs afterwards is due
    to the mode. A training that an interrupted run has finished stays.

    Returns:
        the last epoch's metrics, the nuisance heads' among them, and the number of crops and weights; nothing of
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
        card = {**card, "mode": job.mode}
        training, labels = read_training(job.start), Labels.of_card(card)
        crops = read_crops(job.table, labels, keys=training["key"])
        if any(mode.needs_pairs for mode in modes) and not _has_partners(crops):
            log.warning("no two training crops are partners: %s has no effect", job.mode)
        counts = crops.counts(labels, params.degrade, seed=seed)
        if any(mode.erases for mode in modes):
            card |= _add_eraser(network, counts, settings.erased)
        trained = train_network(
            network,
            crops,
            Validation(job.table, labels),
            params=params,
            train=params.train.model_copy(
                update={"epochs": settings.epochs, "learning_rate": settings.learning_rate, "ramp": 0.0}
            ),
            seed=seed,
            work=job.work,
            progress=job.progress,
            added=training["key"][training["round"] > 0],
            modes=modes,
            counts=counts,
        )
    if any(mode.narrows for mode in modes):
        add_bottleneck(network, settings.margin)
        card |= {"margin": settings.margin}
    with written_whole(job.out) as folder:
        write_folder(folder, network, card, trained, training)
    return summary_of(trained.history, network, crops)


def _add_eraser(network: CropNet, counts: Mapping[str, Tensor], erased: int) -> dict[str, int]:
    """Give `network` the layer that `erasure` fits, if there is something to erase; return what its card says of it.

    Args:
        counts: of each nuisance, the training crops `[targets, labels]`.

    Raises:
        UserError: `erased` directions are all that the embedding has.
    """
    width = network.target_head.in_features
    if erased >= width:
        what = f"{erased} directions cannot be erased from an embedding of {width}"
        raise UserError(what, where="params.yaml: invariance.erased", fix="set it below network.embedding")
    cells = torch.cat([torch.zeros(0), *(table[(table > 0).sum(1) > 1].flatten() for table in counts.values())])
    if not len(cells):
        log.warning("no target has training crops of two labels of a nuisance: erasure has no effect")
        return {}
    few = int(((cells > 0) & (cells < erased)).sum())
    if few:
        log.info("%d cells (target, nuisance) have fewer than %d crops: their means are shrunk", few, erased)
    network.add_eraser()
    return {"erased": erased}


def _has_partners(crops: Crops) -> bool:
    known = crops.pairs[crops.pairs != UNKNOWN]
    return bool((torch.bincount(known) > 1).any())
