"""`unfont draw`: what activates single units of the project's model, or of any network of the user's own."""

import sys
from pathlib import Path

from apps.progress import shown_progress
from flows.evaluate import models_of, replicas_of_study
from tasks.common.params import Params, read_params
from tasks.inspect.subject import Subject, layers_in, model_subject, own_subject
from tasks.inspect.unit_page import write_units_page
from tasks.inspect.unit_text import format_units, numbers_of
from tasks.inspect.units import MOST_UNITS, inspect_units
from tasks.pages.single_page import check_page
from tasks.pages.text_table import aligned, text_of
from tasks.predict.named_model import CHAMPION, named_model
from unfont.errors import UserError
from unfont.text import clip

PAPER = "paper"
MOST_STEPS = 100_000


def draw(
    layer: str | None,
    units: list[int],
    *,
    label: str | None,
    model: str | None,
    network: str | None,
    images: Path | None,
    steps: str | None,
    tried: int | None,
    out: Path,
    seed: int | None,
    output_format: str,
) -> None:
    """Print a line a unit and write the page of what activates them; without a layer, list the network's layers.

    Args:
        label: names a unit of a head.
        model: name of a model, `champion` unless given, or a model folder; not with `network`.
        network: MODULE:CALLABLE that returns one; it needs `images`.
        images: folder of pictures; without it, the table's validation crops.
        steps: 'paper', a number, or None for `report.steps`.
        tried: random settings to try on the only unit.
        out: where the page goes.
        output_format: 'table' or 'json'.

    Raises:
        UserError: anything of it is wrong; then nothing is written.
    """
    params = read_params()
    check_page(out)
    length = _steps(params, steps)
    named = len(set(units)) + (label is not None)
    if tried is not None and named > 1:
        raise UserError(f"a search is for one unit, and {named} are named", where="--search", fix="name one unit")
    subject = _subject(params, label=label, model=model, network=network, images=images)
    if layer is None:
        print(_layers(subject))
        return
    chosen = _units(subject, layer, units, label)
    with shown_progress() as progress:
        found = inspect_units(
            params, subject, layer, chosen, steps=length, tried=tried, seed=params.seed if seed is None else seed,
            progress=progress,
        )  # fmt: skip
        progress("the page")
        numbers = numbers_of(found)
        write_units_page(out, found, numbers=numbers)
    print(text_of(numbers, output_format, format_units))
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    if found.visuals.refused is not None:
        print(f"note: there is no deconvnet: {clip(found.visuals.refused, 300)}", file=sys.stderr)
    print(f"page: {out}", file=sys.stderr)


def _subject(
    params: Params, *, label: str | None, model: str | None, network: str | None, images: Path | None
) -> Subject:
    if network is None:
        name = CHAMPION if model is None else model
        folder = named_model(params, name, models_of(params) | replicas_of_study(params))
        return model_subject(params, folder, name=name, pictures=images)
    if model is not None:
        raise UserError("two networks are named", where="--network and --model", fix="name one of them")
    if label is not None:
        fix = "name the unit by its number"
        raise UserError("a network of your own has no labels here", where="--label", fix=fix)
    if images is None:
        fix = "name a folder of pictures: --images FOLDER"
        raise UserError("a network of your own needs real images", where="--network", fix=fix)
    return own_subject(params, network, pictures=images)


def _units(subject: Subject, layer: str, units: list[int], label: str | None) -> list[int]:
    chosen = list(dict.fromkeys(units))
    if label is not None:
        if not layer.endswith("head"):
            fix = "name the layer target_head, or the unit by its number"
            raise UserError(f"units of layer '{clip(layer)}' have no labels", where="--label", fix=fix)
        if label not in subject.labels:
            fix = f"it knows {', '.join(clip(known) for known in subject.labels)}"
            raise UserError(f"the model knows no label '{clip(label)}'", where="--label", fix=fix)
        chosen = list(dict.fromkeys([*chosen, subject.labels.index(label)]))
    if not chosen:
        raise UserError(
            "no unit is named", where=f"layer {clip(layer)}", fix="name one, as in `unfont draw backbone.3 5`"
        )
    if len(chosen) > MOST_UNITS:
        raise UserError(
            f"{len(chosen)} units are named", where=f"layer {clip(layer)}", fix=f"name {MOST_UNITS} at most"
        )
    return chosen


def _steps(params: Params, text: str | None) -> int | None:
    if text is None:
        return params.report.steps
    if text == PAPER:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= MOST_STEPS:
        fix = f"give {PAPER}, or a number from 1 to {MOST_STEPS}"
        raise UserError(f"'{clip(text)}' is no number of steps", where="--steps", fix=fix)
    return int(text)


def _layers(subject: Subject) -> str:
    """The names of all modules; of those worth inspecting also the number of units."""
    worth, names = layers_in(subject)
    ordered = [*worth, *(name for name in names if name not in worth)]
    return "\n".join(aligned([["layer", "units"], *([clip(name, 120), str(worth.get(name, ""))] for name in ordered)]))
