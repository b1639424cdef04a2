"""Two networks side by side: the same crops through both, layer by layer and unit by unit, and one verdict."""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.explain.compare import FEWEST, Comparison, LayerMatch, NetworkComparison, Verdict, verdict
from models.explain.hooks import captured, layers_of
from models.explain.top import TopActivations, UnitSummary
from models.network import ScriptNet
from models.settings import CompareSettings
from tasks.answers import Model, open_models
from tasks.determinism import derived_seed, deterministic
from tasks.errors import UserError
from tasks.params import Params
from tasks.pattern import shown
from tasks.predict import aligned
from tasks.replicas import CONTROL
from tasks.sample import Sample
from tasks.weights import CARD_FILE

SPLIT = "validation"
DIGITS = 6  # of numbers
Pair = tuple[str, str]  # names of models: first, second


@dataclass(frozen=True, kw_only=True)
class SideBySide:
    """Two networks over the same crops.

    Attributes:
        names: the models' names, first and second.
        sample: the crops that both were shown.
        references: comparisons of models that differ in their seed alone, by their names.
        strongest: by layer, what the units of the first's and of the second's answer to; crops by their row.
    """

    names: Pair
    sample: Sample
    comparison: Comparison
    references: dict[Pair, Comparison]
    strongest: dict[str, tuple[UnitSummary, UnitSummary]]

    @property
    def verdict(self) -> Verdict:
        """Held against the references; where there are none, against set thresholds."""
        return verdict(self.comparison, self.references.values())


def compare_models(
    params: Params, *, table: Path, models: Mapping[str, Path], names: Pair, references: Sequence[Pair] = ()
) -> SideBySide:
    """Compare two networks on crops of `validation`.

    Both read each batch before the next is made, so memory is bounded by `params.compare.crops` and `.batch`.
    Layers are paired by name; one that only one of the networks has is left out.

    Args:
        models: model folders by name.
        names: the two to compare.
        references: pairs of models that differ in their seed alone (`seed_pairs`).

    Raises:
        UserError: a model or the table cannot be read, they do not fit each other, or there are too few crops.
    """
    settings, seed = params.compare, derived_seed(params.seed, "compare")
    with deterministic(params.threads):
        opened = open_models({name: models[name] for pair in (names, *references) for name in pair})
        target = params.labels.target
        sample = Sample.of_split(table, SPLIT, target=target, most=settings.crops, severity=settings.severity)
        if len(sample) < FEWEST:
            mend = f"give {SPLIT} {FEWEST} crops or more"
            raise UserError(f"{len(sample)} crops are too few to compare networks", where=table, mend=mend)
        check_alike(opened, sample, table)
        comparison, strongest = _side_by_side(*_networks(opened, names), sample, settings, seed)
        held = {pair: _side_by_side(*_networks(opened, pair), sample, settings, seed)[0] for pair in references}
    return SideBySide(names=names, sample=sample, comparison=comparison, references=held, strongest=strongest)


def seed_pairs(names: Pair, models: Mapping[str, Path], replicas: Mapping[str, Path]) -> list[Pair]:
    """Pairs of trainings that differ in their seed alone, of the models in `names`: `erm` and `erm/seed-1`.

    Only those whose folders are there, no random controls, and not the pair `names` itself: it would be held
    against itself.
    """
    folders = {**models, **replicas}
    pairs: list[Pair] = []
    for main in dict.fromkeys(name.partition("/")[0] for name in names if name in folders):
        own = [name for name in replicas if name.startswith(f"{main}/") and not name.startswith(f"{main}/{CONTROL}-")]
        trained = [name for name in (main, *own) if (folders[name] / CARD_FILE).is_file()]
        pairs += [pair for pair in itertools.combinations(trained, 2) if set(pair) != set(names)]
    return pairs


def check_alike(models: Mapping[str, Model], sample: Sample, table: Path) -> None:
    """Raises UserError where models name other labels than each other, or read crops of another size."""
    (first, labels), *others = ((name, model.labels) for name, model in models.items())
    for name, own in others:
        if own != labels:
            differing = shown(", ".join(sorted(set(labels) ^ set(own))))
            raise UserError(
                f"{first} knows {len(labels)} labels and {name} {len(own)}, and not the same",
                where=f"only one knows {differing:.80}",
                mend="name two models of one problem",
            )
    for name, model in models.items():
        sample.check_size(name, model.network.height, model.network.width, table=table)


def _networks(models: Mapping[str, Model], names: Pair) -> tuple[ScriptNet, ScriptNet]:
    return models[names[0]].network, models[names[1]].network


def _side_by_side(
    first: ScriptNet, second: ScriptNet, sample: Sample, settings: CompareSettings, seed: int
) -> tuple[Comparison, dict[str, tuple[UnitSummary, UnitSummary]]]:
    others = _layers(second)
    layers = [name for name in _layers(first) if name in others]
    comparison = NetworkComparison([(name, name) for name in layers], seed=seed)
    tops = {name: (TopActivations(settings.top), TopActivations(settings.top)) for name in layers}
    for rows in sample.parts(settings.batch):
        images = {channels: sample.images(channels, rows) for channels in {first.channels, second.channels}}
        outputs = [_outputs(network, images[network.channels], layers) for network in (first, second)]
        comparison.update(*outputs)
        for name, pair in tops.items():
            for top, output in zip(pair, outputs, strict=True):
                top.update(output[name])
    return comparison.result(), {name: (one.summary(), other.summary()) for name, (one, other) in tops.items()}


def _layers(network: ScriptNet) -> list[str]:
    return list(layers_of(network, torch.zeros(1, network.channels, network.height, network.width)))


@torch.no_grad()
def _outputs(network: ScriptNet, images: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
    with captured(network, layers) as outputs:
        network(images)
    return outputs


def numbers_of(found: SideBySide) -> dict[str, Any]:
    """The verdict and all that it rests on, as values that JSON can hold; docs/explaining.md names them."""
    comparison, judged = found.comparison, found.verdict
    return {
        "first": found.names[0],
        "second": found.names[1],
        "same": judged.same,
        "verdict": judged.reason,
        "crops": comparison.crops,
        "split": SPLIT,
        "severity": found.sample.severity,
        **_means(comparison),
        "references": [{"first": a, "second": b, **_means(other)} for (a, b), other in found.references.items()],
        "layers": [_layer(layer, *found.strongest[layer.first]) for layer in comparison.layers],
        "cka": [[round(value, DIGITS) for value in row] for row in comparison.cka.tolist()],
    }


def _means(comparison: Comparison) -> dict[str, float]:
    return {
        "cka_above_chance": round(comparison.cka_above_chance, DIGITS),
        "units_above_chance": round(comparison.units_above_chance, DIGITS),
    }


def _layer(layer: LayerMatch, first: UnitSummary, second: UnitSummary) -> dict[str, Any]:
    numbers = {
        "correlation": float(layer.correlation.mean()),
        "chance_correlation": layer.chance_correlation,
        "units_above_chance": layer.units_above_chance,
        "cka": layer.cka,
        "chance_cka": layer.chance_cka,
        "cka_above_chance": layer.cka_above_chance,
    }
    return {
        "layer": layer.first,
        "units": [len(first.mean), len(second.mean)],
        "matched": layer.units.tolist(),
        **{name: round(value, DIGITS) for name, value in numbers.items()},
    }


def format_comparison(numbers: Mapping[str, Any], style: str) -> str:
    """What `numbers_of` says (and `spare`, where it is there) as text: 'table' or 'json'.

    Raises:
        ValueError: another style.
    """
    if style == "json":
        return json.dumps(numbers, indent=2, ensure_ascii=False)
    if style != "table":
        raise ValueError(f"style must be table or json, not '{style}'")
    lines = [f"{numbers['first']} and {numbers['second']} {numbers['verdict']}"]
    for other in numbers["references"]:
        of = f"CKA {other['cka_above_chance']:.2f}, units {other['units_above_chance']:.2f}"
        lines.append(f"{other['first']} and {other['second']}, two seeds: {of}")
    rows = [["layer", "units", "matched", "r", "by chance", "above chance", "CKA", "by chance", "above chance"]]
    for layer in numbers["layers"]:
        shares = [layer[name] for name in ("correlation", "chance_correlation", "units_above_chance")]
        shares += [layer[name] for name in ("cka", "chance_cka", "cka_above_chance")]
        units = " and ".join(map(str, layer["units"]))
        rows.append([layer["layer"], units, str(len(layer["matched"])), *(f"{value:.2f}" for value in shares)])
    return "\n".join([*lines, "", *aligned(rows)])
