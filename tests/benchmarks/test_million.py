"""How the rate of a long run is computed."""

import pyarrow as pa
import pytest

from benchmarks.million import memory_of, rate, sized, span, third, timed
from tasks.common.params import read_params
from tests.conftest import ROOT


def test_marks_of_a_script_begin_where_the_last_one_ended() -> None:
    tables = [pa.table({"script": [script] * rows}) for script, rows in [("Arab", 5), ("Arab", 5), ("Zxxx", 2)]]
    marks: dict[str, list[tuple[int, float]]] = {}
    assert list(timed(iter(tables), marks)) == tables
    assert [crops for crops, _ in marks["Arab"]] == [0, 5, 10]
    assert [crops for crops, _ in marks["Zxxx"]] == [10, 12]
    assert marks["Zxxx"][0] == marks["Arab"][-1]


def test_thirds_tell_a_run_that_slows_down_from_a_steady_one() -> None:
    steady = [(10 * n, 2.0 * n) for n in range(10)]
    slowing = [(10 * n, float(n * n)) for n in range(10)]
    first, last = third(steady)
    assert first == (30, 6.0)
    assert rate([first]) == rate([last]) == rate([span(steady)]) == 5.0
    first, last = third(slowing)
    assert rate([first]) == pytest.approx(30 / 9, abs=0.1)
    assert rate([last]) == pytest.approx(30 / (81 - 36), abs=0.1)


def test_the_crops_are_scaled_in_proportion() -> None:
    params = read_params(ROOT / "params.yaml")
    settings = sized(params, 1_000_000)
    text, background = settings.text.model_dump(), settings.background.model_dump()
    total = len(params.words.scripts) * sum(text.values()) + sum(background.values())
    assert total == pytest.approx(1_000_000, rel=0.001)
    assert text["train"] / text["pool"] == pytest.approx(params.crops.text.train / params.crops.text.pool, rel=0.01)


def test_memory_of_a_process_that_is_gone_is_none() -> None:
    assert memory_of(2**22 + 1) == (0, 0)
