import numpy as np
import pytest
import torch
from torch import nn

from models.explain.deconv import project
from models.settings import DegradeSettings
from tasks.live.look import look_at
from tasks.live.maps import grid_of, signed_pixels
from tasks.live.network import LiveLayer, LiveNetwork
from tasks.live.reading import Windows, windows_of
from tasks.live.view import NONE, View
from unfont.answers import answers


@pytest.fixture
def windows(picture):
    return Windows(np.stack([picture, 255 - picture]))


def test_the_answer_is_that_of_predict(model):
    picture = np.full((40, 200), 255, np.uint8)
    picture[10:30, 20:180:5] = 0
    wanted = answers(model.model, [picture], top=3)[0]
    found = look_at(model, windows_of(model, picture, moving=False, whole=False), View()).numbers["answer"]
    assert (found["label"], found["p"]) == (wanted[model.model.target], wanted["p"])
    assert found["top"] == [[one["script"], one["p"]] for one in wanted["top"]]


def test_the_layer_and_the_unit_that_are_asked_for_are_shown(small, windows):
    look = look_at(small, windows, View(layer="4", unit=5, window=1))
    maps = small.run(small.images(windows.pixels), 1, ["4"]).maps["4"]
    assert np.array_equal(look.arrays["grid"], grid_of(maps, contrast="layer").pixels)
    assert look.numbers["layer"] | {"scale": 0} == {
        "name": "4", "units": 6, "shown": 6, "side": 3, "scale": 0, "signed": False, "map": [6, 8]
    }  # fmt: skip
    assert look.numbers["unit"]["max"] == pytest.approx(float(maps[5].max()), abs=1e-4)
    row, column = look.numbers["unit"]["peak"]
    assert maps[5][int(row * 6), int(column * 8)] == maps[5].max()


def test_what_is_beyond_the_last_is_the_last(small, windows):
    look = look_at(small, windows, View(layer="gone", unit=99, window=99))
    assert (look.numbers["layer"]["name"], look.numbers["unit"]["unit"], look.numbers["window"]) == ("1", 3, 1)


@pytest.mark.parametrize("rule", ["deconvnet", "guided", "gradient"])
def test_a_unit_is_taken_back_to_the_pixels_of_the_window(small, windows, rule):
    look = look_at(small, windows, View(layer="4", unit=2, window=1, rule=rule))
    one = small.images(windows.pixels[1:])
    wanted = project(small.network, one, layer="4", units=torch.tensor([2]), rule=rule)[0]
    assert np.array_equal(look.arrays["attribution"], signed_pixels(wanted))


def test_a_rule_that_a_network_refuses_is_a_line():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3)

        def forward(self, images):
            return self.second(torch.relu(self.first(images)))

    live = LiveNetwork(
        name="f",
        network=Functional().eval(),
        layers=[LiveLayer("second", 2, 8, 12)],
        labels=[],
        size=(12, 16),
        channels=1,
    )
    look = look_at(live, Windows(np.zeros((1, 12, 16), np.uint8)), View(rule="deconvnet", grad_cam=True))
    assert "nn.ReLU" in look.numbers["refused"] and "no logits" in look.numbers["no_grad_cam"]
    assert "answer" not in look.numbers and "attribution" not in look.arrays


def test_grad_cam_is_of_the_prediction_or_of_the_label_that_is_asked_for(small, windows):
    predicted = look_at(small, windows, View(grad_cam=True))
    assert predicted.numbers["grad_cam"] == predicted.numbers["answer"]["each"][0][0]
    assert look_at(small, windows, View(grad_cam=True, target=2)).numbers["grad_cam"] == "2"
    assert predicted.arrays["grad_cam"].shape == (12, 16)


def test_the_change_of_each_layer_is_that_of_the_norms(small, windows):
    settings = DegradeSettings(**NONE | {"contrast": 0.6})
    look = look_at(small, windows, View(degrade=settings))
    shown = torch.from_numpy(look.arrays["windows"][:1] / np.float32(255))[:, None]
    with torch.no_grad():
        before, after = (small.network[:5](each).flatten() for each in (small.images(windows.pixels[:1]), shown))
    assert look.numbers["change"]["4"] == pytest.approx(float((after - before).norm() / before.norm()), rel=0.05)
    assert list(look.numbers["change"]) == ["1", "4", "6"]


def test_an_overview_has_every_layer(small, windows):
    look = look_at(small, windows, View(overview=True))
    assert [look.arrays[f"overview/{number}"].shape[0] for number in range(3)] == [4, 6, 3]
