import numpy as np
import pytest
import torch

from models.explain.maximise.ascent_settings import PAPER, in_steps
from models.explain.maximise.canvas import canvas_of
from tasks.crop_table.shards import pictures, read_images
from tasks.explain.synthetic_pixels import enlarged
from tasks.explain.unit_images import RULES, UnitVisualiser, crops_of
from tasks.explain.units import explain_units, shown_keys
from tasks.train.weights import load_model
from tests.toyhome import HEIGHT, WIDTH, make_toy_home, toy_params

SETTINGS = {name: in_steps(PAPER[name], 8) for name in ("norm", "decay")}


@pytest.fixture(scope="module")
def visuals(tmp_path_factory):
    """(network, explanation, by layer its visuals, table) of the toy home's first round."""
    params = toy_params()
    home = make_toy_home(tmp_path_factory.mktemp("visuals"), params=params)
    network, _ = load_model(home / "rounds" / "0")
    table = home / "table"
    explained = explain_units(network, table=table, target="script", height=HEIGHT, width=WIDTH, top=3, crops=100)
    crops = torch.from_numpy(read_images(table, ["validation"])[0])[:, None].float() / 255
    canvas = canvas_of(network, crops, entry="standardise")
    images = crops_of(pictures(table, shown_keys(explained)), explained, channels=1)
    visualiser = UnitVisualiser(
        network, images, canvas=canvas, settings=SETTINGS, projected=2, seed=params.seed, workers=1
    )
    return network, explained, {layer.name: visualiser.visualise(layer) for layer in explained.layers}, table


def test_images_are_optimised_for_the_units_asked_for_and_are_the_same(visuals):
    network, explained, layers, table = visuals
    layer, canvas_images = explained.layers[0], torch.from_numpy(read_images(table, ["validation"])[0])[:, None] / 255
    canvas = canvas_of(network, canvas_images.float(), entry="standardise")
    images = crops_of(pictures(table, shown_keys(explained)), explained, channels=1)
    visualiser = UnitVisualiser(network, images, canvas=canvas, settings=SETTINGS, projected=2, seed=0, workers=1)
    found, whole = visualiser.visualise(layer, optimised=[3, 1]), layers[layer.name]
    assert found.units == [0, 1, 2, 3] and found.names == list(SETTINGS)
    assert [bool(numbers) for numbers in found.numbers] == [False, True, False, True]
    assert found.images[0] == found.images[2] == {}
    for unit in (1, 3):
        assert found.numbers[unit] == whole.numbers[unit]
        for name, kinds in whole.images[unit].items():
            assert all(np.array_equal(found.images[unit][name][kind], pixels) for kind, pixels in kinds.items())
    assert [len(of) for of in found.attributions] == [len(of) for of in whole.attributions]


def test_a_patch_is_what_the_peak_sees(visuals):
    _, explained, layers, table = visuals
    layer = explained.layers[0]
    images, rows = read_images(table)
    of_key = dict(zip(rows["key"], images, strict=True))
    met = 0
    for unit, attributions in enumerate(layers[layer.name].attributions):
        for rank, part in enumerate(attributions):
            row, column = layer.summary.spot[unit, rank].tolist()
            # The first block has a kernel of 5 and a stride of 2.
            crop = np.pad(of_key[explained.keys[layer.summary.crop[unit, rank]]], 2, constant_values=255)
            seen = crop[2 * row : 2 * row + 5, 2 * column : 2 * column + 5]
            assert np.array_equal(part["patch"], enlarged(seen))
            met += 1
    assert met > 2


def test_every_live_unit_has_its_projections_and_a_dead_one_none(visuals):
    _, explained, layers, _ = visuals
    for layer in explained.layers:
        for unit, attributions in enumerate(layers[layer.name].attributions):
            live = int((layer.summary.strength[unit] > 0).sum())
            assert len(attributions) == min(2, live)
            assert all(
                set(part) == {"patch", *RULES} and len({one.shape for one in part.values()}) == 1
                for part in attributions
            )


def test_the_plain_gradient_of_a_label_is_autograd_s(visuals):
    network, explained, layers, table = visuals
    layer = explained.layers[-1]
    images, rows = read_images(table)
    of_key = dict(zip(rows["key"], images, strict=True))
    unit = int(layer.summary.highest.argmax())
    crop = of_key[explained.keys[layer.summary.crop[unit, 0]]]
    pixels = (torch.from_numpy(crop)[None, None].float() / 255).requires_grad_()
    (gradient,) = torch.autograd.grad(network(pixels)[0, unit], pixels)
    wanted = (gradient / (2 * gradient.abs().max()) + 0.5)[0, 0].numpy() * 255
    assert np.abs(layers[layer.name].attributions[unit][0]["gradient"] - enlarged(wanted)).max() <= 1


def test_numbers_and_images_say_the_same(visuals):
    _, explained, layers, _ = visuals
    for layer in explained.layers:
        one = layers[layer.name]
        for images, numbers in zip(one.images, one.numbers, strict=True):
            assert list(numbers) == list(images) == ["norm", "decay"]
            for name, run in numbers.items():
                assert run["silent"] == (not images[name])
                assert {kind for kind in ("best", "last", "majority") if kind in run} == set(images[name])
                assert run["silent"] or run["best"] >= run["last"]
