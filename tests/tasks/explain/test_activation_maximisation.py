from types import SimpleNamespace

import pytest
import torch

from models.explain.maximise.ascent_settings import PAPER, AscentSettings
from tasks.explain.activation_maximisation import (
    chosen_head,
    maximise_units,
    regularisers_of,
    settings_of,
    unit_of,
    variants_of,
)
from tasks.explain.sample import Sample
from tasks.explain.units import explain_units
from tasks.train.weights import load_model
from tests.toyhome import make_toy_home, toy_params

LABELS = ["Cyrl", "Latn", "Zxxx"]


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """(network, what its units answer to, real crops) of the toy home's first model."""
    home = make_toy_home(tmp_path_factory.mktemp("maximised"), params=toy_params())
    network, card = load_model(home / "rounds" / "0")
    explained = explain_units(
        network, table=home / "table", target="script", height=card["height"], width=card["width"], top=3, crops=100
    )
    sample = Sample.of_split(home / "table", "validation", target="script", most=20, severity="clean")
    return network, explained, sample.images(network.channels)


@pytest.fixture(scope="module")
def maximised(toy):
    network, explained, images = toy
    return maximise_units(network, explained, images=images, head_unit=1, params=toy_params())


def layer_of(*, active, density, highest=None):
    density = torch.tensor(density)
    highest = torch.tensor(active if highest is None else highest)
    summary = SimpleNamespace(
        active=torch.tensor(active), density=density, highest=highest, dead=highest <= 0, always_on=density >= 0.99
    )
    return SimpleNamespace(summary=summary)


def report_with(**changes):
    return toy_params(report=toy_params().report.model_dump() | changes)


def searched(ranks, settings):
    best = sorted(range(len(ranks)), key=lambda number: ranks[number])
    return SimpleNamespace(settings=settings, best=lambda count: best[:count])


def test_every_regulariser_is_alone_at_five_strengths_and_then_come_the_papers():
    variants = variants_of(None)
    alone = [one for one in variants if not one.combined]
    assert [one.name for one in alone] == ["none"] + [
        name for name in ("decay", "blur", "norm", "contribution", "jitter") for _ in range(5)
    ]
    assert all(one.settings.regularisers == ({one.name} - {"none"}) for one in alone)
    assert {one.name: one.settings for one in variants if one.combined} == PAPER


def test_half_the_steps_are_twice_as_long():
    whole, half = ({(one.name, one.combined): one.settings for one in variants_of(steps)} for steps in (None, 250))
    assert half["none", False] == whole["none", False].model_copy(update={"steps": 250, "rate": 200.0})
    assert half["contribution", True].rate == pytest.approx(4e8)  # of 1000 steps
    assert half["contribution", True].progress == pytest.approx(8)


def test_the_unit_is_live_and_raised_by_most_crops_at_few_positions():
    layer = layer_of(active=[0.0, 1.0, 0.8, 0.9, 0.9, 0.9], density=[0.0, 1.0, 0.1, 0.7, 0.2, 0.2])
    assert unit_of(layer) == 4


def test_without_a_live_unit_it_is_the_highest():
    assert unit_of(layer_of(active=[0.0, 1.0, 1.0], density=[0.0, 1.0, 1.0], highest=[0.0, 2.0, 3.0])) == 2


def test_the_papers_settings_draw_unless_a_search_is_asked_for():
    paper = settings_of(report_with(steps=None), None)
    assert paper == PAPER
    assert {one.steps for one in settings_of(report_with(steps=50), None).values()} == {50}


def test_a_searchs_best_four_are_named_by_what_they_do():
    plain, norms = AscentSettings(), AscentSettings(norm_percent=10.0)
    both = AscentSettings(norm_percent=20.0, decay=0.1)
    other = AscentSettings(norm_percent=30.0, jitter=2, blur_width=1.0)  # never blurred: no blur_every
    named = settings_of(report_with(settings="search"), searched([5, 1, 0, 2, 3], [plain, norms, both, other, norms]))
    assert list(named.items()) == [
        ("decay + norm", both), ("norm", norms), ("norm + jitter", other), ("norm (2)", norms),
    ]  # fmt: skip
    assert regularisers_of(plain) == "none"


def test_a_search_that_was_not_made_cannot_draw():
    with pytest.raises(ValueError, match="nothing was searched"):
        settings_of(report_with(settings="search"), None)


def test_a_unit_of_every_layer_is_optimised_by_every_variant(toy, maximised):
    _, explained, _ = toy
    assert [one.layer.name for one in maximised.units] == [layer.name for layer in explained.layers]
    assert maximised.units[-1].unit == maximised.searched == 1
    for one in maximised.units:
        assert len(one.ascent.best) == len(one.variants) == 30
        assert set(one.ascent.unit.tolist()) == {one.unit}
        assert {variant.settings.steps for variant in one.variants} == {8}
    assert len(maximised.search.settings) == 6


def test_activations_are_those_of_the_network_on_the_images(toy, maximised):
    network, _, _ = toy
    head = maximised.units[-1]
    assert head.ascent.best.shape[1:] == maximised.canvas.shape
    with torch.no_grad():
        maps = network.backbone(head.ascent.best)  # the canvas enters behind `standardise`
        features = network.embed_maps(maps)
        said = network.target_head(features)[:, head.unit]
    still = torch.tensor([one.settings.jitter == 0 for one in head.variants])  # the others moved as they were measured
    assert torch.allclose(said[still], head.ascent.best_activation[still], atol=1e-4)


def test_threads_change_nothing(toy, maximised):
    network, explained, images = toy
    params = toy_params(threads=2)
    again = maximise_units(network, explained, images=images, head_unit=1, params=params)
    assert torch.equal(again.search.rank, maximised.search.rank)
    for one, other in zip(maximised.units, again.units, strict=True):
        assert torch.equal(one.ascent.best, other.ascent.best)


def test_the_heads_unit_is_the_label_that_is_read_worst(toy):
    _, explained, _ = toy
    rows = {"Cyrl": "Cyrl Cyrl Latn", "Latn": "Cyrl Latn Zxxx", "Zxxx": "Zxxx"}
    pairs = [(true, predicted) for true, predictions in rows.items() for predicted in predictions.split()]
    assert chosen_head(explained, LABELS, pairs) == 1  # 1 of 3; Cyrl 2 of 3
    assert chosen_head(explained, LABELS, []) == 0
    assert chosen_head(explained, LABELS[:2], pairs) is None  # two labels, three units: that is no head of them
