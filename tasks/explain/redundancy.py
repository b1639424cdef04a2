"""Which layers of a network are larger than needed: from data, and checked by doing without the spare units."""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.explain.hooks import layers_of, observed
from models.explain.prune import pruned
from models.explain.statistics import LayerStatistics, LayerSummary, Redundancy
from models.network import CropNet
from tasks.common.determinism import deterministic
from tasks.common.params import Params
from tasks.crop_table.splits import SELECTION_SPLIT, TRAIN
from tasks.evaluate.predictions import Model, open_models
from tasks.explain.compare import check_alike
from tasks.explain.compare_numbers import DIGITS
from tasks.explain.sample import Sample
from tasks.pages.text_table import aligned
from tasks.train.batches import logits_of

LEARNED = TRAIN  # the split whose crops say which units are redundant; accuracy is of another

Spare = tuple[LayerSummary, Redundancy]


def spare_units(params: Params, *, table: Path, models: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Of each model by name, by how many units its layers are larger than needed, and its accuracy without them.

    Units of a layer are redundant where the others predict `params.compare.explained` of their variance over crops
    of `train`. Then the network is run without them, what the others say of them folded in, on crops of
    `validation`: each layer alone, and all layers at once. The last layer, whose units are the labels, stays whole.

    Returns:
        `crops`, `accuracy` of the whole network, `layers`: `layer`, `units`, `dead` and `always_on` (the units'
        numbers), `homoglyphs` (near-duplicates: their two numbers and r, strongest first), `redundant` (numbers),
        `larger_by`, `effective_rank`, `accuracy` without the redundant ones, `changed` (share of answers that
        differ); `together`: `larger_by`, `accuracy`, `changed`.

    Raises:
        UserError: a model or the table cannot be read, they do not fit each other, or a split has no crops.
    """
    settings, target = params.compare, params.labels.target
    with deterministic(params.threads):
        opened = open_models(dict(models))
        learned, tested = (
            Sample.of_split(table, split, target=target, most=settings.crops, severity=settings.severity)
            for split in (LEARNED, SELECTION_SPLIT)
        )
        for sample in (learned, tested):
            check_alike(opened, sample, table)
        return {name: _of_model(model, learned, tested, params) for name, model in opened.items()}


def _of_model(model: Model, learned: Sample, tested: Sample, params: Params) -> dict[str, Any]:
    spare = _spare_of(model.network, learned, batch=params.compare.batch, explained=params.compare.explained)
    images = tested.images(model.network.channels)
    # A label that the model does not know is no output of it: the answer is wrong.
    places = {label: place for place, label in enumerate(model.labels)}
    true = torch.tensor([places.get(label, -1) for label in tested.labels])
    whole = logits_of(model.network, images).argmax(1)
    layers: list[dict[str, Any]] = []
    for name, (summary, redundancy) in spare.items():
        layers.append(
            {
                "layer": name,
                "units": len(summary.mean),
                "dead": _numbers(summary.dead),
                "always_on": _numbers(summary.always_on),
                "homoglyphs": [[first, second, round(r, DIGITS)] for first, second, r in summary.homoglyphs()],
                "redundant": redundancy.redundant.tolist(),
                "larger_by": len(redundancy.redundant),
                "effective_rank": round(summary.effective_rank, 2),
                **_without(model.network, {name: spare[name]}, images, true, whole),
            }
        )
    larger = sum(layer["larger_by"] for layer in layers)
    together = {"larger_by": larger, **_without(model.network, spare, images, true, whole)}
    return {"crops": len(tested), "accuracy": _share(whole == true), "layers": layers, "together": together}


def _spare_of(network: CropNet, sample: Sample, *, batch: int, explained: float) -> dict[str, Spare]:
    """Of every layer but the last its statistics over the crops, and which of its units are redundant."""
    names = list(layers_of(network, torch.zeros(1, network.channels, network.height, network.width)))[:-1]
    gathered = {name: LayerStatistics() for name in names}
    with torch.inference_mode(), observed(network, {name: gathered[name].update for name in names}):
        for rows in sample.parts(batch):
            network(sample.images(network.channels, rows))
    summaries = {name: statistics.summary() for name, statistics in gathered.items()}
    return {name: (summary, summary.redundancy(explained)) for name, summary in summaries.items()}


def _without(
    network: CropNet, spare: Mapping[str, Spare], images: Tensor, true: Tensor, whole: Tensor
) -> dict[str, float]:
    """Accuracy without the redundant units of these layers, and the share of answers that are not the whole's."""
    needless = {name: found for name, found in spare.items() if len(found[1].redundant)}
    if not needless:
        return {"accuracy": _share(whole == true), "changed": 0.0}
    with contextlib.ExitStack() as gone:
        for name, (summary, redundancy) in needless.items():
            gone.enter_context(pruned(network, name, summary=summary, redundancy=redundancy))
        answers = logits_of(network, images).argmax(1)
    return {"accuracy": _share(answers == true), "changed": _share(answers != whole)}


def _numbers(which: Tensor) -> list[int]:
    return torch.nonzero(which).flatten().tolist()


def _share(which: Tensor) -> float:
    return round(float(which.double().mean()), DIGITS)


def format_spare(found: Mapping[str, Mapping[str, Any]]) -> str:
    """What `spare_units` found, as a table a model."""
    return "\n\n".join("\n".join(_lines(name, numbers)) for name, numbers in found.items())


def _lines(name: str, numbers: Mapping[str, Any]) -> Iterable[str]:
    yield f"{name}: accuracy {numbers['accuracy']:.4f} on {numbers['crops']} crops of {SELECTION_SPLIT}"
    rows = [["layer", "units", "larger than needed by", "effective rank", "accuracy without", "answers changed"]]
    rows += [_row(layer) for layer in numbers["layers"]]
    yield from aligned([*rows, _row({"layer": "all at once", **numbers["together"]})])


def _row(numbers: Mapping[str, Any]) -> list[str]:
    rank = f"{numbers['effective_rank']:.1f}" if "effective_rank" in numbers else ""
    counts = [numbers["layer"], str(numbers.get("units", "")), str(numbers["larger_by"]), rank]
    return [*counts, f"{numbers['accuracy']:.4f}", f"{100 * numbers['changed']:.1f}%"]
