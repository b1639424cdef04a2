"""The peers' update rules do what their papers describe."""

import pytest
import torch
from torch.nn import functional

from benchmarks.domainbed import Adversary
from models.network import CropNet
from models.settings import NetworkSettings
from models.training import UNKNOWN, Batch

SETTINGS = NetworkSettings(channels=[4, 8], downsampling=2, embedding=8, dropout=0.0)


def make(*, conditional: bool) -> Adversary:
    torch.manual_seed(0)
    return Adversary(CropNet(SETTINGS, labels=3, height=16, width=32), domains=2, conditional=conditional)


def batch() -> Batch:
    torch.manual_seed(1)
    style = torch.tensor([0, 1, 0, 1, 0, 1, UNKNOWN, 0])
    targets = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2])
    return Batch(
        images=torch.rand(8, 1, 16, 32), targets=targets, nuisances={"style": style}, pairs=torch.full((8,), -1)
    )


def copies(module: torch.nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in module.parameters()]


def same(module: torch.nn.Module, before: list[torch.Tensor]) -> bool:
    return all(torch.equal(now, was) for now, was in zip(module.parameters(), before, strict=True))


@pytest.mark.parametrize("conditional", [False, True])
def test_discriminator_and_network_take_turns(conditional):
    peer = make(conditional=conditional)
    peer.network.train()
    network, discriminator = copies(peer.network), copies(peer.discriminator)
    assert set(peer.update(batch(), "style")) == {"domain_loss"}
    assert same(peer.network, network) and not same(peer.discriminator, discriminator)
    discriminator = copies(peer.discriminator)
    assert set(peer.update(batch(), "style")) == {"domain_loss", "loss"}
    assert not same(peer.network, network) and same(peer.discriminator, discriminator)


def test_dann_is_the_mean_over_the_crops_whose_domain_is_known():
    peer, given = make(conditional=False), batch()
    features = torch.rand(8, 8)
    known = given.nuisances["style"] >= 0
    wanted = functional.cross_entropy(peer.discriminator(features[known]), given.nuisances["style"][known])
    assert peer._domain_loss(features, given.targets, given.nuisances["style"]).item() == pytest.approx(wanted.item())


def test_cdann_is_given_the_target_and_weighs_every_target_alike():
    peer, given = make(conditional=True), batch()
    features, style = torch.rand(8, 8), given.nuisances["style"]
    losses = {}
    for target in (0, 1, 2):
        rows = [row for row in range(8) if given.targets[row] == target and style[row] >= 0]
        inputs = features[rows] + peer.targets.weight[target]
        losses[target] = functional.cross_entropy(peer.discriminator(inputs), style[rows]).item()
    # Each target's mean, over the number of targets there are.
    wanted = sum(losses.values()) / 3
    assert peer._domain_loss(features, given.targets, style).item() == pytest.approx(wanted, rel=1e-5)
