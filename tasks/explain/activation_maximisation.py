"""How images are climbed: each regulariser alone, the paper's settings and random ones, for a unit of every layer."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.explain.ascent import AscentResult, maximise
from models.explain.canvas import Canvas, canvas_of, entered
from models.explain.recipes import PAPER, AscentSettings, alone, in_steps, random_settings
from models.explain.search import Search, search
from models.network import CropNet
from tasks.common.params import Params
from tasks.explain.synthetic_pixels import ENTRY
from tasks.explain.units import Explanation, Layer

LET_THROUGH = 6  # the first so-many-th part of a climb lets gradients through closed ReLUs
BEST = 4  # settings that a search picks, as many as the paper has
REGULARISERS = ("decay", "blur", "norm", "contribution", "jitter")  # in the order in which a step applies them


@dataclass(frozen=True)
class Recipe:
    """One way to climb, and where it stands: under a regulariser alone, under `none`, or among the paper's four."""

    name: str
    combined: bool
    settings: AscentSettings


@dataclass(frozen=True)
class UnitClimb:
    """One unit's climbs: row `i` of `ascent` is recipe `i`."""

    layer: Layer
    unit: int
    recipes: list[Recipe]
    ascent: AscentResult


@dataclass(frozen=True)
class Climbed:
    """What was climbed: a unit of each layer by every recipe, and one unit by random settings.

    `data[n, channels, height, width]` are real crops in the canvas's pixels; `searched` is the searched unit's number
    in the layer `units[-1].layer`.
    """

    canvas: Canvas
    data: Tensor
    units: list[UnitClimb]
    searched: int
    search: Search


def climb(
    network: CropNet, explained: Explanation, *, images: Tensor, head_unit: int | None, params: Params
) -> Climbed:
    """Climb for one unit of every layer, and search random settings for the last layer's.

    Args:
        images: real crops `[n, channels, height, width]` in [0, 1]; they say what the canvas's pixels reach.
        head_unit: the last layer's unit; None: it is chosen as in any other layer.
    """
    canvas = canvas_of(network, images, entry=ENTRY)
    recipes = recipes_of(params.report.steps)
    chosen = [unit_of(layer) for layer in explained.layers]
    if head_unit is not None:
        chosen[-1] = head_unit
    units = [
        UnitClimb(layer, unit, recipes, _climbed(network, layer, unit, canvas, recipes, params))
        for layer, unit in zip(explained.layers, chosen, strict=True)
    ]
    data = entered(network, ENTRY, images)
    found = search_unit(
        network, explained.layers[-1].name, chosen[-1], canvas=canvas, data=data, count=params.report.search,
        steps=params.report.steps, seed=params.seed, workers=params.threads,
    )  # fmt: skip
    return Climbed(canvas=canvas, data=data, units=units, searched=chosen[-1], search=found)


def recipes_of(steps: int | None) -> list[Recipe]:
    """Without a regulariser, each alone at five strengths, and the paper's four; in so many steps each, if given."""
    sheets = alone(AscentSettings())
    ordered = {name: sheets[name] for name in ("none", *REGULARISERS)}
    recipes = [Recipe(name, False, settings) for name, strengths in ordered.items() for settings in strengths]
    recipes = [Recipe(one.name, one.combined, in_so_many(one.settings, steps)) for one in recipes]
    return recipes + [Recipe(name, True, settings) for name, settings in paper_settings(steps).items()]


def in_so_many(settings: AscentSettings, steps: int | None) -> AscentSettings:
    """The same climb in `steps` steps; None: as it is."""
    return settings if steps is None else in_steps(settings, steps)


def search_unit(
    network: nn.Module,
    layer: str,
    unit: int,
    *,
    canvas: Canvas,
    data: Tensor,
    count: int,
    steps: int | None,
    seed: int,
    workers: int,
) -> Search:
    """Try `count` random settings on a unit, in `steps` steps each, if given; `data` are real images on the canvas.

    Raises:
        ValueError: as `models.explain.search.search`.
    """
    settings = [in_so_many(one, steps) for one in random_settings(count, seed=seed)]
    return search(
        network, layer, unit, canvas=canvas, data=data, settings=settings, seed=seed,
        let_through=_let_through(settings), workers=workers,
    )  # fmt: skip


def paper_settings(steps: int | None) -> dict[str, AscentSettings]:
    """The paper's four settings by name, in `steps` steps each, if given."""
    return {name: in_so_many(settings, steps) for name, settings in PAPER.items()}


def settings_of(params: Params, found_search: Search | None) -> dict[str, AscentSettings]:
    """The four settings that draw units' images, by name: the paper's, or the best of a search.

    A search's are named after their regularisers, best first; where two have the same, the later is numbered.

    Raises:
        ValueError: `params.report.settings` asks for a search and there is none.
    """
    if params.report.settings == "paper":
        return paper_settings(params.report.steps)
    if found_search is None:
        raise ValueError("the best of a search were asked for, and nothing was searched")
    named: dict[str, AscentSettings] = {}
    seen: Counter[str] = Counter()
    for number in found_search.best(BEST):
        name = regularisers_of(found_search.settings[number])
        seen[name] += 1
        named[name if seen[name] == 1 else f"{name} ({seen[name]})"] = found_search.settings[number]
    return named


def regularisers_of(settings: AscentSettings) -> str:
    """Names of the regularisers that are on: 'decay + norm', or 'none'."""
    return " + ".join(name for name in REGULARISERS if name in settings.regularisers) or "none"


def unit_of(layer: Layer) -> int:
    """The live unit that the largest share of crops raises, and of several the one at the fewest positions.

    Where every unit is dead or always on, it is the one that got highest.
    """
    summary = layer.summary
    live = torch.nonzero(~(summary.dead | summary.always_on)).flatten().tolist()
    if not live:
        return int(summary.highest.argmax())
    return min(live, key=lambda unit: (-float(summary.active[unit]), float(summary.density[unit]), unit))


def chosen_head(explained: Explanation, labels: Sequence[str], answers: Iterable[tuple[str, str]]) -> int | None:
    """Number of the label that is read worst, by its share of right (true, predicted) `answers`; the first of equals.

    None where the last layer is no head with a unit a label.
    """
    last = explained.layers[-1]
    if not last.name.endswith("head") or len(last.summary.mean) != len(labels):
        return None
    met, right = Counter[str](), Counter[str]()
    for true, predicted in answers:
        met[true] += 1
        right[true] += true == predicted
    shares = [right[label] / met[label] if met[label] else 1.0 for label in labels]
    return shares.index(min(shares))


def _climbed(
    network: CropNet, layer: Layer, unit: int, canvas: Canvas, recipes: list[Recipe], params: Params
) -> AscentResult:
    settings = [one.settings for one in recipes]
    return maximise(
        network, layer.name, [unit], canvas=canvas, settings=settings, seeds=[params.seed],
        let_through=_let_through(settings), workers=params.threads,
    )  # fmt: skip


def _let_through(settings: list[AscentSettings]) -> int:
    return min(one.steps for one in settings) // LET_THROUGH
