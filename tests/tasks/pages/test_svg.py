import re
from xml.etree import ElementTree

import pytest

from tasks.pages.svg import MARGIN, WIDTH, Axis, Plot, row_axis, share_axis

UNIT = Axis(title="", low=0, high=1, ticks=[(0, "0"), (1, "1")])


def parsed(plot):
    return ElementTree.fromstring(plot.svg())


def test_a_share_axis_has_round_ticks_that_hold_all_values():
    for values in ([0.03, 0.12], [0.85, 0.9], [0.001, 0.004], [0.2, 1.0], [-0.05, 0.1], [0.5], []):
        axis = share_axis("", values)
        steps = {round(b - a, 9) for (a, _), (b, _) in zip(axis.ticks[:-1], axis.ticks[1:], strict=True)}
        assert len(steps) == 1 and len(axis.ticks) <= 6
        assert re.fullmatch("[125]0*", f"{steps.pop() * 1e6:.0f}")
        assert all(axis.low <= value <= axis.high for value in values)
        assert axis.ticks[0][0] == axis.low and axis.ticks[-1][0] == axis.high
        assert all(float(text[:-1]) == pytest.approx(100 * value) for value, text in axis.ticks)


def test_shares_near_nothing_start_at_nothing_and_others_do_not():
    assert share_axis("", [0.02, 0.1]).low == 0
    assert share_axis("", [0.85, 0.9]).low == pytest.approx(0.85)


def test_a_line_runs_from_the_lower_left_to_the_upper_right():
    plot = Plot("a line", x=UNIT, y=UNIT, height=100)
    plot.line([(0, 0), (1, 1)], css_class="series", title="up")
    (line,) = parsed(plot).iter("polyline")
    (left, low), (right, high) = (map(float, place.split(",")) for place in line.get("points").split())
    assert (right, low, high) == (WIDTH - MARGIN, 100 - MARGIN, 8)
    assert 0 < left < right


def test_bars_stand_on_the_axis_and_are_as_high_as_their_values():
    plot = Plot("bars", x=UNIT, y=UNIT, height=132)  # 100 pixels between top and axis
    plot.bars([0, 0.5, 0.75, 1], [0.25, 0, 1], css_classes=["column", "column", "column easy"])
    bars = [{key: float(bar.get(key)) for key in ("x", "y", "width", "height")} for bar in parsed(plot).iter("rect")]
    assert [bar["height"] for bar in bars] == [25, 100]
    assert [bar["y"] + bar["height"] for bar in bars] == [108, 108]
    assert bars[0]["width"] == pytest.approx(2 * bars[1]["width"], abs=0.2)


def test_the_first_row_is_the_upper_one_and_a_dot_lies_in_its_interval():
    plot = Plot("dots", x=UNIT, y=row_axis(["first", "second"]))
    for row in (0, 1):
        plot.dot(0.5, row, css_class="dot", title="", low=0.25, high=0.75)
    upper, lower = (float(dot.get("cy")) for dot in parsed(plot).iter("circle"))
    assert upper < lower
    middle = float(next(parsed(plot).iter("circle")).get("cx"))
    line = next(parsed(plot).find("g").iter("line"))
    assert middle - float(line.get("x1")) == pytest.approx(float(line.get("x2")) - middle, abs=0.2)


def test_values_outside_are_plotted_at_the_edge():
    plot = Plot("outside", x=UNIT, y=UNIT)
    plot.dot(7, 0.5, css_class="dot", title="")
    assert float(next(parsed(plot).iter("circle")).get("cx")) == WIDTH - MARGIN


def test_texts_are_escaped():
    evil = '"><script>alert(1)</script>'
    axis = Axis(title=evil, low=0, high=1, ticks=[(0, evil)])
    plot = Plot(evil, x=axis, y=axis, right=axis)
    plot.line([(0, 0)], css_class=evil, title=evil)
    plot.dot(0, 0, css_class=evil, title=evil)
    assert parsed(plot).get("aria-label") == evil
    assert "<script" not in plot.svg()
