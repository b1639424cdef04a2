"""Single units of any network: top-activating images, their attribution, and optimised images."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from models.explain.hooks import check_units, run_order, run_until
from models.explain.maximise.ascent_settings import AscentSettings
from models.explain.maximise.canvas import Canvas, canvas_of, entered
from models.explain.maximise.random_search import Search
from tasks.common.determinism import deterministic
from tasks.common.device import device_of
from tasks.common.params import Params
from tasks.common.progress import Progress, silent
from tasks.explain.activation_maximisation import paper_settings, search_unit
from tasks.explain.unit_images import LayerVisuals, UnitVisualiser
from tasks.explain.units import Explanation, explain_layer
from tasks.inspect.subject import Subject, layers_in
from unfont.errors import UserError
from unfont.text import clip

MOST_UNITS = 200  # on a page
CANVAS_IMAGES, CANVAS_PIXELS = 256, 2**24  # that the range of pixels is taken from, at most
NAMED = 12  # layers that an error names
GUIDE = "docs/how-to/own-network.md tells what a network must be like"


@dataclass(frozen=True, kw_only=True)
class InspectedUnits:
    """Units of one layer with their images; `search` is of the only one, where random settings were tried."""

    subject: Subject
    explained: Explanation
    visuals: LayerVisuals
    canvas: Canvas
    settings: dict[str, AscentSettings]
    search: Search | None
    seed: int
    notes: list[str]


def inspect_units(
    params: Params,
    subject: Subject,
    layer: str,
    units: Sequence[int],
    *,
    steps: int | None,
    tried: int | None = None,
    seed: int,
    progress: Progress = silent,
) -> InspectedUnits:
    """Collect real images of units of a layer, and optimise images for them.

    Args:
        units: numbers, each once.
        steps: of every optimisation; None: the paper's own.
        tried: random settings to try on the only unit.
        progress: is told each step.

    Raises:
        UserError: there is no such layer or unit, or the layer's output has no units.
    """
    settings = paper_settings(steps)
    with deterministic(params.threads, seed=seed), _layer_errors(layer):
        _check(subject, layer, units)
        progress(f"activations of {clip(layer)} on {len(subject.real.names)} images")
        found = explain_layer(subject.network, layer, subject.real.batches(subject.channels), top=params.report.top)
        _check_numbers(found.summary.mean[list(units)], layer, units)
        canvas, data = _canvas(subject)
        visualiser = UnitVisualiser(
            subject.network, subject.images, canvas=canvas, settings=settings, projected=params.report.projected,
            seed=seed, workers=params.threads, device=device_of(params.device),
        )  # fmt: skip
        progress(f"optimised images and attribution of {len(units)} {'unit' if len(units) == 1 else 'units'}")
        visuals = visualiser.visualise(found, units)
        searched = None
        if tried is not None:
            progress(f"{tried} random settings")
            searched = search_unit(
                subject.network, layer, units[0], canvas=canvas, data=data, count=tried, steps=steps, seed=seed,
                workers=params.threads,
            )  # fmt: skip
        notes = [*subject.notes, *_notes_of(subject, layer, all_dead=bool(found.summary.dead.all()))]
    explained = Explanation(layers=[found], keys=subject.real.names, labels=subject.real.labels)
    return InspectedUnits(
        subject=subject, explained=explained, visuals=visuals, canvas=canvas, settings=settings, search=searched,
        seed=seed, notes=notes,
    )  # fmt: skip


@contextmanager
def _layer_errors(layer: str) -> Iterator[None]:
    """Errors of the explainers, or of a user's network, as `UserError`."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        raise UserError(clip(str(error).partition("\n")[0], 300), where=f"layer {clip(layer)}", fix=GUIDE) from error


def _check(subject: Subject, layer: str, units: Sequence[int]) -> None:
    worth, names = layers_in(subject)
    if layer not in names:
        some = ", ".join(f"{clip(name)} ({count} units)" for name, count in list(worth.items())[:NAMED])
        more = f" and {len(worth) - NAMED} more" if len(worth) > NAMED else ""
        fix = f"name a layer, such as {some}{more}; " if worth else ""
        raise UserError(
            f"there is no layer '{clip(layer)}'", where=clip(subject.name), fix=f"{fix}without a layer all are listed"
        )
    output = run_until(subject.network, layer, subject.two)
    check_units(layer, torch.tensor([], dtype=torch.int64), output)
    last = output.shape[1] - 1
    if wrong := [unit for unit in units if not 0 <= unit <= last]:
        raise UserError(
            f"there is no unit {wrong[0]}", where=f"layer {clip(layer)}", fix=f"name units from 0 to {last}"
        )
    if len(output) != len(subject.two):
        raise ValueError(f"layer '{layer}' gives {list(output.shape)} for 2 images: its first axis must be the image")


def _check_numbers(mean: Tensor, layer: str, units: Sequence[int]) -> None:
    for unit, finite in zip(units, mean.isfinite().tolist(), strict=True):
        if not finite:
            raise ValueError(f"unit {unit} of layer '{layer}' gives values that are no numbers")


def _canvas(subject: Subject) -> tuple[Canvas, Tensor]:
    """The canvas, and some real images in its pixels."""
    height, width = subject.real.size
    most = min(CANVAS_IMAGES, max(8, CANVAS_PIXELS // (height * width)))
    images = subject.real.some(most, subject.channels)
    try:
        canvas = canvas_of(subject.network, images, entry=subject.entry)
    except ValueError:
        if subject.entry is not None:
            raise UserError("every picture is plain", where=subject.real.source, fix="give pictures of words") from None
        # Nearly all pixels have one value: the canvas is all of [0, 1].
        canvas = Canvas(channels=subject.channels, height=height, width=width, neutral=float(images.mean()))
    return canvas, entered(subject.network, subject.entry, images)


def _notes_of(subject: Subject, layer: str, *, all_dead: bool) -> list[str]:
    notes = []
    times = len(run_order(subject.network, [layer], subject.two))
    if times > 1:
        notes.append(
            f"Layer {clip(layer)} runs {times} times in a forward pass, and this is its first output. "
            "To see the others, give each place a module of its own."
        )
    if all_dead:
        notes.append(f"No unit of layer {clip(layer)} is above zero on any of {len(subject.real.names)} images.")
    return notes
