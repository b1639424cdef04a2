"""A model of the pipeline as `unfont.answers` asks it: its crops' size, and their probabilities."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.network import CropNet
from tasks.train.batches import as_images, logits_of
from tasks.train.weights import load_model
from unfont.answers import Model

PART = 1024  # windows that are floats at a time


class TorchModel(Model):
    """A network of the pipeline's."""

    def __init__(self, network: CropNet, card: dict[str, Any], *, temperature: float = 1.0) -> None:
        super().__init__(card, temperature=temperature)
        self.network = network

    @classmethod
    def of_folder(cls, folder: Path, *, temperature: float = 1.0) -> "TorchModel":
        """The model of a model folder.

        Raises:
            UserError: a file is missing, truncated, or of something else.
        """
        return cls(*load_model(folder), temperature=temperature)

    def logits(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """[n, labels] of crops uint8 [n, height, width], of three channels [..., 3]."""
        # In parts, for as floats the windows of a few pages would fill the memory.
        parts = torch.split(torch.from_numpy(crops), PART)
        logits = torch.cat([logits_of(self.network, as_images(part, self.network.channels)) for part in parts])
        return np.asarray(logits)
