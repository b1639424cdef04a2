import sys

import numpy as np
import pytest
import torch

from tasks.live.network import LiveLayer, LiveNetwork
from tasks.train.weights import load_model
from unfont.errors import UserError

NETWORKS = """
import torch
from torch import nn

def digits():
    return nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 8), nn.ReLU(), nn.Linear(8, 10))

def colour():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))

def picky():
    return nn.Sequential(nn.Flatten(), nn.Linear(7, 2))

def pictures_out():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())

class Bare(nn.Module):
    def forward(self, images):
        return images.mean((1, 2, 3))

def bare():
    return Bare()
"""


@pytest.fixture
def own(here, monkeypatch):
    (here / "livenetworks.py").write_text(NETWORKS)
    monkeypatch.syspath_prepend(str(here))
    yield lambda name, size=None: LiveNetwork.of_own(f"livenetworks:{name}", size=size)
    sys.modules.pop("livenetworks", None)


def test_a_model_gives_the_logits_of_its_training_and_its_layers_in_order(model, live_home):
    network, card = load_model(live_home / "rounds/0")
    images = torch.rand(3, 1, 16, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = network(images)
    seen = model.run(images, 1, ["embedding"])
    assert torch.allclose(seen.logits, wanted, atol=1e-4)
    with torch.no_grad():
        assert torch.allclose(seen.maps["embedding"][:, 0, 0], network.embed(images[1:2])[0], atol=1e-4)
    assert [layer.name for layer in model.layers] == ["backbone.0", "backbone.1", "embedding", "target_head"]
    assert model.labels == card["labels"] and model.size == (16, 64)
    assert np.allclose(model.probabilities(wanted), torch.softmax(wanted.double() / 2.0, 1))


def test_the_maps_are_those_of_the_image_that_is_asked_for(small):
    images = torch.rand(3, 1, 12, 16, generator=torch.Generator().manual_seed(1))
    seen = small.run(images, 2, ["1", "4"])
    with torch.no_grad():
        wanted = small.network[:2](images)[2]
    assert torch.equal(seen.maps["1"], wanted) and seen.maps["4"].shape == (6, 6, 8)


def test_the_size_that_a_network_of_the_users_takes_is_found_out(own):
    digits = own("digits")
    assert digits.size == (28, 28) and digits.channels == 1 and len(digits.labels) == 10
    assert [layer.units for layer in digits.layers] == [8, 10]
    colour = own("colour", (20, 30))
    assert colour.size == (20, 30) and colour.channels == 3
    assert colour.layers[0] == LiveLayer("1", 4, 18, 28)


def test_a_network_without_logits_has_no_labels(own):
    assert own("pictures_out").labels == []


def test_a_network_that_cannot_be_shown_is_one_line(own):
    with pytest.raises(UserError, match=r"takes no pictures of .*--size HEIGHTxWIDTH"):
        own("picky")
    with pytest.raises(UserError, match="no layers to show"):
        own("bare")
