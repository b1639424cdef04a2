"""The benchmark of training beside other work, on a small table."""

import psutil

from benchmarks.train import OURS, WAYS, company, flops, matmul_share, of_peer, rate_of, stage
from benchmarks.train_stage import EPOCHS, params_of
from tests.tasks.toycrops import make_toy_table


def test_a_training_is_measured_beside_a_busy_process(tmp_path):
    with company(1):
        rates = stage(OURS["ours"], make_toy_table(tmp_path / "table"), 100, mode="conditional")
    assert len(rates) == EPOCHS - 1 and min(rates) > 0
    assert not [child for child in psutil.Process().children() if "while True" in " ".join(child.cmdline())]


def test_company_is_busy_as_long_as_it_is_wanted():
    with company(2):
        busy = [child for child in psutil.Process().children() if "while True: pass" in child.cmdline()]
        assert len(busy) == 2
    assert not any(child.is_running() for child in busy)


def test_every_way_has_the_params_that_it_names():
    for settings, _ in WAYS.values():
        params = params_of(dict(settings))
        assert params.train.epochs == EPOCHS
        assert (params.threads, params.train.processes) == (settings["threads"], settings["processes"])


def test_a_rate_is_a_median_with_its_bounds():
    assert rate_of([3.0, 1.0, 2.0]) == {"crops_per_s": 2.0, "min": 1.0, "max": 3.0, "n": 3}


def test_bare_steps_are_measured_as_a_training_is(tmp_path):
    rates = of_peer("bare_loop_degrading", tmp_path, make_toy_table(tmp_path / "table"), 100)
    assert len(rates) == EPOCHS - 1 and min(rates) > 0


def test_a_crop_s_operations_are_those_of_its_convolutions():
    """Two for each weight and place, and as many again for each of the two gradients, none for the picture's."""
    channels, places = [1, 16, 32, 64, 128, 128, 256], [1024, 256, 64, 64, 64, 64]
    layers = zip(channels, channels[1:], places, strict=False)
    forward = [2 * inputs * outputs * (25 if inputs == 1 else 9) * count for inputs, outputs, count in layers]
    assert 3 * sum(forward) - forward[0] <= flops() < 1.02 * 3 * sum(forward)
    assert matmul_share(500.0, 1000 * flops()) == 0.5
