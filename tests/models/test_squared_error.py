"""Linear outputs are trained to be 1 for the true label and 0 for the others."""

import torch

from models.small_network import SmallNetwork, SmallNetworkSettings
from models.squared_error import SquaredErrorTraining, squared_error
from models.training import Batch
from tests.models.toymodes import INVARIANCE, LOSS, TRAIN


def test_it_is_the_mean_square_of_what_is_wrong():
    outputs, targets = torch.tensor([[0.5, 0.0], [1.0, 2.0]]), torch.tensor([0, 1])
    assert squared_error(outputs, targets).item() == (0.5**2 + 0**2 + 1**2 + 1**2) / 4


def test_a_training_takes_the_outputs_to_the_targets():
    torch.manual_seed(0)
    network = SmallNetwork(SmallNetworkSettings(filters=[4], dense=[16]), labels=2, height=8, width=8)
    images, targets = torch.rand(16, 1, 8, 8), torch.arange(16) % 2
    batch = Batch(images=images, targets=targets, nuisances={}, pairs=torch.full((16,), -1))
    training = SquaredErrorTraining(network, counts={}, loss=LOSS, train=TRAIN, invariance=INVARIANCE, steps=120)
    losses = [training.update(batch).metrics["loss"] for _ in range(120)]
    assert losses[-1] < 0.02 < losses[0]
    assert torch.allclose(network(images).gather(1, targets[:, None]), torch.ones(16, 1), atol=0.3)
