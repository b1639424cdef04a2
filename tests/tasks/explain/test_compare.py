import shutil

import numpy as np
import pytest
import torch

from models.degrade import SEVERITIES, degrade, seeds_of
from models.explain.hooks import layers_of
from models.network import CropNet
from tasks.common.determinism import derived_seed
from tasks.crop_table.shards import read_images
from tasks.explain.compare import compare_models, compare_pairs, seed_pairs
from tasks.explain.compare_numbers import format_comparison, numbers_of
from tasks.explain.sample import Sample
from tasks.pages.single_page import pixels_of
from tasks.train.card import read_card
from tasks.train.weights import load_model, new_network, save_model
from tests.toyhome import make_toy_home, toy_params
from unfont.errors import UserError

PARAMS = toy_params()
PARAMS = toy_params(compare=PARAMS.compare.model_dump() | {"batch": 8, "pairs": 3, "top": 2})
BATCH = PARAMS.compare.batch


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_toy_home(tmp_path_factory.mktemp("compare"), params=PARAMS)


@pytest.fixture(scope="module")
def models(home):
    return {"round-0": home / "rounds" / "0", "erm": home / "invariance" / "erm"}


def compare(home, models, names=("round-0", "erm"), params=PARAMS, **options):
    return compare_models(params, table=home / "table", models=models, names=names, **options)


def test_a_network_and_one_with_its_units_in_another_order_learned_the_same(home, models, tmp_path):
    network, card = load_model(models["erm"])
    order = torch.tensor([2, 0, 3, 1])
    with torch.no_grad():
        for values in (network.backbone[0].conv.weight, *network.backbone[0].norm.state_dict().values()):
            if values.dim():
                values.copy_(values[order])
        network.backbone[1].conv.weight.copy_(network.backbone[1].conv.weight[:, order])
    save_model(tmp_path / "turned", network, card)
    found = compare(home, models | {"turned": tmp_path / "turned"}, ("erm", "turned"))
    assert found.verdict.same
    (first, *_) = found.comparison.layers
    assert sorted(first.units.tolist()) == sorted([int(order[place]), place] for place in range(4))
    itself = compare(home, models, ("erm", "erm"))  # dead units resemble nothing, not even themselves
    assert found.comparison.units_above_chance == pytest.approx(itself.comparison.units_above_chance, abs=0.01)
    assert found.comparison.cka_above_chance == pytest.approx(1, abs=0.01)


def test_two_trainings_are_compared_on_the_crops_of_validation_as_they_are_tested(home, models):
    found = compare(home, models)
    pixels, rows = read_images(home / "table", ["validation"])
    images = degrade(torch.from_numpy(pixels)[:, None].float() / 255, seeds_of(rows["key"], 0), SEVERITIES["light"])
    assert found.comparison.crops == len(rows)
    embedding = found.strongest["embedding"][1]
    with torch.inference_mode():
        said = load_model(models["erm"])[0].embed(images)
    np.testing.assert_allclose(embedding.strength, said.topk(2, dim=0).values.T, atol=1e-5)
    best = embedding.crop[0, 0].item()
    assert found.sample.labels[best] == rows["script"][int(said[:, 0].argmax())]
    np.testing.assert_array_equal(pixels_of(found.sample.images(1)[best]), pixels_of(images[int(said[:, 0].argmax())]))


def test_the_numbers_say_all_that_the_verdict_rests_on(home, models):
    numbers = numbers_of(compare(home, models))
    names = list(layers_of(load_model(models["erm"])[0], torch.zeros(1, 1, 16, 64)))
    assert [layer["layer"] for layer in numbers["layers"]] == names
    assert [layer["units"] for layer in numbers["layers"]] == [[4, 4], [6, 6], [8, 8], [3, 3]]
    assert [numbers["cka"][n][n] for n in range(4)] == [layer["cka"] for layer in numbers["layers"]]
    mean = np.mean([layer["cka_above_chance"] for layer in numbers["layers"]])
    assert numbers["cka_above_chance"] == pytest.approx(mean, abs=1e-5)
    lines = format_comparison(numbers).splitlines()
    assert lines[0].startswith("round-0 and erm did not learn the same: over 24 crops and 4 layers")
    assert lines[1].startswith("round-0 and an untrained network: CKA ")
    assert [line.split()[0] for line in lines[-4:]] == names
    floor = np.mean([layer["untrained_units"] for layer in numbers["layers"]])
    similarity = numbers["similarity"]["units"]
    assert (similarity["value"], similarity["floor"]) == pytest.approx((numbers["units_above_chance"], floor), abs=1e-5)


def test_the_floor_is_of_an_untrained_network_of_each_ones_own_shape(home, models, tmp_path):
    torch.manual_seed(derived_seed(PARAMS.seed, "untrained"))
    card = read_card(models["erm"])
    save_model(tmp_path / "new", new_network(card), card)
    known = models | {"new": tmp_path / "new"}
    found = compare(home, known)
    for name, floor in zip(found.names, found.untrained, strict=True):
        beside = compare(home, known, (name, "new")).comparison
        assert floor.cka_above_chance == pytest.approx(beside.cka_above_chance)
        assert floor.units_above_chance == pytest.approx(beside.units_above_chance)
    wider = PARAMS.network.model_copy(update={"channels": [5, 6]})
    network = CropNet(wider, labels=3, height=16, width=64)
    save_model(tmp_path / "wide", network, card | {"network": wider.model_dump()})
    (first, *_) = compare(home, known | {"wide": tmp_path / "wide"}, ("erm", "wide")).untrained[1].layers
    assert len(first.units) == 5


def test_a_network_that_erases_is_compared_by_what_its_heads_read(home, models, tmp_path):
    network, card = load_model(models["erm"])
    for name in ("erased", "same"):
        network.add_eraser()
        network.eraser.weight[0, 0] = 0
        save_model(tmp_path / name, network, card | {"erased": 1})
    known = models | {name: tmp_path / name for name in ("erased", "same")}
    found = compare(home, known, ("erm", "erased")).comparison
    assert [layer.first for layer in found.layers] == ["backbone.0", "backbone.1", "embedding", "target_head"]
    assert [layer.cka == pytest.approx(1) for layer in found.layers] == [True, True, False, False]
    both = compare(home, known, ("erased", "same"))
    assert "embedding.relu" in both.floors and both.verdict.same


def test_pairs_that_share_networks_are_compared_as_each_would_be_alone(home, models):
    known = models | {"round-1": home / "rounds" / "1"}
    pairs = [("round-0", "erm"), ("round-1", "erm"), ("round-0", "round-0")]
    found = compare_pairs(PARAMS, table=home / "table", models=known, pairs=dict.fromkeys(pairs, ()))
    for pair, one in zip(pairs, found, strict=True):
        assert numbers_of(one) == numbers_of(compare(home, known, pair))


def test_two_seeds_of_a_model_set_the_measure(home, models, tmp_path):
    replicas = {f"erm/seed-{n}": tmp_path / f"erm-{n}" for n in (1, 2)}
    replicas |= {"round-1/control-0": tmp_path / "control"}
    shutil.copytree(models["round-0"], replicas["erm/seed-1"])
    assert seed_pairs(("round-0", "erm"), models, replicas) == [("erm", "erm/seed-1")]
    assert seed_pairs(("erm", "erm/seed-1"), models, replicas) == []  # a pair is not held against itself
    shutil.copytree(models["round-0"], replicas["round-1/control-0"])
    known = models | {"round-1": models["round-0"]}
    assert seed_pairs(("round-1", "erm"), known, replicas) == [("erm", "erm/seed-1")]  # a control is no other seed
    near, card = load_model(models["erm"])
    with torch.no_grad():
        near.target_head.weight += 0.1 * torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    save_model(replicas["erm/seed-1"], near, card)
    known = models | replicas | {"near": replicas["erm/seed-1"]}
    found = compare(home, known, ("erm", "near"), references=[("erm", "erm/seed-1")])
    # The seed apart is the other model itself: the two are exactly as far apart as two seeds.
    assert found.verdict.same and "two seeds" in found.verdict.reason
    assert found.verdict.cka.threshold == pytest.approx(found.verdict.cka.value)
    far = compare(home, known, references=[("erm", "erm/seed-1")])
    assert not far.verdict.same and far.verdict.cka.threshold == pytest.approx(found.verdict.cka.threshold)
    assert "erm and erm/seed-1, two seeds: CKA" in format_comparison(numbers_of(found))


def test_the_same_params_give_the_same_numbers(home, models):
    assert numbers_of(compare(home, models)) == numbers_of(compare(home, models))


def test_models_that_do_not_fit_are_told(home, models, tmp_path):
    card = read_card(models["erm"])

    def other(name, *, labels=3, **changes):
        size = {"height": 16, "width": 64} | changes
        save_model(tmp_path / name, CropNet(PARAMS.network, labels=labels, **size), {**card, **size, **names[labels]})
        return {name: tmp_path / name}

    names = {3: {}, 2: {"labels": ["Cyrl", "Klin"]}}
    with pytest.raises(UserError, match=r"erm knows 3 labels and other 2.*only one knows Klin, Latn, Zxxx"):
        compare(home, models | other("other", labels=2), ("erm", "other"))
    with pytest.raises(UserError, match="crops are 16×64 pixels, but wide reads 16×128"):
        compare(home, models | other("wide", width=128), ("erm", "wide"))
    with pytest.raises(UserError, match="there is no crop table"):
        compare(tmp_path, models)


def test_a_sample_is_by_key_and_its_parts_are_even(home):
    options = {"target": "script", "severity": "clean"}
    rows = read_images(home / "table", ["validation"])[1]
    sample = Sample.of_split(home / "table", "validation", most=10, **options)
    assert sample.keys == sorted(rows["key"])[:10]
    assert [part.stop - part.start for part in sample.parts(4)] == [3, 3, 4]
    backwards = Sample.of_keys(home / "table", sample.keys[::-1], **options)
    assert backwards.keys == sample.keys[::-1] and backwards.labels == sample.labels[::-1]
    np.testing.assert_array_equal(backwards.pixels, sample.pixels[::-1])
    with pytest.raises(UserError, match=r"1 of 1 crops are not there.*the first is abc"):
        Sample.of_keys(home / "table", ["abc"], **options)
    with pytest.raises(UserError, match="no crops of split 'other'"):
        Sample.of_split(home / "table", "other", most=10, **options)
