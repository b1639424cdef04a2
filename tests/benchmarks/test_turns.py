"""Measuring tools in processes of their own."""

import sys
from pathlib import Path

import pytest

from benchmarks.turns import Worker, measured, one_core


def test_a_worker_answers_though_its_tool_prints() -> None:
    with Worker(Path(sys.executable), "tests.benchmarks.noisy_tool", core=one_core()) as worker:
        assert worker.tools == ["noisy", "threads"]
        answer = worker.measure("noisy", 0.05)
        assert answer["crops"] % 3 == 0
        assert answer["seconds"] >= 0.05
    assert worker.process.returncode == 0


def test_a_worker_that_ends_early_ends_the_benchmark() -> None:
    with pytest.raises(SystemExit, match="no_such_module ended with status 1"):
        Worker(Path(sys.executable), "benchmarks.no_such_module", core=None)


def test_a_measurement_counts_whole_calls_until_the_time_is_over() -> None:
    answer = measured(lambda: 7, 0.01)
    assert answer["crops"] % 7 == 0
    assert answer["crops"] > 0
    assert measured(lambda: 7, 0)["crops"] == 7  # one whole call, however short the time
