from types import SimpleNamespace

import pytest
import torch

from models.network import CropNet
from tasks.crop_table.shards import read_images
from tasks.explain.units import by_label, explain_units, shown_keys
from tasks.train.weights import load_model
from tests.toyhome import HEIGHT, WIDTH, make_toy_home, toy_params
from unfont.errors import UserError


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_toy_home(tmp_path_factory.mktemp("explain"), params=toy_params())


@pytest.fixture
def network(home):
    return load_model(home / "rounds" / "0")[0]


def explain(network, home, *, crops=1000, **changes):
    size = {"height": HEIGHT, "width": WIDTH} | changes
    return explain_units(network, table=home / "table", target="script", top=3, crops=crops, **size)


def test_the_strongest_crops_are_those_of_a_plain_forward_pass(network, home):
    found = explain(network, home)
    images, rows = read_images(home / "table", ["train", "validation"])
    with torch.inference_mode():
        features = network.embed(torch.from_numpy(images)[:, None].float() / 255)
    labels = dict(zip(rows["key"], rows["script"], strict=True))
    embedding = next(layer for layer in found.layers if layer.name == "embedding")
    for unit, crops in enumerate(embedding.summary.crop.tolist()):
        strengths = {key: float(value) for key, value in zip(rows["key"], features[:, unit], strict=True)}
        shown = [found.keys[crop] for crop in crops]
        best = sorted(strengths.values(), reverse=True)[:3]
        assert [strengths[key] for key in shown] == pytest.approx(best, abs=1e-5)
        assert [found.labels[crop] for crop in crops] == [labels[key] for key in shown]
    assert sorted(found.keys) == rows["key"].tolist()


def test_no_hook_is_left(network, home):
    explain(network, home)
    assert not any(module._forward_hooks for module in network.modules())


def test_a_large_table_is_sampled_by_key(network, home):
    rows = read_images(home / "table", ["train", "validation"])[1]
    assert sorted(explain(network, home, crops=10).keys) == sorted(rows["key"])[:10]


def test_crops_of_another_size_are_the_users_to_mend(home):
    network = CropNet(toy_params().network, labels=3, height=16, width=32).eval()
    with pytest.raises(UserError, match="crops are 16×64 pixels, but the chosen model reads 16×32"):
        explain(network, home, width=32)


def test_the_crops_shown_are_those_at_either_end_of_some_unit():
    def layer(top, bottom):
        weakest = SimpleNamespace(crop=torch.tensor(bottom))
        return SimpleNamespace(summary=SimpleNamespace(crop=torch.tensor(top), weakest=weakest))

    layers = [layer([[4, 1], [1, 0]], [[3, 3], [0, 1]]), layer([[6]], [[4]])]
    assert shown_keys(SimpleNamespace(keys=list("abcdefgh"), layers=layers)) == list("abdeg")


def units_with(*tops: str):
    """(explanation, layer) of units whose top-activating crops have these labels, a letter each; '-': not active."""
    letters = "".join(tops)
    strength = torch.tensor([0.0 if letter == "-" else 1.0 for letter in letters]).view(len(tops), -1)
    summary = SimpleNamespace(
        mean=torch.zeros(len(tops)), strength=strength, crop=torch.arange(len(letters)).view(len(tops), -1)
    )
    return SimpleNamespace(labels=list(letters)), SimpleNamespace(summary=summary)


def test_the_purest_unit_of_each_label_comes_first_and_dead_ones_last():
    explained, layer = units_with("AAAA", "----", "AAAA", "BBCA", "CCCB", "AAAB")
    orders = [by_label(explained, layer, most) for most in range(1, 7)]
    # First turn: A (unit 0), C (4), B (3); second: A (2); third: A (5); then the dead one.
    assert orders == [[0], [0, 4], [0, 3, 4], [0, 2, 3, 4], [0, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]]
    assert by_label(explained, layer, None) == by_label(explained, layer, 99) == list(range(6))


def test_a_unit_s_label_is_that_of_the_crops_that_activate_it():
    explained, layer = units_with("A---", "AAB-", "BA--")
    assert by_label(explained, layer, 1) == [0]
    assert by_label(explained, layer, 2) == [0, 1]  # of two labels as frequent the first: unit 2 is A's too
