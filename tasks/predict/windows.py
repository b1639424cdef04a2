"""A picture's windows, as `unfont.reading` finds them, and their probabilities combined to the picture's."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.network import CropNet
from tasks.common.params import UNWRITTEN
from tasks.train.batches import as_images, logits_of
from unfont.combine import combined
from unfont.picture import picture_of, read_file
from unfont.reading import fit, read

PART = 1024  # windows that are floats at a time


def windows_of_file(path: Path, card: dict[str, Any]) -> NDArray[np.uint8]:
    """`windows_of_bytes` of a picture file.

    Raises:
        UserError: there is no such file, or it cannot be read as a picture.
    """
    return windows_of_bytes(read_file(path), card, where=path)


def windows_of_bytes(data: bytes, card: dict[str, Any], *, where: object) -> NDArray[np.uint8]:
    """What the model of `card` is shown of a picture: uint8 [n, height, width], of three channels [..., 3].

    A model with the label `Zxxx` reads writing, in windows. Other pictures, and those of a crop's very size, are whole.

    Raises:
        UserError: these bytes, named by `where`, cannot be read as a picture.
    """
    height, width = card["height"], card["width"]
    picture = picture_of(data, where=where, channels=card["channels"])
    if UNWRITTEN not in card["labels"] or picture.shape[:2] == (height, width):
        return fit(picture, height=height, width=width)[None]
    return read(picture, height=height, width=width)


def picture_probabilities(
    network: CropNet, pictures: Sequence[NDArray[np.uint8]], labels: Sequence[str], *, temperature: float = 1.0
) -> NDArray[np.float64]:
    """Probabilities [n, labels] of `n` pictures, each given by its windows (`unfont.combine.combined`)."""
    found = probabilities_of(network, np.concatenate(pictures), temperature=temperature)
    ends = np.cumsum([len(windows) for windows in pictures])[:-1]
    return np.stack([combined(windows, labels) for windows in np.split(found, ends)])


def probabilities_of(network: CropNet, crops: NDArray[np.uint8], *, temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities [n, labels], softmax(logits / temperature), of crops uint8 [n, height, width] or [..., 3]."""
    # In parts, for as floats the windows of a few pages would fill the memory.
    parts = torch.split(torch.from_numpy(crops), PART)
    logits = torch.cat([logits_of(network, as_images(part, network.channels)) for part in parts])
    return np.asarray((logits.double() / temperature).softmax(1))
