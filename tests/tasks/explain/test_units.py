import pytest
import torch

from models.network import CropNet
from tasks.crop_table.shards import read_images
from tasks.explain.units import explain_units
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
