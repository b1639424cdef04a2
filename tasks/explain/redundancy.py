"""Redundant units of a network's layers, from data, and the accuracy without them."""

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

LEARNED = TRAIN  # the split that redundant units are found on; accuracy is of another

LayerRedundancy = tuple[LayerSummary, Redundancy]


def redundant_units(params: Params, *, table: Path, models: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """By model name, the redundant units of its layers and its accuracy without them.

    Units of a layer are redundant where the others predict `params.compare.explained` of their variance over crops
    of `train`. Then the network is run without them, their linear predictions folded in, on crops of
    `validation`: each layer alone, and all layers at once. The last layer, whose units are the labels, is not pruned.

    Returns:
        `crops`, `sample_accuracy` of the whole network on them, non-text among them, `layers`: `layer`, `units`,
        `dead` and `always_on` (the units' numbers), `near_duplicates` (two numbers and r, highest |r| first),
        `redundant` (numbers), `n_redundant`, `effective_rank`, `sample_accuracy` without the redundant ones,
        `changed` (fraction of predictions that differ); `together`: `n_redundant`, `sample_accuracy`, `changed`.

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
    redundancies = _redundancy_of(
        model.network, learned, batch=params.compare.batch, explained=params.compare.explained
    )
    images = tested.images(model.network.channels)
    # A label that the model does not know is no output of it: the prediction is wrong.
    indices = {label: index for index, label in enumerate(model.labels)}
    true = torch.tensor([indices.get(label, -1) for label in tested.labels])
    whole = logits_of(model.network, images).argmax(1)
    layers: list[dict[str, Any]] = []
    for name, (summary, redundancy) in redundancies.items():
        layers.append(
            {
                "layer": name,
                "units": len(summary.mean),
                "dead": _numbers(summary.dead),
                "always_on": _numbers(summary.always_on),
                "near_duplicates": [
                    [first, second, round(r, DIGITS)] for first, second, r in summary.near_duplicates()
                ],
                "redundant": redundancy.redundant.tolist(),
                "n_redundant": len(redundancy.redundant),
                "effective_rank": round(summary.effective_rank, 2),
                **_without(model.network, {name: redundancies[name]}, images, true, whole),
            }
        )
    count = sum(layer["n_redundant"] for layer in layers)
    together = {"n_redundant": count, **_without(model.network, redundancies, images, true, whole)}
    return {"crops": len(tested), "sample_accuracy": _fraction(whole == true), "layers": layers, "together": together}


def _redundancy_of(network: CropNet, sample: Sample, *, batch: int, explained: float) -> dict[str, LayerRedundancy]:
    """Of every layer but the last its statistics over the crops, and which of its units are redundant."""
    names = list(layers_of(network, torch.zeros(1, network.channels, network.height, network.width)))[:-1]
    gathered = {name: LayerStatistics() for name in names}
    with torch.inference_mode(), observed(network, {name: gathered[name].update for name in names}):
        for rows in sample.parts(batch):
            network(sample.images(network.channels, rows))
    summaries = {name: statistics.summary() for name, statistics in gathered.items()}
    return {name: (summary, summary.redundancy(explained)) for name, summary in summaries.items()}


def _without(
    network: CropNet, redundancies: Mapping[str, LayerRedundancy], images: Tensor, true: Tensor, whole: Tensor
) -> dict[str, float]:
    """Accuracy without the redundant units of these layers, and the fraction of predictions that change."""
    pruned_layers = {name: found for name, found in redundancies.items() if len(found[1].redundant)}
    if not pruned_layers:
        return {"sample_accuracy": _fraction(whole == true), "changed": 0.0}
    with contextlib.ExitStack() as gone:
        for name, (summary, redundancy) in pruned_layers.items():
            gone.enter_context(pruned(network, name, summary=summary, redundancy=redundancy))
        predictions = logits_of(network, images).argmax(1)
    return {"sample_accuracy": _fraction(predictions == true), "changed": _fraction(predictions != whole)}


def _numbers(which: Tensor) -> list[int]:
    return torch.nonzero(which).flatten().tolist()


def _fraction(which: Tensor) -> float:
    return round(float(which.double().mean()), DIGITS)


def format_redundancy(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The result of `redundant_units`, a table for each model."""
    return "\n\n".join("\n".join(_lines(name, numbers)) for name, numbers in found.items())


def _lines(name: str, numbers: Mapping[str, Any]) -> Iterable[str]:
    units, together = sum(layer["units"] for layer in numbers["layers"]), numbers["together"]
    measured = f"its accuracy on {numbers['crops']} crops of {SELECTION_SPLIT} is {numbers['sample_accuracy']:.4f}"
    if not together["n_redundant"]:
        yield f"{name}: none of its {units} units can be left out: the others of a layer do not predict it; {measured}"
        return
    yield (
        f"{name}: {together['n_redundant']} of its {units} units can be left out, as the others of their layer predict"
        f" them; {measured}, without them {together['sample_accuracy']:.4f}, and {100 * together['changed']:.1f}% of"
        " its predictions change"
    )
    rows = [["layer", "units", "redundant", "effective rank", "accuracy without", "predictions changed"]]
    yield from aligned([*rows, *(_row(layer) for layer in numbers["layers"] if layer["n_redundant"])])


def _row(numbers: Mapping[str, Any]) -> list[str]:
    rank = f"{numbers['effective_rank']:.1f}"
    counts = [numbers["layer"], str(numbers["units"]), str(numbers["n_redundant"]), rank]
    return [*counts, f"{numbers['sample_accuracy']:.4f}", f"{100 * numbers['changed']:.1f}%"]
