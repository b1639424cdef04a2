"""Everything that was measured of the trainings, as numbers by rotation: means over the seeds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tasks.ablation.similarity import Similarity
from tasks.ablation.train import Outcome
from tasks.ablation.transfer import Kept

CONVOLUTIONS = "backbone."  # how the names of their layers begin
Place = tuple[int, int]  # rotation and seed


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Of every recipe and place its `outcomes`, of every place the similarities to base and what heads kept.

    All numbers are `[rotations]`, or `[rotations, seeds]` where they say so.
    """

    rotations: int
    seeds: int
    outcomes: Mapping[str, Mapping[Place, Outcome]]
    similarities: Mapping[Place, Mapping[str, Similarity]]
    kept: Mapping[str, Mapping[Place, Kept]]

    def accuracy(self, name: str, part: str) -> np.ndarray:
        return self.accuracies(name, part).mean(1)

    def accuracies(self, name: str, part: str) -> np.ndarray:
        """`[rotations, seeds]`."""
        return self.each(lambda place: self.outcomes[name][place]["accuracy"][part])

    def transferred(self, head: str, convolutions: str, part: str) -> np.ndarray:
        """The accuracy of a recipe's dense and decision layers on frozen convolutions of another."""
        return self.transfers(head, convolutions, part).mean(1)

    def transfers(self, head: str, convolutions: str, part: str) -> np.ndarray:
        """… `[rotations, seeds]`."""
        return self.each(lambda place: self.kept[f"{head} on {convolutions}"][place][part])

    def complement(self, name: str) -> np.ndarray:
        """Correlation of the two decision units' optimised images."""
        return self.complements(name, "maps").mean(1)

    def complements(self, name: str, of: str) -> np.ndarray:
        """Correlation of the two decision units' `maps` or `outputs`, `[rotations, seeds]`."""
        return self.each(lambda place: self.outcomes[name][place]["complement"][of])

    def idle(self, name: str) -> np.ndarray:
        """Fraction of the filters that are dead or always on."""
        return self.each(lambda place: _idle(self.outcomes[name][place])).mean(1)

    def looks(self, name: str, of: str) -> np.ndarray:
        """How it reads new people (`tasks.ablation.suspicions.Looks`), `[rotations, seeds]`; NaN: of no picture."""
        return self.each(lambda place: self.outcomes[name][place]["looks"][of]).astype(float)

    def layers(self, name: str) -> list[str]:
        """Layers that it has in common with base."""
        return list(self.similarities[0, 0][name])

    def similarity(self, name: str, layer: str, measure: str) -> np.ndarray:
        """Of a layer to base's, by `units` or `cka`, `[rotations, seeds]`; base's own is the floor."""
        return self.each(lambda place: self.similarities[place][name][layer][measure])

    def similar_maps(self, name: str) -> np.ndarray:
        """Mean over the convolutions of their matched maps' similarity to base's."""
        layers = [layer for layer in self.layers(name) if layer.startswith(CONVOLUTIONS)]
        return np.mean([self.similarity(name, layer, "units").mean(1) for layer in layers], axis=0)

    def each(self, value: Callable[[Place], float]) -> np.ndarray:
        """`[rotations, seeds]`."""
        return np.array([[value((turn, seed)) for seed in range(self.seeds)] for turn in range(self.rotations)])


def _idle(outcome: Outcome) -> float:
    own = [units for layer, units in outcome["units"].items() if layer.startswith(CONVOLUTIONS)]
    return sum(units["dead"] + units["always_on"] for units in own) / sum(units["units"] for units in own)
