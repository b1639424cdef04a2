"""Mining among augmented pictures: those that a network misreads in the middle of its training join what it learns."""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from models.network import CropNet
from models.pose_augment import augment
from tasks.ablation.faces import MIRRORED

ROUNDS = 3  # in a training
POOL = 8  # variants of each picture in the pool, drawn anew in each round
MISREAD = 0.3  # the least probability of a mistake that is mined, as mine.threshold of params.yaml
SHARE = 0.1  # of the pool, at most, that one round adds
PASS = 128  # pictures of a forward pass


class Pictures(NamedTuple):
    """Images `[n, 1, height, width]` in [0, 1]; poses, people and numbers of the pairs' names, each int64 `[n]`."""

    images: Tensor
    poses: Tensor
    people: Tensor
    pairs: Tensor

    def of(self, rows: Tensor) -> "Pictures":
        return Pictures(*(column[rows] for column in self))

    def and_(self, others: "Pictures") -> "Pictures":
        return Pictures(*(torch.cat(columns) for columns in zip(self, others, strict=True)))


def rounds_of(epochs: int) -> list[int]:
    """The epochs, from 1, before which is mined: they part the training into equal parts."""
    return [1 + epochs * number // (ROUNDS + 1) for number in range(1, ROUNDS + 1)]


@torch.no_grad()
def misread(
    network: CropNet,
    pictures: Pictures,
    names: Sequence[str],
    targets: Callable[[Tensor], Tensor],
    generator: torch.Generator,
) -> Pictures:
    """Of `POOL` variants of each picture those that are misread, the surest mistakes first, at most `SHARE` of all.

    Args:
        names: the augmentations that each variant goes through.
        targets: the network's labels of poses.
    """
    network.eval()
    found, sure = [], []
    for _ in range(POOL):
        images, poses = augment(
            pictures.images, pictures.poses, names, mirrored=torch.tensor(MIRRORED), generator=generator
        )
        p, guess = torch.cat([network(part).softmax(1) for part in torch.split(images, PASS)]).max(1)
        wrong = torch.nonzero((guess != targets(poses)) & (p >= MISREAD)).flatten()
        found.append(pictures._replace(images=images, poses=poses).of(wrong))
        sure.append(p[wrong])
    every = functools.reduce(Pictures.and_, found)
    most = int(SHARE * POOL * len(pictures.poses))
    return every.of(torch.cat(sure).argsort(descending=True, stable=True)[:most])
