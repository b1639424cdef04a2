"""A model of the toy home, toy fonts, and a small network that is no model."""

import numpy as np
import pytest
import torch
from torch import nn

from tasks.live.network import LiveLayer, LiveNetwork
from tasks.live.typed import FontBook
from tests.toyhome import make_toy_home, toy_params
from tests.toytables import make_toy_tables

PARAMS = toy_params()


@pytest.fixture(scope="session")
def live_home(tmp_path_factory):
    return make_toy_home(tmp_path_factory.mktemp("live"), params=PARAMS)


@pytest.fixture
def model(live_home):
    return LiveNetwork.of_folder(live_home / "rounds/0", name="round-0", temperature=2.0)


@pytest.fixture(scope="session")
def toy_tables(tmp_path_factory):
    return make_toy_tables(tmp_path_factory.mktemp("live-fonts"))


@pytest.fixture(scope="session")
def book(toy_tables):
    return FontBook(toy_tables["fonts"], toy_tables["words"])


@pytest.fixture
def small():
    """A network of the user's own: two convolutions, a dense layer, three logits of 12 x 16 grey pictures."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(6 * 6 * 8, 3),
    ).eval()  # fmt: skip
    layers = [LiveLayer("1", 4, 12, 16), LiveLayer("4", 6, 6, 8), LiveLayer("6", 3, 1, 1)]
    return LiveNetwork(name="small", network=network, layers=layers, labels=["0", "1", "2"], size=(12, 16), channels=1)


@pytest.fixture
def picture():
    """Noise of 12 x 16 pixels."""
    return np.random.default_rng(0).integers(0, 256, (12, 16), dtype=np.uint8)
