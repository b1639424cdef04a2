"""The benchmark of training beside other work, on a small table."""

import psutil

from benchmarks.train import WAYS, company, measured, rate_of
from benchmarks.train_stage import EPOCHS, params_of
from tests.tasks.toycrops import make_toy_table


def test_a_training_is_measured_beside_a_busy_process(tmp_path):
    rates = measured("processes", 1, make_toy_table(tmp_path / "table"), 100)
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
