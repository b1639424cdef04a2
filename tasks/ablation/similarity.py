"""How like base's layers are a variant's, against the floor: two trainings of base that differ in their seed alone."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.explain.compare import LayerOutputs, NetworkComparison
from models.explain.hooks import layers_of
from tasks.ablation.faces import NEW, TEST
from tasks.ablation.recipes import BASE
from tasks.ablation.train import DIGITS, TrainingJob
from tasks.common.determinism import deterministic
from tasks.common.files import read_json, write_json

LEAST_BATCH = 128  # pictures of a batch of CKA, at least where there are so many: its estimate is unbiased, not exact

Similarity = dict[str, dict[str, float]]  # by layer: units (mean r of matched ones), cka; both 0 at chance


@dataclass(frozen=True, kw_only=True)
class SimilarityJob:
    """All trained networks of one rotation and one seed, each to be compared with base of the `other` seed.

    base itself is compared with it too: that is the floor.
    """

    place: tuple[int, int]  # rotation and seed of the networks
    trained: list[TrainingJob]
    other: TrainingJob
    result: Path


def compare_with_base(job: SimilarityJob) -> dict[str, Similarity]:
    """By recipe the similarity of every layer that base has too, on pictures that none was trained on.

    What is done is read back.
    """
    if job.result.exists():
        kept: dict[str, Similarity] = read_json(job.result)
        return kept
    with deterministic(1):
        found = _compared(job)
    write_json(job.result, found)
    return found


def _compared(job: SimilarityJob) -> dict[str, Similarity]:
    base = job.other.network()
    networks = {one.recipe.name: one.network() for one in job.trained}
    rows = np.sort(np.concatenate([job.other.split[TEST], job.other.split[NEW]]))
    layers = list(layers_of(base, job.other.images(rows[:1])))
    shared = {
        name: [layer for layer in layers if layer in layers_of(network, job.other.images(rows[:1]))]
        for name, network in networks.items()
    }
    comparisons = {
        name: NetworkComparison([(layer, layer) for layer in shared[name]], seed=job.other.seed) for name in networks
    }
    for part in np.array_split(rows, max(1, len(rows) // LEAST_BATCH)):
        images = job.other.images(part)
        reference = LayerOutputs.of(base, images, layers)
        for name, network in networks.items():
            comparisons[name].update(LayerOutputs.of(network, images, shared[name]), reference)
    return {
        name: {
            layer.first: {
                "units": round(layer.units_above_chance, DIGITS), "cka": round(layer.cka_above_chance, DIGITS)
            }
            for layer in comparison.result().layers
        }
        for name, comparison in comparisons.items()
    }  # fmt: skip


def similarity_jobs(jobs: list[TrainingJob], work: Path) -> list[SimilarityJob]:
    """A job a rotation and seed; what its networks are compared with is base of the next seed."""
    bases = {job.place: job for job in jobs if job.recipe.name == BASE}
    seeds = 1 + max(job.seed for job in jobs)
    digest = hashlib.sha256(json.dumps([str(job.folder) for job in jobs]).encode()).hexdigest()[:16]
    return [
        SimilarityJob(
            place=(rotation, seed),
            trained=[job for job in jobs if job.place == (rotation, seed)],
            other=bases[rotation, (seed + 1) % seeds],
            result=work / f"similarity-{digest}" / f"rotation-{rotation},seed-{seed}.json",
        )
        for rotation, seed in bases
    ]
