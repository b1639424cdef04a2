"""A model of the pipeline as `unfont.answers` asks it: its crops' size, and their probabilities."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.network import CropNet
from tasks.train.batches import as_images, logits_of
from tasks.train.weights import load_model

PART = 1024  # windows that are floats at a time


class TorchModel:
    """A network, its card, and by what its logits are divided before they become probabilities."""

    def __init__(self, network: CropNet, card: dict[str, Any], *, temperature: float = 1.0) -> None:
        self.network, self.card, self.temperature = network, card, temperature

    @classmethod
    def of_folder(cls, folder: Path, *, temperature: float = 1.0) -> "TorchModel":
        """The model of a model folder.

        Raises:
            UserError: a file is missing, truncated, or of something else.
        """
        return cls(*load_model(folder), temperature=temperature)

    @property
    def labels(self) -> Sequence[str]:
        """The labels, in the order of the probabilities."""
        labels: list[str] = self.card["labels"]
        return labels

    @property
    def target(self) -> str:
        """What the labels are of."""
        return str(self.card["target"])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of its crops."""
        return self.card["height"], self.card["width"], self.card["channels"]

    def probabilities(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        """softmax(logits / temperature), [n, labels], of crops uint8 [n, height, width], of three channels [..., 3]."""
        # In parts, for as floats the windows of a few pages would fill the memory.
        parts = torch.split(torch.from_numpy(crops), PART)
        logits = torch.cat([logits_of(self.network, as_images(part, self.network.channels)) for part in parts])
        return np.asarray((logits.double() / self.temperature).softmax(1))
