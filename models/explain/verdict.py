"""Did two networks learn the same? One verdict on their comparison, with its evidence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from models.explain.compare import Comparison, above

# Shares of the way from the floor, what an untrained network reaches, to one and the same network: from here on two
# networks are said to have learned the same where no other seeds were trained to set the measure. `verdict` says why.
SAME_CKA = 0.5
SAME_UNITS = 0.25


@dataclass(frozen=True)
class Standing:
    """Where a mean above chance stands: at `value`, from the `floor` up, and the same from `needed` on."""

    value: float
    floor: float
    needed: float

    @property
    def share(self) -> float:
        """Of the way from the floor, 0, to one and the same network, 1; negative below the floor."""
        return above(self.value, self.floor)

    @property
    def reached(self) -> bool:
        return self.value >= self.needed


@dataclass(frozen=True)
class Finding:
    """`same`, with the reason in one sentence: what was measured and what it was held against."""

    same: bool
    reason: str
    cka: Standing
    units: Standing


def floors_of(comparison: Comparison, untrained: Sequence[Comparison]) -> dict[str, tuple[float, float]]:
    """By the first network's layer, the CKA and the units above chance that its like reaches with nothing learned.

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


def verdict(comparison: Comparison, untrained: Sequence[Comparison], references: Iterable[Comparison] = ()) -> Finding:
    """Whether two networks learned the same, by the means over layers of CKA and matched units above chance.

    Chance is no floor: convolutions with random weights tell crops apart in much the same way. Over the default crops
    two untrained networks of one shape reach a CKA of 0.65 to 0.92 above chance, a trained and an untrained one 0.5. So
    each of the two is compared with an untrained network of its own shape (`untrained`), layer by layer, and the mean
    of the higher figures (`floors_of`) is the floor.

    With `references` (comparisons of networks that differ in nothing but their seed), the same means: above the floor,
    and no further apart, by either measure, than the two that are furthest. Without: `SAME_CKA` and `SAME_UNITS` of the
    way from the floor to one and the same network. Of that way went, by CKA and by units, networks of other seeds 0.73
    to 0.85 and 0.35 to 0.41; one that learned the font style and one that learned the script below 0 and 0.02 to 0.14;
    two untrained ones 0.63 and 0.06; a trained and an untrained one below 0 and below 0. No one measure will do: units
    tell untrained networks apart, of which CKA may be high, and CKA sees what is spread over units otherwise.
    """
    floors = floors_of(comparison, untrained).values()
    spread = list(references)
    cka = _standing(comparison.cka_above_chance, [cka for cka, _ in floors], SAME_CKA,
                    [other.cka_above_chance for other in spread])  # fmt: skip
    units = _standing(comparison.units_above_chance, [units for _, units in floors], SAME_UNITS,
                      [other.units_above_chance for other in spread])  # fmt: skip
    same = cka.reached and units.reached
    against = (
        "what two seeds of one network reach"
        if spread
        else f"an untrained network: {SAME_CKA:.0%} and {SAME_UNITS:.0%} of the way from it to one and the same"
    )
    said = "learned the same" if same else "did not learn the same"
    return Finding(
        same,
        f"{said}: over {comparison.crops} crops and {len(comparison.layers)} layers, "
        f"CKA {_said(cka)} and matched units' correlation {_said(units)}, all above chance; held against {against}",
        cka,
        units,
    )


def _standing(value: float, floors: list[float], share: float, references: list[float]) -> Standing:
    floor = sum(floors) / len(floors)
    needed = max(floor, min(references)) if references else floor + share * (1 - floor)
    return Standing(value, floor, needed)


def _said(standing: Standing) -> str:
    return f"{standing.value:.2f} (untrained {standing.floor:.2f}, same from {standing.needed:.2f})"
