"""A model for worker processes that costs no time: it knows how dark a picture is, and one grey ends its process."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.predict.open_model import ONNX

DEADLY = 255


class Greys:
    labels = ("dark", "light")
    target = "script"
    shape = (16, 64, 1)

    def probabilities(self, crops):
        light = crops.mean((1, 2))
        if (light == DEADLY).any():
            os._exit(1)
        return np.stack([1 - light / 255, light / 255], axis=1)


@dataclass(frozen=True)
class GreySource:
    """As `tasks.predict.open_model.ModelSource`."""

    path: Path = Path(f"greys{ONNX}")
    name: str = "greys"

    def open(self):
        return Greys()
