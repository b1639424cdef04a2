"""Rates and ratios, as the results file has them."""

from benchmarks.render import RATIOS, Repeats, rates_of, ratios


def repeats(*crops: float, share: float = 1.0) -> Repeats:
    return [{"crops": each, "seconds": 2.0, "cpu_share": share} for each in crops]


def test_a_ratio_is_the_median_over_the_repeats_of_what_ran_side_by_side() -> None:
    measured = {tool: repeats(100, 200, 400) for pair in RATIOS.values() for tool in pair}
    found = ratios(measured | {"trdg": repeats(10, 5, 10)})
    assert found["ratio"]["trdg"] == 40
    assert found["ratio_spread"]["trdg"] == [10, 40]
    assert found["ratio"]["ceiling"] == 1


def test_a_tool_that_had_half_of_its_core_is_not_slower_by_the_processors_seconds() -> None:
    measured = {tool: repeats(100, 100) for pair in RATIOS.values() for tool in pair}
    found = ratios(measured | {"trdg": repeats(50, 50, share=0.5)})
    assert (found["ratio"]["trdg"], found["ratio_cpu"]["trdg"]) == (2, 1)


def test_rates_have_their_spread() -> None:
    assert rates_of(repeats(6, 2, 4.08, share=0.5)) == {
        "crops_per_s": 2.0,
        "min": 1.0,
        "max": 3.0,
        "n": 3,
        "crops_per_cpu_s": 4.1,
        "cpu_share": 0.5,
    }
