import numpy as np
import pytest
import torch

from tasks.explain.redundancy import format_redundancy, redundant_units
from tasks.explain.sample import Sample
from tasks.train.weights import load_model, save_model
from tests.toyhome import make_toy_home, toy_params

PARAMS = toy_params()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_toy_home(tmp_path_factory.mktemp("redundant"), params=PARAMS)


@pytest.fixture
def duplicated(home, tmp_path):
    """A model whose unit 3 of `backbone.0` is twice unit 1, and which does not give all crops one label."""
    network, card = load_model(home / "rounds" / "0")
    with torch.no_grad():
        block = network.backbone[0]
        block.conv.weight[3] = block.conv.weight[1]
        for values in (block.norm.weight, block.norm.bias):
            values[3] = 2 * values[1]
        for values in (block.norm.running_mean, block.norm.running_var):
            values[3] = values[1]
        network.target_head.bias -= network(sample_of(home).images(1)).mean(dim=0)
    save_model(tmp_path / "duplicated", network, card)
    return tmp_path / "duplicated"


def sample_of(home):
    return Sample.of_split(home / "table", "validation", target="script", most=1000, severity="light")


def spare(home, **models):
    return redundant_units(PARAMS, table=home / "table", models=models)


def test_a_unit_that_is_another_times_two_is_redundant_and_not_missed(home, duplicated):
    (layer, *others) = spare(home, duplicated=duplicated)["duplicated"]["layers"]
    assert layer["layer"] == "backbone.0" and layer["units"] == 4
    assert {1, 3} & set(layer["redundant"])
    assert layer["n_redundant"] == len(layer["redundant"]) >= 1
    assert layer["effective_rank"] <= 3
    assert [1, 3, 1.0] in layer["near_duplicates"]
    assert [other["layer"] for other in others] == ["backbone.1", "embedding"]  # not the labels


def test_dead_units_and_those_that_are_always_on_are_named(home, duplicated):
    network, card = load_model(duplicated)
    with torch.no_grad():
        network.embedding.norm.weight[:2] = 0
        network.embedding.norm.bias[:2] = torch.tensor([-1.0, 1.0])
    save_model(duplicated, network, card)
    *_, layer = spare(home, duplicated=duplicated)["duplicated"]["layers"]
    with torch.inference_mode():
        images = Sample.of_split(home / "table", "train", target="script", most=1000, severity="light").images(1)
        said = network.embed(images)
    assert layer["dead"] == [unit for unit in range(8) if not (said[:, unit] > 0).any()]
    assert layer["always_on"] == [unit for unit in range(8) if (said[:, unit] > 0).double().mean() >= 0.99]
    assert 0 in layer["dead"] and 1 in layer["always_on"]


def test_accuracy_is_that_of_the_network_on_other_crops_than_it_was_judged_by(home, duplicated):
    found = spare(home, duplicated=duplicated)["duplicated"]
    network, card = load_model(duplicated)
    sample = sample_of(home)
    with torch.inference_mode():
        predictions = [card["labels"][place] for place in network(sample.images(1)).argmax(1).tolist()]
    assert found["crops"] == len(sample)
    assert found["sample_accuracy"] == pytest.approx(
        np.mean(np.array(predictions) == np.array(sample.labels)), abs=1e-5
    )
    assert not any(module._forward_hooks for module in network.modules())
    assert found["together"]["n_redundant"] == sum(layer["n_redundant"] for layer in found["layers"])


def test_what_changes_is_counted_layer_by_layer_and_all_at_once(home, duplicated):
    exact = PARAMS.compare.model_dump() | {"explained": 1.0}
    found = redundant_units(toy_params(compare=exact), table=home / "table", models={"duplicated": duplicated})[
        "duplicated"
    ]
    for layer in found["layers"]:  # what is left out follows from the rest exactly
        assert (layer["sample_accuracy"], layer["changed"]) == (found["sample_accuracy"], 0)
    rough = PARAMS.compare.model_dump() | {"explained": 0.05}
    found = redundant_units(toy_params(compare=rough), table=home / "table", models={"duplicated": duplicated})[
        "duplicated"
    ]
    assert found["together"]["n_redundant"] > 0 and 0 < found["together"]["changed"] <= 1


def test_the_text_says_what_can_be_left_out_and_lists_only_layers_that_have_some(home, duplicated):
    found = spare(home, duplicated=duplicated, other=home / "rounds" / "1")
    texts = dict(zip(found, format_redundancy(found).split("\n\n"), strict=True))
    for name, text in texts.items():
        numbers = found[name]
        first, *rows = text.splitlines()
        units = sum(layer["units"] for layer in numbers["layers"])
        assert first.startswith(f"{name}: ") and f"its {units} units can be left out" in first
        assert f"{numbers['sample_accuracy']:.4f}" in first
        with_some = [layer["layer"] for layer in numbers["layers"] if layer["n_redundant"]]
        assert [row.split()[0] for row in rows[1:]] == with_some
        assert ("none of" in first) == (not with_some)
    assert found["duplicated"]["together"]["n_redundant"] > 0
