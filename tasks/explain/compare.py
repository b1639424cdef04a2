"""Similarity of two networks on the same crops, layer by layer and unit by unit, and one verdict."""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from models.explain.compare import FEWEST, Comparison
from models.explain.top_activations import UnitSummary
from models.explain.verdict import Verdict, floors_of, verdict
from models.network import CropNet
from tasks.common.determinism import derived_seed, deterministic
from tasks.common.params import Params
from tasks.crop_table.splits import SELECTION_SPLIT
from tasks.evaluate.predictions import Model, open_models
from tasks.explain.compare_many import compare_together
from tasks.explain.sample import Sample
from tasks.train.card import CARD_FILE, read_card
from tasks.train.replicas import CONTROL
from tasks.train.weights import check_size, new_network
from unfont.errors import UserError
from unfont.text import shown

SHAPE = (
    "network",
    "labels",
    "height",
    "width",
    "channels",
)  # keys of a card that fix the shapes of a network's weights
Pair = tuple[str, str]  # names of models: first, second


@dataclass(frozen=True, kw_only=True)
class ModelComparison:
    """Two networks over the same crops.

    Attributes:
        names: the models' names, first and second.
        sample: the crops that both were shown.
        untrained: the first and the second, each compared with an untrained network of its own shape.
        references: comparisons of models that differ in their seed alone, by their names.
        strongest: by layer, the units' top-activating crops, of the first's and of the second's, as rows of `sample`.
    """

    names: Pair
    sample: Sample
    comparison: Comparison
    untrained: tuple[Comparison, Comparison]
    references: dict[Pair, Comparison]
    strongest: dict[str, tuple[UnitSummary, UnitSummary]]

    @property
    def verdict(self) -> Verdict:
        """By the references; where there are none, by the untrained networks alone."""
        return verdict(self.comparison, self.untrained, self.references.values())

    @property
    def floors(self) -> dict[str, tuple[float, float]]:
        """By layer, the CKA and the units above chance of the untrained networks."""
        return floors_of(self.comparison, self.untrained)

    def image(self, row: int) -> Tensor:
        """A crop of the sample as the networks read it, in its own colours: `float32[channels, h, w]` in [0, 1]."""
        return self.sample.images(3 if self.sample.pixels.ndim == 4 else 1, slice(row, row + 1))[0]


def compare_models(
    params: Params, *, table: Path, models: Mapping[str, Path], names: Pair, references: Sequence[Pair] = ()
) -> ModelComparison:
    """Compare two networks on crops of `validation`; see `compare_pairs`.

    Args:
        names: the two to compare.
        references: pairs of models that differ in their seed alone (`seed_pairs`).
    """
    (found,) = compare_pairs(params, table=table, models=models, pairs={names: references})
    return found


def compare_pairs(
    params: Params, *, table: Path, models: Mapping[str, Path], pairs: Mapping[Pair, Sequence[Pair]]
) -> list[ModelComparison]:
    """Compare pairs of networks on crops of `validation`.

    All read each batch before the next is made, so memory is bounded by `params.compare.crops` and `.batch`. Each
    network is run once, in however many pairs it is. Layers are paired by name; one that only one of the
    networks has is left out.

    Args:
        models: model folders by name.
        pairs: those to compare, each with its references: pairs of models that differ in their seed alone.

    Raises:
        UserError: a model or the table cannot be read, they do not fit each other, or there are too few crops.
    """
    settings, seed = params.compare, derived_seed(params.seed, "compare")
    references = {pair: None for held in pairs.values() for pair in held}
    with deterministic(params.threads):
        opened = open_models({name: models[name] for pair in (*pairs, *references) for name in pair})
        target = params.labels.target
        sample = Sample.of_split(table, SELECTION_SPLIT, target=target, most=settings.crops, severity=settings.severity)
        if len(sample) < FEWEST:
            fix = f"give {SELECTION_SPLIT} {FEWEST} crops or more"
            raise UserError(f"{len(sample)} crops are too few to compare networks", where=table, fix=fix)
        check_alike(opened, sample, table)
        networks = {name: model.network for name, model in opened.items()}
        fresh = _untrained({name: models[name] for pair in pairs for name in pair}, params.seed)
        wanted = [_of(networks, pair) for pair in pairs] + [(networks[name], one) for name, one in fresh.items()]
        watched = [networks[name] for name in fresh]
        found, strongest = compare_together(wanted, sample, settings=settings, seed=seed, watched=watched)
        for group in _by_model(references):
            wanted = [_of(networks, pair) for pair in group]
            found |= compare_together(wanted, sample, settings=settings, seed=seed)[0]
    made = []
    for names, held in pairs.items():
        first, second = _of(networks, names)
        comparison = found[first, second]
        layers = [layer.first for layer in comparison.layers]
        made.append(
            ModelComparison(
                names=names,
                sample=sample,
                comparison=comparison,
                untrained=(found[first, fresh[names[0]]], found[second, fresh[names[1]]]),
                references={pair: found[_of(networks, pair)] for pair in held},
                strongest={layer: (strongest[first][layer], strongest[second][layer]) for layer in layers},
            )
        )
    return made


def _of(networks: Mapping[str, CropNet], names: Pair) -> tuple[CropNet, CropNet]:
    return networks[names[0]], networks[names[1]]


def _by_model(references: Iterable[Pair]) -> list[list[Pair]]:
    """The pairs by model: the networks of one model's seeds fit into memory together, those of all models may not."""
    groups: dict[str, list[Pair]] = {}
    for pair in references:
        groups.setdefault(pair[0].partition("/")[0], []).append(pair)
    return list(groups.values())


def _untrained(folders: Mapping[str, Path], seed: int) -> dict[str, CropNet]:
    """By the name of each model an untrained network of its shape; models of one shape share one."""
    by_shape: dict[str, CropNet] = {}
    found = {}
    for name, folder in folders.items():
        card = read_card(folder)
        shape = json.dumps([*(card[key] for key in SHAPE), "erased" in card, "margin" in card], sort_keys=True)
        if shape not in by_shape:
            torch.manual_seed(derived_seed(seed, "untrained"))
            by_shape[shape] = new_network(card).eval()
        found[name] = by_shape[shape]
    return found


def seed_pairs(names: Pair, models: Mapping[str, Path], replicas: Mapping[str, Path]) -> list[Pair]:
    """Pairs of trainings that differ in their seed alone, of the models in `names`: `erm` and `erm/seed-1`.

    Only those whose folders are there, no random controls, and not the pair `names` itself: it would be compared
    with itself.
    """
    folders = {**models, **replicas}
    pairs: list[Pair] = []
    for main in dict.fromkeys(name.partition("/")[0] for name in names if name in folders):
        own = [name for name in replicas if name.startswith(f"{main}/") and not name.startswith(f"{main}/{CONTROL}-")]
        trained = [name for name in (main, *own) if (folders[name] / CARD_FILE).is_file()]
        pairs += [pair for pair in itertools.combinations(trained, 2) if set(pair) != set(names)]
    return pairs


def check_alike(models: Mapping[str, Model], sample: Sample, table: Path) -> None:
    """Raises UserError where models have different labels, or read crops of another size."""
    (first, labels), *others = ((name, model.labels) for name, model in models.items())
    for name, own in others:
        if own != labels:
            differing = shown(", ".join(sorted(set(labels) ^ set(own))))
            raise UserError(
                f"{first} knows {len(labels)} labels and {name} {len(own)}, and not the same",
                where=f"only one knows {differing:.80}",
                fix="name two models of one problem",
            )
    check_size(sample.pixels, {name: model.network for name, model in models.items()}, table)
