import cmath
import math

import pytest
import torch
from torch import nn

from models.explain.maximise.ascent_settings import AscentSettings, in_steps, random_settings
from models.explain.maximise.canvas import Canvas, canvas_of, entered
from models.explain.maximise.random_search import Search, search
from models.explain.robustness import relative_change
from models.explain.spectrum import gradients, radial_spectrum, spectrum_distance
from models.network import CropNet
from models.settings import NetworkSettings

CANVAS = Canvas(channels=1, height=8, width=8)


def wave(frequency, *, size=16):
    return torch.cos(2 * math.pi * frequency * torch.arange(size)).expand(1, 1, size, size)


@pytest.mark.parametrize("cycles", [1, 3, 8])
def test_a_wave_has_all_its_power_at_its_frequency(cycles):
    spectrum = radial_spectrum(wave(cycles / 16), bins=8)
    place = int(spectrum.share[0].argmax())
    assert spectrum.share[0, place] == pytest.approx(1)
    assert abs(float(spectrum.frequency[place]) - cycles / 16) <= 1 / 32


def test_power_is_that_of_the_transform_written_out():
    image = torch.rand(1, 2, 4, 4, generator=torch.Generator().manual_seed(0)).double()
    spectrum = radial_spectrum(image, bins=2)
    rings: list[list[float]] = [[], []]
    for down in range(-1, 3):
        for along in range(-1, 3):
            radius = math.hypot(down / 4, along / 4)
            if not 0 < radius <= 0.5:
                continue
            waves = [
                sum(
                    float(image[0, channel, row, column]) * cmath.exp(-2j * math.pi * (down * row + along * column) / 4)
                    for row in range(4) for column in range(4)
                )
                for channel in range(2)
            ]  # fmt: skip
            rings[0 if radius <= 0.25 else 1].append(sum(abs(value) ** 2 for value in waves) / 2 / 16)
    means = torch.tensor([sum(ring) / len(ring) for ring in rings], dtype=torch.float64)
    torch.testing.assert_close(spectrum.power[0], means)


def test_white_noise_is_flat_and_blurred_noise_is_not():
    noise = torch.randn(64, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    flat = radial_spectrum(noise, bins=4).power.mean(dim=0)
    assert flat.max() / flat.min() < 1.2
    coarse = radial_spectrum(nn.functional.avg_pool2d(noise, 3, 1, 1), bins=4).power.mean(dim=0)
    assert coarse[0] > 10 * coarse[-1]


def test_a_plain_image_and_a_pixel_have_no_power():
    assert radial_spectrum(torch.ones(1, 1, 8, 8), bins=4).share.sum() == 0
    assert radial_spectrum(torch.ones(1, 3, 1, 1), bins=4).share.sum() == 0


def test_distance_is_nothing_to_itself_and_one_to_other_frequencies():
    low, high = radial_spectrum(wave(1 / 16), bins=8), radial_spectrum(wave(7 / 16), bins=8)
    assert spectrum_distance(low, low).item() == pytest.approx(0, abs=1e-6)
    assert spectrum_distance(low, high).item() == pytest.approx(1, abs=1e-6)


def test_gradients_of_a_linear_layer_are_its_weights_with_signs():
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 2, bias=False))
    found = gradients(network, "1", torch.rand(5, 1, 8, 8), canvas=CANVAS).flatten(1)
    one, two = network[1].weight.detach()
    for gradient in found:
        assert any(torch.allclose(gradient, a * one + b * two, atol=1e-6) for a in (-1, 1) for b in (-1, 1))


def test_relative_change_is_that_of_the_norms():
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 2)).eval()
    clean, degraded = torch.rand(4, 1, 8, 8), torch.rand(4, 1, 8, 8)
    changes = relative_change(network, clean, degraded, ["1", "3"])
    assert list(changes) == ["1", "3"]
    for row in range(4):
        before, after = network[:2](clean[row : row + 1]), network[:2](degraded[row : row + 1])
        wanted = (after - before).square().sum().sqrt() / before.square().sum().sqrt()
        assert float(changes["1"][row]) == pytest.approx(float(wanted.detach()), rel=1e-5)
    assert relative_change(network, clean, clean, ["3"])["3"].tolist() == [0.0] * 4
    with pytest.raises(ValueError, match=r"clean images are \[4, 1, 8, 8\]"):
        relative_change(network, clean, degraded[:2], ["1"])


def test_a_search_ranks_its_settings_and_the_best_differ_in_kind():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(256, 3))
    settings = [in_steps(one, 8) for one in random_settings(24, seed=0)]
    found = search(network, "3", 1, canvas=CANVAS, data=torch.rand(6, 1, 8, 8), settings=settings)
    assert found.ascent.setting.tolist() == list(range(24))
    assert found.rank.min() >= 0
    best = found.best()
    assert len({settings[number].regularisers for number in best}) == 4
    assert best[0] == int(found.rank.argmin())


def test_a_setting_best_by_every_measure_is_first_and_a_silent_one_last():
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 1), nn.ReLU())
    nn.init.constant_(network[1].bias, -1e6)
    settings = [AscentSettings(steps=2), AscentSettings(steps=2, decay=0.1)]
    silent = search(network, "2", 0, canvas=CANVAS, data=torch.rand(3, 1, 8, 8), settings=settings)
    assert silent.rank.tolist() == [2, 2]
    chosen = Search(settings, silent.ascent, *(silent.activation,) * 3, rank=torch.tensor([1.0, 0.0]))
    assert chosen.best(1) == [1]


def test_a_canvas_of_data_is_what_the_network_makes_of_it():
    settings = NetworkSettings(channels=[4, 4], downsampling=2, embedding=4, dropout=0.0)
    network = CropNet(settings, labels=2, height=8, width=8).eval()
    images = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    canvas = canvas_of(network, images, entry="standardise")
    pixels = network.standardise(images)
    assert torch.equal(entered(network, "standardise", images), pixels)
    assert canvas.neutral == pytest.approx(float(pixels.mean()), abs=1e-6)
    assert float((pixels < canvas.low).float().mean()) == pytest.approx(0.005, abs=0.001)
    assert float((pixels > canvas.high).float().mean()) == pytest.approx(0.005, abs=0.001)
    assert canvas_of(network, images).entry is None
