"""Did two networks learn the same? One verdict on their comparison, with its evidence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.explain.compare import Comparison, above

# Thresholds of the normalised similarity (0 at the floor, an untrained network; 1 for one and the same network) from
# which two networks learned the same, where no other seeds were trained to set them. `verdict` gives the reasons.
SAME_CKA = 0.5
SAME_UNITS = 0.25


@dataclass(frozen=True)
class Similarity:
    """A mean above chance, the `floor` of untrained networks, and the `threshold` from which two are the same."""

    value: float
    floor: float
    threshold: float

    @property
    def normalised(self) -> float:
        """0 at the floor, 1 for one and the same network; negative below the floor."""
        return above(self.value, self.floor)

    @property
    def same(self) -> bool:
        return self.value >= self.threshold


@dataclass(frozen=True)
class Verdict:
    """`same`, with the reason in one sentence: the measures and what they are compared with."""

    same: bool
    reason: str
    cka: Similarity
    units: Similarity


def floors_of(comparison: Comparison, untrained: Sequence[Comparison]) -> dict[str, tuple[float, float]]:
    """By the first network's layer, the CKA and the units above chance of untrained networks.

    `untrained` compares each of the two networks with an untrained one of its own shape; the higher one counts,
    and one that is below chance is at chance.
    """
    held = [{layer.first: layer for layer in other.layers} for other in untrained]
    return {
        layer.first: (
            max([0.0, *(layers[layer.first].cka_above_chance for layers in held)]),
            max([0.0, *(layers[layer.first].units_above_chance for layers in held)]),
        )
        for layer in comparison.layers
    }


def verdict(comparison: Comparison, untrained: Sequence[Comparison], references: Iterable[Comparison] = ()) -> Verdict:
    """Whether two networks learned the same, by the means over layers of CKA and matched units above chance.

    Chance is too low a floor: convolutions with random weights already tell crops apart in much the same way. Over the
    default crops two untrained networks of one shape reach a CKA of 0.65 to 0.92 above chance, a trained and an
    untrained one 0.5. So each of the two is compared with an untrained network of its own shape (`untrained`), layer by
    layer, and the mean of the higher values (`floors_of`) is the floor.

    With `references` (comparisons of networks that differ in nothing but their seed), the same means: above the floor,
    and no further apart, by either measure, than the two that are furthest. Without: a normalised similarity
    of `SAME_CKA` and `SAME_UNITS`. By CKA and by units, networks of other seeds have 0.73 to 0.85 and 0.35 to 0.41; one
    that learned the font style and one that learned the script below 0 and 0.02 to 0.14; two untrained ones 0.63 and
    0.06; a trained and an untrained one below 0 and below 0. Both measures are needed: units tell untrained networks
    apart, of which CKA may be high, and CKA holds where features are spread over units otherwise.
    """
    floors = floors_of(comparison, untrained).values()
    spread = list(references)
    cka = _similarity(comparison.cka_above_chance, [cka for cka, _ in floors], SAME_CKA,
                    [other.cka_above_chance for other in spread])  # fmt: skip
    units = _similarity(comparison.units_above_chance, [units for _, units in floors], SAME_UNITS,
                      [other.units_above_chance for other in spread])  # fmt: skip
    same = cka.same and units.same
    against = (
        "two seeds of one network"
        if spread
        else f"untrained networks: the same from a normalised similarity of {SAME_CKA:.0%} and {SAME_UNITS:.0%}"
    )
    outcome = "learned the same" if same else "did not learn the same"
    return Verdict(
        same,
        f"{outcome}: over {comparison.crops} crops and {len(comparison.layers)} layers, "
        f"CKA {_described(cka)} and matched units {_described(units)}, both above chance; compared with {against}",
        cka,
        units,
    )


def _similarity(value: float, floors: list[float], same: float, references: list[float]) -> Similarity:
    floor = sum(floors) / len(floors)
    threshold = max(floor, min(references)) if references else floor + same * (1 - floor)
    return Similarity(value, floor, threshold)


def _described(similarity: Similarity) -> str:
    return f"{similarity.value:.2f} (untrained {similarity.floor:.2f}, threshold {similarity.threshold:.2f})"
