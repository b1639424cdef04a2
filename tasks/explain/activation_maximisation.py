"""Activation maximisation of a unit of every layer: each regulariser alone, the paper's settings and random ones."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.explain.maximise.ascent import AscentResult, maximise
from models.explain.maximise.ascent_settings import PAPER, AscentSettings, alone, in_steps, random_settings
from models.explain.maximise.canvas import Canvas, canvas_of, entered
from models.explain.maximise.random_search import Search, search
from models.network import CropNet
from tasks.common.device import device_of, on
from tasks.common.params import Params
from tasks.explain.synthetic_pixels import ENTRY
from tasks.explain.units import Explanation, Layer

OVERRIDE_PART = 6  # the gradient of zero ReLUs is overridden in the first sixth of the steps
BEST = 4  # settings that a search picks, as many as the paper has
REGULARISERS = ("decay", "blur", "norm", "contribution", "jitter")  # in the order in which a step applies them


@dataclass(frozen=True)
class SettingsVariant:
    """Settings and their group: a regulariser alone, `none`, or (`combined`) one of the paper's four."""

    name: str
    combined: bool
    settings: AscentSettings


@dataclass(frozen=True)
class UnitMaximisation:
    """One unit's optimised images: row `i` of `ascent` is variant `i`."""

    layer: Layer
    unit: int
    variants: list[SettingsVariant]
    ascent: AscentResult


@dataclass(frozen=True)
class Maximisations:
    """Optimised images: of a unit of each layer by every variant, and of one unit by random settings.

    `data[n, channels, height, width]` are real crops in the canvas's pixels; `searched` is the unit of the
    layer `units[-1].layer` that the search is for.
    """

    canvas: Canvas
    data: Tensor
    units: list[UnitMaximisation]
    searched: int
    search: Search


def maximise_units(
    network: CropNet, explained: Explanation, *, images: Tensor, head_unit: int | None, params: Params
) -> Maximisations:
    """Optimise images for one unit of every layer, and search random settings for the last layer's.

    Args:
        images: real crops `[n, channels, height, width]` in [0, 1]; the canvas's range of pixels is theirs.
        head_unit: the last layer's unit; None: it is chosen as in any other layer.
    """
    canvas = canvas_of(network, images, entry=ENTRY)
    variants = variants_of(params.report.steps)
    chosen = [unit_of(layer) for layer in explained.layers]
    if head_unit is not None:
        chosen[-1] = head_unit
    units = [
        UnitMaximisation(layer, unit, variants, _maximised(network, layer, unit, canvas, variants, params))
        for layer, unit in zip(explained.layers, chosen, strict=True)
    ]
    data = entered(network, ENTRY, images)
    found = search_unit(
        network, explained.layers[-1].name, chosen[-1], canvas=canvas, data=data, count=params.report.search,
        steps=params.report.steps, seed=params.seed, workers=params.threads,
    )  # fmt: skip
    return Maximisations(canvas=canvas, data=data, units=units, searched=chosen[-1], search=found)


def variants_of(steps: int | None) -> list[SettingsVariant]:
    """Without a regulariser, each alone at five strengths, and the paper's four; in so many steps each, if given."""
    sheets = alone(AscentSettings())
    ordered = {name: sheets[name] for name in ("none", *REGULARISERS)}
    variants = [SettingsVariant(name, False, settings) for name, strengths in ordered.items() for settings in strengths]
    variants = [SettingsVariant(one.name, one.combined, in_so_many(one.settings, steps)) for one in variants]
    return variants + [SettingsVariant(name, True, settings) for name, settings in paper_settings(steps).items()]


def in_so_many(settings: AscentSettings, steps: int | None) -> AscentSettings:
    """The same optimisation in `steps` steps; None: unchanged."""
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
        ValueError: as `models.explain.maximise.random_search.search`.
    """
    settings = [in_so_many(one, steps) for one in random_settings(count, seed=seed)]
    return search(
        network, layer, unit, canvas=canvas, data=data, settings=settings, seed=seed,
        override_steps=_override_steps(settings), workers=workers,
    )  # fmt: skip


def paper_settings(steps: int | None) -> dict[str, AscentSettings]:
    """The paper's four settings by name, in `steps` steps each, if given."""
    return {name: in_so_many(settings, steps) for name, settings in PAPER.items()}


def settings_of(params: Params, found_search: Search | None) -> dict[str, AscentSettings]:
    """The four settings for units' images, by name: the paper's, or the best of a search.

    A search's are named after their regularisers, best first; where two have the same, the later is numbered.

    Raises:
        ValueError: `params.report.settings` asks for a search and there is none.
    """
    if params.report.settings == "paper":
        return paper_settings(params.report.steps)
    if found_search is None:
        raise ValueError("report.settings is search, and nothing was searched")
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
    """The live unit that is active on the largest fraction of crops, and of several the one at the fewest positions.

    Where every unit is dead or always on, it is the one with the highest activation.
    """
    summary = layer.summary
    live = torch.nonzero(~(summary.dead | summary.always_on)).flatten().tolist()
    if not live:
        return int(summary.highest.argmax())
    return min(live, key=lambda unit: (-float(summary.active[unit]), float(summary.density[unit]), unit))


def chosen_head(explained: Explanation, labels: Sequence[str], predictions: Iterable[tuple[str, str]]) -> int | None:
    """Index of the label with the lowest accuracy in (true, predicted) `predictions`; the first of equals.

    None where the last layer is no head with a unit for each label.
    """
    last = explained.layers[-1]
    if not last.name.endswith("head") or len(last.summary.mean) != len(labels):
        return None
    crops, correct = Counter[str](), Counter[str]()
    for true, predicted in predictions:
        crops[true] += 1
        correct[true] += true == predicted
    accuracies = [correct[label] / crops[label] if crops[label] else 1.0 for label in labels]
    return accuracies.index(min(accuracies))


def _maximised(
    network: CropNet, layer: Layer, unit: int, canvas: Canvas, variants: list[SettingsVariant], params: Params
) -> AscentResult:
    settings = [one.settings for one in variants]
    return maximise(
        on(network, device_of(params.device)), layer.name, [unit], canvas=canvas, settings=settings,
        seeds=[params.seed],
        override_steps=_override_steps(settings), workers=params.threads,
    )  # fmt: skip


def _override_steps(settings: list[AscentSettings]) -> int:
    return min(one.steps for one in settings) // OVERRIDE_PART
