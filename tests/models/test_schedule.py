import math

import pytest

from models.schedule import one_cycle, reversal_strength


def test_the_rate_rises_to_its_peak_and_falls_to_zero():
    rates = [one_cycle(step, 100, peak=0.5, warmup=0.2) for step in range(101)]
    assert rates[0] == pytest.approx(0.5 / 25)
    assert rates[20] == max(rates) == 0.5
    assert rates[100] == pytest.approx(0)
    assert rates[:21] == sorted(rates[:21])
    assert rates[20:] == sorted(rates[20:], reverse=True)


def test_without_warmup_it_starts_at_the_peak():
    assert one_cycle(0, 10, peak=0.1, warmup=0.0) == 0.1


def test_reversal_grows_as_ganin_and_lempitsky_have_it():
    assert reversal_strength(0, 40, largest=2.0) == 0
    assert reversal_strength(20, 40, largest=2.0) == pytest.approx(2 * math.tanh(2.5))  # 2/(1+e^-2x)-1 = tanh x
    assert reversal_strength(40, 40, largest=2.0) == pytest.approx(2.0, rel=1e-4)
