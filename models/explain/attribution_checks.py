"""Checks of attribution maps: insertion and deletion against a random map, and weight randomisation."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from models.explain.attribution import check_targets
from models.explain.hooks import run, run_order

NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)
BATCH = 128  # images of one pass; more leave the processor's cache


@dataclass(frozen=True)
class Curves:
    """The target's probability as pixels are deleted or inserted, in the order of a map and in a random order.

    All `[rows, steps + 1]` in 0 to 1; step s has s/steps of the pixels deleted (inserted). With a faithful map p falls
    and rises fast: `deletion` is below `random_deletion`, `insertion` above `random_insertion`.
    """

    deletion: Tensor
    insertion: Tensor
    random_deletion: Tensor
    random_insertion: Tensor

    @property
    def deletion_gain(self) -> Tensor:
        """Area between the random curve and the map's, `[rows]`: above 0 the map beats chance."""
        return area(self.random_deletion) - area(self.deletion)

    @property
    def insertion_gain(self) -> Tensor:
        """Area between the map's curve and the random one, `[rows]`: above 0 the map beats chance."""
        return area(self.insertion) - area(self.random_insertion)


def area(curve: Tensor) -> Tensor:
    """Area under curves `[rows, steps + 1]` over 0 to 1, by trapezoids: `[rows]`."""
    return torch.trapezoid(curve, dx=1 / (curve.shape[1] - 1), dim=1)


def curves(
    network: nn.Module, images: Tensor, targets: Tensor, maps: Tensor, *, baseline: Tensor, steps: int, seed: int
) -> Curves:
    """Insertion and deletion curves (Petsiuk et al. 2018) of a batch of maps.

    Args:
        images: `[rows, channels, height, width]`; `targets`: `[rows]`; `maps`: `[rows, height, width]`, highest
            where the pixel matters most (a signed map: positive evidence first).
        baseline: the value of deleted pixels, of the images' shape (`attribution.mean_baseline`, or blurred).
        steps: how many equal parts the pixels are deleted in; `seed`: of the random maps.

    Raises:
        ValueError: as `run`; a target that is no label; maps of another shape; fewer than 1 step.
    """
    return curves_by_method(network, images, targets, {"": maps}, baseline=baseline, steps=steps, seed=seed)[""]


def curves_by_method(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,
    maps: Mapping[str, Tensor],
    *,
    baseline: Tensor,
    steps: int,
    seed: int,
) -> dict[str, Curves]:
    """`curves` of several methods' maps of the same images, by method: they share the random ones, made once."""
    check_targets(network, images, targets)
    for one in maps.values():
        if one.shape != (len(images), *images.shape[2:]) or baseline.shape != images.shape:
            raise ValueError(
                f"images {list(images.shape)} need a baseline of that shape and a map for each, not "
                f"{list(baseline.shape)} and {list(one.shape)}"
            )
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    chance = torch.rand(images[:, 0].shape, generator=torch.Generator().manual_seed(seed))
    whole, empty = (_probabilities(network, some, targets)[:, None] for some in (images, baseline))

    def both(one: Tensor) -> tuple[Tensor, Tensor]:
        rank = _ranks(one)
        deleted, inserted = (
            _between(network, *ends, targets, rank, steps) for ends in ((images, baseline), (baseline, images))
        )
        return torch.cat([whole, deleted, empty], dim=1), torch.cat([empty, inserted, whole], dim=1)

    random = both(chance)
    return {name: Curves(*both(one), *random) for name, one in maps.items()}


def _ranks(maps: Tensor) -> Tensor:
    """Each pixel's rank from the highest of the map (0), as a fraction of the pixels: `[rows, 1, h, w]`."""
    order = maps.flatten(1).argsort(dim=1, descending=True, stable=True)
    ranks = torch.arange(order.shape[1]).expand_as(order)
    return (torch.empty_like(order).scatter_(1, order, ranks) / order.shape[1]).reshape(maps.shape)[:, None]


def _between(network: nn.Module, before: Tensor, after: Tensor, targets: Tensor, rank: Tensor, steps: int) -> Tensor:
    """The targets' probabilities while `before` turns into `after`, pixel by pixel in the order of `rank`.

    `[rows, steps - 1]`: both ends are left out.
    """
    found = torch.empty(len(before), steps - 1)
    for some in torch.split(torch.arange(found.numel()), BATCH):
        row, step = some // (steps - 1), some % (steps - 1) + 1
        mixed = torch.where(rank[row] < (step / steps)[:, None, None, None], after[row], before[row])
        found.view(-1)[some] = _probabilities(network, mixed, targets[row])
    return found


def _probabilities(network: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
    """The targets' probabilities, `[rows]`."""
    with torch.no_grad():
        logits = torch.cat([run(network, part) for part in torch.split(images, BATCH)])
        return logits.softmax(dim=1).gather(1, targets[:, None])[:, 0]


def weight_randomisation(
    network: nn.Module, images: Tensor, explain: Callable[[nn.Module], Tensor], *, seed: int
) -> dict[str, float]:
    """Weight-randomisation sanity check: how similar a method's maps stay to those of the trained network.

    Adebayo et al. 2018, cascading from the last layer down: after each layer the mean over images of the absolute maps'
    Spearman correlation with those of the trained network, by the layer's name, last layer first. A normalisation is
    part of the layer before it. A method that shows what was learned falls to about 0; one that stays near 1 shows
    edges. A constant map counts as 0.

    Args:
        images: one batch to run; it gives the order in which layers run.
        explain: the method: a network in eval mode -> maps, first axis the image. `network` itself is not changed.
        seed: of the new weights, which each layer draws as when it was made (its `reset_parameters`).

    Raises:
        ValueError: as `run`; or no layer of the network can be randomised.
    """
    trained = explain(network).detach().abs().flatten(1)
    layers = _weighted(network, images)
    if not layers:
        raise ValueError("no layer of this network has weights that can be randomised")
    other = copy.deepcopy(network)
    modules = dict(other.named_modules())
    left: dict[str, float] = {}
    for number, (name, *norms) in enumerate(reversed(layers)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + number)
            for each in (name, *norms):
                modules[each].reset_parameters()
        left[name] = _similarity(trained, explain(other).detach().abs().flatten(1))
    return left


def _weighted(network: nn.Module, images: Tensor) -> list[list[str]]:
    """Modules with weights of their own, in the order in which they run; each with the normalisations after it."""
    names = [
        name
        for name, module in network.named_modules()
        if hasattr(module, "reset_parameters") and any(True for _ in module.parameters(recurse=False))
    ]
    modules = dict(network.named_modules())
    layers: list[list[str]] = []
    for name in dict.fromkeys(run_order(network, names, images[:1])):
        if layers and isinstance(modules[name], NORMS):
            layers[-1].append(name)
        else:
            layers.append([name])
    return layers


def _similarity(first: Tensor, second: Tensor) -> float:
    return sum(_spearman(*pair) for pair in zip(first, second, strict=True)) / len(first)


def _spearman(first: Tensor, second: Tensor) -> float:
    if (first == first[0]).all() or (second == second[0]).all():
        return 0.0
    return float(spearmanr(first.numpy(), second.numpy()).statistic)
