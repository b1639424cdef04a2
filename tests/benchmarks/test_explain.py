"""How looking inside a network is measured, and that it can be, with a stand-in for the peer."""

import time
from pathlib import Path

import pytest
import torch

from benchmarks.explain import bare_turns, measure, ratios, report
from benchmarks.explain_ascent import PEER_UNITS, peer_seconds
from benchmarks.explain_deconv import deconv_ratios, one_by_one
from benchmarks.performance import explaining
from models.explain.deconv import project
from models.explain.maximise.canvas import Canvas
from models.network import CropNet
from tests.toyhome import toy_params
from tests.toyrounds import make_mined_home

CANVAS = Canvas(channels=1, height=16, width=32, low=-1.0, high=3.0, neutral=0.0, entry="standardise")


@pytest.mark.parametrize("layer", ["backbone.1", "embedding"])
def test_captum_is_asked_for_the_same_as_we_are(network: CropNet, layer: str) -> None:
    image = torch.rand(1, *CANVAS.shape, generator=torch.Generator().manual_seed(2))
    theirs = one_by_one(network, image, layer, 4)()
    ours = project(network, image, layer=layer, units=torch.arange(4))
    # Captum sends back 1, we the unit's own value: the same but for its size.
    for own, other in zip(ours, theirs, strict=True):
        assert bool(own.any()) <= bool(other.any())
        torch.testing.assert_close(own * other.norm(), other * own.norm(), rtol=1e-4, atol=1e-5)
    assert ours.any()


def test_ratios_are_over_all_layers_units() -> None:
    rows = {
        "small": {"units": 1, "ours": [1.0, 1.0], "captum": [10.0, 20.0]},
        "large": {"units": 3, "ours": [2.0, 1.0], "captum": [10.0, 20.0]},
    }
    assert deconv_ratios(rows, "captum") == [40 / 7, 20]
    runs = {
        "small": {"ours_per_unit": 1.0, "bare_over_ours": [0.5, 1.0]},
        "large": {"ours_per_unit": 2.0, "bare_over_ours": [1.0, 0.5]},
    }
    assert bare_turns(runs, {"small": 1, "large": 3}) == [6.5 / 7, 4 / 7]
    assert ratios({"a": [3.0, 1.0, 2.0]}) == {"ratio": {"a": 2.0}, "ratio_spread": {"a": [1.0, 3.0]}}


def test_a_peer_draws_some_units_of_each_layer_and_is_scaled_up(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, seconds = [], iter([0.0, 1.0, 1.0, 4.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(seconds))

    def draw(layer: str, units: range) -> None:
        drawn.append((layer, len(units)))

    assert peer_seconds(draw, {"a": 40, "b": 60}) == pytest.approx((1 * 40 + 3 * 60) / PEER_UNITS)
    assert drawn == [("a", PEER_UNITS), ("b", PEER_UNITS)]


def test_all_is_measured_on_a_small_network(network: CropNet, capsys: pytest.CaptureFixture[str]) -> None:
    found = measure(network, CANVAS, lambda layer, units: time.sleep(0.001), steps=2, settings=1)
    assert set(found["ratio"]) == {"bare", "lucent", "captum_deconv", "captum_deconv_one_thread"}
    assert all(value > 0 for value in found["ratio"].values())
    assert {layer: row["units"] for layer, row in found["layers"].items()} == {
        "backbone.0": 4, "backbone.1": 4, "backbone.2": 6, "embedding": 8, "target_head": 3,
    }  # fmt: skip
    assert "torch-lucent: 3 of 3" in capsys.readouterr().err
    page = explaining(found | {"report_mb": 12.3})
    assert f"| every unit under four settings | {found['atlas_s']:.0f} s | ≤ 120 s |" in page
    assert "| … megabytes | 12 | ≤ 30 |" in page
    assert "first page" not in page


def test_a_report_is_made_elsewhere_and_weighed(tmp_path: Path) -> None:
    params = toy_params()
    home = make_mined_home(tmp_path / "data", params=params)
    found = report(params, home, tmp_path / "report")
    assert found["report_s"] > 0
    assert found["index_kb"] * 1e3 == pytest.approx(len((tmp_path / "report" / "index.html").read_bytes()), abs=50)
    assert found["report_mb"] * 1e6 > found["index_kb"] * 1e3
    assert not (home / "report").exists()
