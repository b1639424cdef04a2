import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from models.degrade import SEVERITIES, degrade, seeds_of
from models.explain.attribution_checks import area
from tasks.crop_table.shards import read_images
from tasks.explain.attribution import explain_crops
from tasks.explain.attribution_maps import GRAD_CAM, INTEGRATED, OCCLUSION, attribution_of, shows_edges
from tasks.explain.attribution_page import AGAINST, FOR, overlay
from tasks.train.weights import load_model
from tests.toyhome import make_toy_home, toy_params
from unfont.errors import UserError

PARAMS = toy_params()
PARAMS = toy_params(attribution=PARAMS.attribution.model_dump() | {"steps": 16, "parts": 4, "randomised": 1})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_toy_home(tmp_path_factory.mktemp("attribution"), params=PARAMS)


@pytest.fixture(scope="module")
def model(home):
    return home / "rounds" / "0"


@pytest.fixture(scope="module")
def crops(home):
    return read_images(home / "table", ["test_unseen"])


@pytest.fixture(scope="module")
def keys(crops):
    return crops[1]["key"].tolist()[:2]


def explain(home, model, keys, **options):
    options = {"table": home / "table", "model_folder": model, "severity": "clean"} | options
    return explain_crops(PARAMS, keys, **options)


@pytest.fixture(scope="module")
def explained(home, model, keys):
    return explain(home, model, keys, temperature=2.0)


def test_the_maps_are_of_the_prediction_which_has_the_temperature(explained, model):
    network, card = load_model(model)
    with torch.no_grad():
        probabilities = (network(explained.images).double() / 2).softmax(1)
    for prediction, label, row in zip(explained.predictions, explained.labels, probabilities, strict=True):
        assert prediction["script"] == label == card["labels"][row.argmax()]
        assert prediction["p"] == pytest.approx(float(row.max()), abs=1e-5)
    assert explained.windows == [(1, 1), (1, 1)]
    for curves in explained.attribution.curves.values():
        assert curves.deletion[:, 0].tolist() == pytest.approx(
            [found["p"] for found in explained.predictions], abs=1e-5
        )


def test_maps_that_a_new_last_layer_leaves_alone_are_edges_and_come_last():
    found = shows_edges({"a": {"head": 0.7, "conv": 0.0}, "b": {"head": 0.1, "conv": 0.9}, "c": {"head": -0.7}})
    assert list(found.items()) == [("b", False), ("c", False), ("a", True)]


def test_integrated_gradients_add_up_to_the_logits_rise_over_the_plain_ground(explained, model):
    network, _ = load_model(model)
    mean_baseline = explained.images.mean((2, 3), keepdim=True).expand_as(explained.images)
    with torch.no_grad():
        rise = (network(explained.images) - network(mean_baseline)).numpy()
    targets = explained.attribution.targets
    rise = rise[np.arange(2), targets]
    sums = explained.attribution.maps[INTEGRATED].sum((1, 2))
    np.testing.assert_allclose(sums, rise, rtol=1e-3)
    assert (explained.attribution.completeness_error < 1e-3).all()


def test_occlusion_is_what_covering_a_window_takes_from_the_logit(explained, model):
    network, _ = load_model(model)
    (rows, columns), settings = explained.images.shape[2:], PARAMS.attribution
    image, target = explained.images[:1], explained.attribution.targets[0]
    falls, times = np.zeros((rows, columns)), np.zeros((rows, columns))
    for top in range(0, rows - settings.window[0] + 1, settings.stride[0]):
        for left in range(0, columns - settings.window[1] + 1, settings.stride[1]):
            window = slice(top, top + settings.window[0]), slice(left, left + settings.window[1])
            covered = image.clone()
            covered[0, 0][window] = image.mean()
            with torch.no_grad():
                falls[window] += float((network(image) - network(covered))[0, target])
            times[window] += 1
    np.testing.assert_allclose(explained.attribution.maps[OCCLUSION][0], falls / times, atol=1e-4)


def test_the_map_that_decides_beats_chance():
    class Corner(nn.Module):
        """Tells the label by the upper left corner."""

        channels = 1

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 1, bias=False)
            nn.init.ones_(self.conv.weight)

        def forward(self, images):
            corner = self.conv(images)[:, 0, :8, :8].mean((1, 2)) - images.mean((1, 2, 3))
            return torch.stack([0 * corner, 20 * corner], dim=1)

    images = torch.zeros(3, 1, 16, 32)
    images[:, :, :8, :8] = 1
    seen = attribution_of(Corner().eval(), images, torch.ones(3, dtype=torch.int64), PARAMS.attribution, seed=0)
    curves = seen.curves[OCCLUSION]
    assert (area(curves.random_deletion) - area(curves.deletion) > 0.05).all()
    assert seen.maps[OCCLUSION][0].argmax() in {row * 32 + column for row in range(8) for column in range(8)}
    assert (seen.maps[GRAD_CAM] >= 0).all()


def test_crops_are_explained_as_they_are_tested_for_any_label(home, crops, keys, model):
    explained = explain(home, model, keys[::-1], severity="medium", labels=["Zxxx", "Cyrl"])
    clean = torch.from_numpy(crops[0][1::-1].copy())[:, None].float() / 255
    expected = degrade(clean, seeds_of(keys[::-1], 0), SEVERITIES["medium"])
    torch.testing.assert_close(explained.images, expected)
    assert explained.names == keys[::-1]
    assert explained.attribution.targets.tolist() == [2, 0]
    with pytest.raises(UserError, match=r"knows no label 'Klin'.*it knows Cyrl, Latn, Zxxx"):
        explain(home, model, keys, labels=["Klin", "Latn"])
    with pytest.raises(UserError, match="1 of 1 crops are not there"):
        explain(home, model, ["f" * 64])


def test_many_pictures_are_explained_in_parts_with_progress(explained, home, keys, model, monkeypatch, caplog):
    monkeypatch.setattr("tasks.explain.attribution.PART", 1)
    monkeypatch.setattr("tasks.explain.attribution.EVERY", 0.0)
    with caplog.at_level("INFO", logger="unfont"):
        parts = explain(home, model, keys, temperature=2.0)
    assert [line.partition(";")[0] for line in caplog.messages] == ["explained 1 of 2 pictures"]
    np.testing.assert_allclose(parts.attribution.maps[OCCLUSION], explained.attribution.maps[OCCLUSION], atol=1e-5)
    assert parts.attribution.curves[GRAD_CAM].insertion.shape == (2, PARAMS.attribution.parts + 1)


def test_a_map_is_laid_over_in_blue_and_orange():
    image = torch.zeros(1, 2, 2)
    pixels = overlay(image, np.array([[2, -2], [1, 0]], np.float32))
    assert tuple(pixels[0, 0]) == FOR and tuple(pixels[0, 1]) == AGAINST
    assert tuple(pixels[1, 1]) == (115, 115, 115)  # black, faded to 0.55 of its contrast: 0.45 × 255
    assert tuple(pixels[1, 0]) == (73, 105, 144)  # half of 114.75 and half of (31, 95, 174)
    assert not Image.fromarray(overlay(image, np.zeros((2, 2), np.float32))).getcolors()[1:]  # nothing mattered
