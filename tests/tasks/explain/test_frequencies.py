import math

import numpy as np
import pytest
import torch

from models.settings import DegradeSettings
from tasks.explain.frequencies import band_of, order_of, single_degradations, white_of
from tests.toyhome import toy_params


def wave(cycles, *, height=16, width=32):
    """A wave along the rows, of so many cycles over the width."""
    return torch.cos(2 * math.pi * cycles * torch.arange(width) / width).expand(1, 1, height, width)


def high_by_hand(images):
    """The share above a quarter cycle a pixel, frequency by frequency."""
    shares = []
    for image in images.double().numpy():
        high = total = 0.0
        for channel in image:
            power = np.abs(np.fft.fft2(channel - channel.mean())) ** 2
            for row, down in enumerate(np.fft.fftfreq(channel.shape[0])):
                for column, along in enumerate(np.fft.fftfreq(channel.shape[1])):
                    radius = math.hypot(down, along)
                    total += power[row, column] * (0 < radius <= 0.5)
                    high += power[row, column] * (0.25 < radius <= 0.5)
        shares.append(high / total)
    return sum(shares) / len(shares)


def test_a_slow_wave_is_low_and_a_fast_one_high():
    assert band_of(wave(2)).high == pytest.approx(0)
    assert band_of(wave(12)).high == pytest.approx(1)
    assert band_of(torch.cat([wave(2), wave(12), wave(0)])).high == pytest.approx(0.5)  # the plain one is left out


def test_high_is_what_a_sum_over_all_frequencies_gives():
    images = torch.randn(3, 3, 12, 20, generator=torch.Generator().manual_seed(1))
    assert band_of(images).high == pytest.approx(high_by_hand(images))


def test_white_noise_has_density_1_and_the_share_that_its_size_has():
    noise = torch.randn(4000, 1, 16, 32, generator=torch.Generator().manual_seed(2))
    band = band_of(noise)
    # The first ring has two frequencies.
    assert band.density[1:] == pytest.approx([1.0] * 15, abs=0.05)
    assert white_of(noise) == pytest.approx(band.high, abs=0.005)


def test_rings_that_a_small_image_lacks_have_no_density():
    band = band_of(torch.randn(5, 1, 5, 5, generator=torch.Generator().manual_seed(3)))
    radii = {math.hypot(down, along) for down in np.fft.fftfreq(5) for along in np.fft.fftfreq(5)}
    held = {math.ceil(radius * 32 - 1e-9) - 1 for radius in radii if 0 < radius <= 0.5}
    assert [place for place, value in enumerate(band.density) if value is not None] == sorted(held)


def test_nothing_has_no_spectrum():
    assert band_of(torch.zeros(2, 1, 8, 8)).high is None
    assert band_of(torch.zeros(0, 1, 8, 8)).density == [None] * 16


def test_each_degradation_acts_alone_at_its_own_strength():
    settings = toy_params().degrade.model_copy(update={"blur": 0.0})
    alone = {name: (strength, one) for name, strength, one in single_degradations(settings)}
    assert alone.keys() == DegradeSettings.model_fields.keys() - {"blur"}
    strength, jpeg = alone["jpeg"]
    assert strength == settings.jpeg > 0
    assert {name for name, value in jpeg.model_dump().items() if value} == {"jpeg"}


def test_the_order_is_spearmans():
    assert order_of([0.1, 0.3, 0.2, 0.9]) == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert order_of([3.0, 2.0, math.inf]) == pytest.approx(0.5)
    assert order_of([0.0, 1e-6]) is None  # rounding
    assert order_of([0.4]) is None
