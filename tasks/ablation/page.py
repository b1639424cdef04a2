"""The page of the experiments: the tables, and every unit's image, variant beside variant."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.ablation.failures import Failure
from tasks.ablation.measured import CONVOLUTIONS
from tasks.ablation.recipes import BASE
from tasks.ablation.text import COLUMNS, LOOKS, gain_of, looks_of_row, percent_of, short_layer
from tasks.ablation.unit_maps import UnitMaps
from tasks.pages.single_page import write_page


def write_maps_page(
    out: Path, numbers: Mapping[str, Any], maps: Mapping[str, UnitMaps], failures: Sequence[Failure]
) -> None:
    """Write the page; it opens with no network.

    Raises:
        UserError: the page cannot be written.
    """
    write_page(
        out, "ablation", numbers=numbers, columns=COLUMNS, layers=side_by_side(maps), percent_of=percent_of,
        gain_of=gain_of, short_layer=short_layer, convolutions=CONVOLUTIONS, looks=LOOKS, looks_of_row=looks_of_row,
        failures=failures,
    )  # fmt: skip


def side_by_side(maps: Mapping[str, UnitMaps]) -> list[dict[str, Any]]:
    """A layer each, in the order in which they run: `name`, and of each variant that has it its row of units.

    A column is a unit of base: below it stands the variant's unit that is matched with it, None where there is none.
    What a variant has more follows in the order of its units.
    """
    names = list(dict.fromkeys([*maps[BASE], *(layer for own in maps.values() for layer in own)]))
    return [
        {"name": name, "rows": [(variant, _row(own[name], maps[BASE].get(name, []))) for variant, own in maps.items()
                                if name in own]}
        for name in sorted(names, key=_depth)
    ]  # fmt: skip


def _row(units: list[dict[str, Any]], base: list[dict[str, Any]]) -> list[dict[str, Any] | None]:
    matched = {unit["base"]: unit for unit in units if unit["base"] is not None}
    return [*(matched.get(number) for number in range(len(base))), *(unit for unit in units if unit["base"] is None)]


def _depth(layer: str) -> tuple[int, str]:
    """Convolutions first, then dense layers, then the decision."""
    return (0 if layer.startswith(CONVOLUTIONS) else 1 if layer.startswith("embedding.") else 2), layer
