"""The adversarial update rules of DomainBed, as peers: DANN and CDANN, written from their papers.

DANN is Ganin et al., Domain-Adversarial Training of Neural Networks (2016); CDANN is Li et al., Deep Domain
Generalization via Conditional Invariant Adversarial Networks (2018); the update and its defaults are those that
Gulrajani & Lopez-Paz, In Search of Lost Domain Generalization (2021) publish for small images. The domain is the
nuisance. Backbone, start, crops and their order are those of the project's own modes.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.network import CropNet
from models.training import UNKNOWN, Batch

PEERS = {"dann": False, "cdann": True}  # by name, whether it is conditional


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """The published defaults for images of this size."""

    rate: float = 1e-3  # of generator and discriminator
    strength: float = 1.0  # lambda; there is no schedule
    discriminator_steps: int = 1  # for each step of the generator, in turns
    gradient_penalty: float = 0.0
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.5, 0.9)  # of Adam
    width: int = 256  # of the discriminator's hidden layers
    depth: int = 3  # its linear layers


class Adversary:
    """DANN; with `conditional` CDANN: the discriminator gets feature + embedding of the target, targets weigh alike."""

    def __init__(self, network: CropNet, *, domains: int, conditional: bool, defaults: Defaults | None = None) -> None:
        self.defaults = defaults or Defaults()
        self.network, self.conditional, self.count = network, conditional, 0
        features, targets = network.target_head.in_features, network.target_head.out_features
        self.discriminator = _perceptron(features, domains, self.defaults)
        self.targets = nn.Embedding(targets, features)
        adversary = [*self.discriminator.parameters(), *self.targets.parameters()]
        self.adversary_optimiser = self._adam(adversary)
        self.network_optimiser = self._adam(list(network.parameters()))

    def update(self, batch: Batch, nuisance: str) -> dict[str, float]:
        """One step, of the discriminator or of the network: they take turns. Returns the losses."""
        features = self.network.embed(batch.images)
        domain_loss = self._domain_loss(features, batch.targets, batch.nuisances[nuisance])
        turns = 1 + self.defaults.discriminator_steps
        turn, self.count = self.count % turns, self.count + 1
        self.adversary_optimiser.zero_grad()
        if turn < self.defaults.discriminator_steps:
            domain_loss.backward()
            self.adversary_optimiser.step()
            return {"domain_loss": domain_loss.item()}
        loss = functional.cross_entropy(self.network.target_head(self.network.dropout(features)), batch.targets)
        self.network_optimiser.zero_grad()
        (loss - self.defaults.strength * domain_loss).backward()
        self.network_optimiser.step()
        return {"loss": loss.item(), "domain_loss": domain_loss.item()}

    def _domain_loss(self, features: Tensor, targets: Tensor, domains: Tensor) -> Tensor:
        """Over the crops whose domain is known: non-text crops have none."""
        known = domains != UNKNOWN
        features, targets, domains = features[known], targets[known], domains[known]
        inputs = features + self.targets(targets) if self.conditional else features
        losses = functional.cross_entropy(self.discriminator(inputs), domains, reduction="none")
        if not self.conditional:
            return losses.mean()
        counts = torch.bincount(targets, minlength=self.targets.num_embeddings)
        return (losses / (counts[targets] * len(counts))).sum()

    def _adam(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        settings = self.defaults
        return torch.optim.Adam(parameters, lr=settings.rate, weight_decay=settings.weight_decay, betas=settings.betas)


def _perceptron(inputs: int, outputs: int, settings: Defaults) -> nn.Sequential:
    widths = [inputs, *[settings.width] * (settings.depth - 1), outputs]
    layers: list[nn.Module] = []
    for one, two in pairwise(widths):
        layers += [nn.Linear(one, two), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
