"""Misread pictures of new people, each with its attribution map."""

from typing import TypedDict

import torch

from models.explain.attribution import integrated_gradients, mean_baseline
from tasks.ablation.faces import NEW
from tasks.ablation.suspicions import STEPS
from tasks.ablation.train import TrainingJob
from tasks.common.determinism import deterministic
from tasks.crop_table.png import encode_png
from tasks.explain.attribution_page import overlay
from tasks.explain.synthetic_pixels import enlarged
from tasks.pages.single_page import address_of

SHOWN = 6  # pictures of a variant


class Failure(TypedDict):
    """A misread picture: who, what is right, what is read and how surely; picture and map are `data:` addresses."""

    variant: str
    name: str
    label: str
    guess: str
    p: float
    picture: str
    map: str


def failures_of(job: TrainingJob) -> list[Failure]:
    """The surest mistakes of a trained network on new people, at most `SHOWN`, of as many people as can be."""
    rows, labels = job.split[NEW], job.recipe.labels
    with deterministic(1):
        network, images = job.network(), job.images(rows)
        targets = job.targets(torch.from_numpy(job.faces.poses[rows]))
        with torch.no_grad():
            p, guess = network(images).softmax(1).max(1)
        places = _each_in_turn(torch.nonzero(guess != targets).flatten()[p[guess != targets].argsort(descending=True)],
                               job.faces.people[rows].tolist())  # fmt: skip
        if not places:
            return []
        some = images[places]
        found = integrated_gradients(network, some, guess[places], baseline=mean_baseline(some), steps=STEPS)
    return [
        Failure(
            variant=job.recipe.name, name=job.faces.names[rows[place]], label=labels[int(targets[place])],
            guess=labels[int(guess[place])], p=float(p[place]),
            picture=address_of(encode_png(enlarged(job.faces.images[rows[place]]))),
            map=address_of(encode_png(enlarged(overlay(image, one[0].numpy())))),
        )
        for place, image, one in zip(places, some, found.maps, strict=True)
    ]  # fmt: skip


def _each_in_turn(places: torch.Tensor, people: list[str]) -> list[int]:
    """The first of `places` of each person, then the second of each, and so on, at most `SHOWN`."""
    seen: dict[str, int] = {}
    turns = []
    for order, place in enumerate(places.tolist()):
        seen[people[place]] = seen.get(people[place], -1) + 1
        turns.append((seen[people[place]], order, place))
    return [place for _, _, place in sorted(turns)[:SHOWN]]
