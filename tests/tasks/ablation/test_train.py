"""Trainings of the recipes: labels, couples, what is frozen, and what is compared."""

import math

import numpy as np
import pytest
import torch

from tasks.ablation import train
from tasks.ablation.faces import POSES, TEST, TRAIN
from tasks.ablation.measured import Measured
from tasks.ablation.similarity import SimilarityJob, compare_with_base, similarity_jobs
from tasks.ablation.train import in_couples, train_and_measure
from tasks.ablation.transfer import train_head, transfer_jobs
from tests.tasks.ablation.toyablation import toy_experiment


def test_base_learns_which_heads_look_left(here):
    job = toy_experiment("base", epochs=25).jobs[0]
    outcome = train_and_measure(job)
    assert outcome["accuracy"][TRAIN] > 0.95 and outcome["accuracy"][TEST] > 0.9
    rows = job.split[TEST]
    with torch.no_grad():
        guess = job.network()(job.images(rows)).argmax(1).numpy()
    left = np.array([f"_{POSES[0]}_" in job.faces.names[row] for row in rows])
    assert outcome["accuracy"][TEST] == (guess == (~left)).mean()
    assert len(outcome["epochs"]) == 25 and math.isfinite(outcome["epochs"][-1]["loss"])


def test_every_recipe_trains(here):
    experiment = toy_experiment(None, epochs=1, augmented_epochs=1)
    outcomes = {job.recipe.name: train_and_measure(job) for job in experiment.jobs if job.place == (0, 0)}
    parameters = {name: outcome["parameters"] for name, outcome in outcomes.items()}
    assert parameters["fewer-filters"] < parameters["base"] < parameters["deeper-dense"] < parameters["wider-dense"]
    assert parameters["linear-mse"] == parameters["base"]
    assert {name for name, outcome in outcomes.items() if outcome["complement"] is None} == {
        "four-class", *experiment.cures
    }  # fmt: skip
    assert "pairs_loss" in outcomes["pairs"]["epochs"][0]
    assert "person_loss" in outcomes["conditional"]["epochs"][0]


def test_the_same_training_gives_the_same_weights(here):
    job = toy_experiment("base").jobs[0]
    first = train_and_measure(job)
    job.result.unlink()
    assert train_and_measure(job)["weights"] == first["weights"]


def test_mining_adds_what_is_misread_and_takes_no_more_steps(here, monkeypatch):
    job = next(job for job in toy_experiment("mined", epochs=4, augmented_epochs=8).jobs if job.recipe.name == "mined")
    learned, batches = [], train._batches

    def counted(job, pictures, generator):
        learned.append(pictures)
        found = list(batches(job, pictures, generator))
        assert sum(len(batch.images) for batch in found) == len(job.split[TRAIN])
        return iter(found)

    monkeypatch.setattr(train, "_batches", counted)
    train_and_measure(job)
    sizes = [len(pictures.poses) for pictures in learned]
    assert len(sizes) == 8 and sizes[0] == sizes[1] == len(job.split[TRAIN])
    assert sizes[2] > sizes[1] and sizes[2:4] == [sizes[2]] * 2  # mined before epochs 3, 5 and 7
    first, later = learned[0], learned[2]
    assert all(torch.equal(one[: len(first.poses)], other) for one, other in zip(later, first, strict=True))
    added = later.images[len(first.poses) :]
    assert all((picture != first.images).flatten(1).any(1).all() for picture in added)  # none as it was


def test_two_of_a_group_come_one_after_the_other():
    groups = torch.tensor([0, 1, 0, 2, 1, 1, 0, 0, 2])
    for seed in range(20):
        rows = torch.randperm(9, generator=torch.Generator().manual_seed(seed))
        found = in_couples(rows, groups[rows], torch.Generator().manual_seed(seed))
        assert sorted(found.tolist()) == list(range(9))
        order, at, couples = groups[found].tolist(), 0, 0
        while at < 8:
            paired = order[at] == order[at + 1]
            couples, at = couples + paired, at + 1 + paired
        assert couples == 4  # two, one (of three) and one


def test_a_network_is_itself_and_its_frozen_convolutions_stay(here):
    experiment = toy_experiment("four-class")
    outcomes: dict = {}
    for job in experiment.jobs:
        outcomes.setdefault(job.recipe.name, {})[job.place] = train_and_measure(job)
    similar = similarity_jobs(experiment.of_variants, experiment.work)
    assert [(job.place, job.other.place) for job in similar] == [
        ((0, 0), (0, 1)), ((0, 1), (0, 0)), ((1, 0), (1, 1)), ((1, 1), (1, 0))
    ]  # fmt: skip
    found = {job.place: compare_with_base(job) for job in similar}
    first = experiment.jobs[0]
    itself = compare_with_base(
        SimilarityJob(place=(0, 0), trained=[first], other=first, result=experiment.work / "itself.json")
    )["base"]
    for layer, floor in found[0, 0]["base"].items():
        assert itself[layer]["cka"] == pytest.approx(1, abs=1e-4)
        assert floor["cka"] < 0.99 and floor["units"] < itself[layer]["units"]

    jobs = transfer_jobs(experiment.jobs)
    assert {job.name for job in jobs} == {
        "base on four-class", "base on untrained", "four-class on base", "four-class on untrained"
    }  # fmt: skip
    kept: dict = {}
    for job in jobs:
        kept.setdefault(job.name, {})[job.head.place] = train_head(job)
    measured = Measured(rotations=2, seeds=2, outcomes=outcomes, similarities=found, kept=kept)
    values = [kept["base on four-class"][turn, seed][TEST] for turn in (0, 1) for seed in (0, 1)]
    assert measured.transferred("base", "four-class", TEST).mean() == np.mean(values)
