"""What the tests of the explainers share: a tiny untrained network."""

import pytest
import torch

from models.network import CropNet
from models.settings import NetworkSettings


@pytest.fixture
def network() -> CropNet:
    torch.manual_seed(0)
    settings = NetworkSettings(channels=[4, 4, 6], downsampling=3, attention=2, embedding=8, dropout=0.0)
    return CropNet(settings, labels=3, height=16, width=32).eval()
