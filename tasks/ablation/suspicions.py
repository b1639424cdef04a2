"""Why new people are misread: attribution maps of the failures, and what becomes of a map when its picture is moved.

Two suspicions. The series' own is that a network looks for a face in one place: then a map stays where it is when the
picture is moved, and moving costs accuracy. Or it looks at what is around the head: then more of a map lies there where
a picture is misread.
"""

from typing import TypedDict

import torch
from torch import Tensor
from torch.nn import functional

from models.explain.attribution import integrated_gradients, mean_baseline
from models.network import CropNet
from models.pose_augment import head_of

STEPS = 8  # of integrated gradients: networks as small as these bend little from one to the next
MOVED = 0.1  # of the width, to either side, as much as a head is off the middle in one picture of ten


class Looks(TypedDict):
    """How a network reads some pictures.

    Attributes:
        around_misread, around_right: mean part of a map, in magnitude, outside the head; None of no picture.
        moved: accuracy on the pictures moved to the left and to the right by `MOVED`.
        follows: how far a map goes with its picture: 1 as far, 0 not at all.
    """

    around_misread: float | None
    around_right: float | None
    moved: float
    follows: float


def looks_of(network: CropNet, images: Tensor, targets: Tensor) -> Looks:
    """Of pictures `[n, 1, height, width]` with labels `[n]`; maps are of the label that is read."""
    guess = read(network, images)
    maps, head = maps_of(network, images, guess), head_of(*images.shape[2:])
    around = 1 - (maps * head).sum((1, 2)) / maps.sum((1, 2)).clamp_min(1e-12)
    step = max(1, round(MOVED * images.shape[3]))
    sides = [moved(images, side * step) for side in (-1, 1)]
    left, right = (maps_of(network, one, guess) for one in sides)
    return Looks(
        around_misread=_mean(around[guess != targets]),
        around_right=_mean(around[guess == targets]),
        moved=float(torch.cat([read(network, one) == targets for one in sides]).double().mean()),
        follows=float((shift_between(left, right, most=2 * step) / (2 * step)).mean()),
    )


@torch.no_grad()
def read(network: CropNet, images: Tensor) -> Tensor:
    """The label that a network reads on each picture, int64 `[n]`."""
    return network(images).argmax(1)


def maps_of(network: CropNet, images: Tensor, labels: Tensor) -> Tensor:
    """Magnitude of the integrated gradients of `labels[n]`, from each picture's own mean, `[n, height, width]`."""
    found = integrated_gradients(network, images, labels, baseline=mean_baseline(images), steps=STEPS)
    return found.maps[:, 0].abs()


def moved(images: Tensor, columns: int) -> Tensor:
    """Pictures moved to the right by `columns`; the pixels of the border fill what comes in."""
    width = images.shape[3]
    wide = functional.pad(images, (abs(columns), abs(columns), 0, 0), mode="replicate")
    return wide[..., abs(columns) - columns : abs(columns) - columns + width]


def shift_between(first: Tensor, second: Tensor, *, most: int) -> Tensor:
    """Columns, 0 to `most`, by which each map of `first` is to be moved to be most like that of `second`: `[n]`."""
    likeness = torch.stack([
        functional.cosine_similarity(moved(first[:, None], by)[:, 0].flatten(1), second.flatten(1))
        for by in range(most + 1)
    ])  # fmt: skip
    return likeness.argmax(0).double()


def _mean(values: Tensor) -> float | None:
    return float(values.mean()) if len(values) else None
