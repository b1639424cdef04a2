import math
import re

import pytest

from models.settings import DegradeSettings
from tasks.common.files import read_json
from tasks.explain.frequencies import Band, Change, Frequencies, LayerBands
from tasks.report.frequencies import describe_robustness, describe_spectra, mean_changes

KINDS = ("decay", "blur", "norm", "contribution", "jitter")


def layer_of(name, *, data, crops, noise, none, **kinds):
    high = {"data": data, "gradients on crops": crops, "gradients on noise": noise, "none": none}
    high |= dict.fromkeys(KINDS) | kinds
    return LayerBands(name, size=(8, 8), bands={key: Band([], share) for key, share in high.items()}, white=0.75)


def spectra_of(*layers):
    return " ".join(describe_spectra(Frequencies([], Band([], 0.1), list(layers), [], [])))


def changes_of(*rows, orders=None):
    names = [f"layer-{place}" for place in range(len(rows[0]))]
    orders = orders or [None] * len(rows)
    return [
        Change("blur", 1.0, 1.0, 0.0, dict(zip(names, row, strict=True)), order)
        for row, order in zip(rows, orders, strict=True)
    ]


def test_spectra_are_described_by_their_numbers():
    said = spectra_of(
        layer_of("low", data=0.2, crops=0.1, noise=0.3, none=0.5, blur=0.1, jitter=0.6),
        layer_of("high", data=0.1, crops=0.6, noise=0.7, none=0.5, blur=0.3, jitter=None),
    )
    assert "In 1 of 2 layers gradients on real crops" in said
    assert "from 10% (low) to 60% (high)" in said
    assert "In 2 of 2 layers gradients on noise" in said
    assert "They depend on the input: on average over layers they are 35% on real crops and 50% on noise." in said
    assert "without a regulariser have 50% there, on average over layers; in 1 of 2 layers" in said
    assert "Blur reduces the high frequencies most." in said
    assert "blur −30.0, jitter +10.0." in said  # no images of decay, norm and contribution


def test_gradients_that_are_alike_on_noise_come_from_the_weights():
    assert "They come from the weights" in spectra_of(layer_of("a", data=0.2, crops=0.4, noise=0.45, none=0.5))


def test_nothing_is_said_without_power():
    assert describe_spectra(Frequencies([], Band([], None), [], [], [])) == []


def test_lower_layers_that_are_robust_are_as_the_paper_saw():
    changes = changes_of([0.1, 0.2, 0.3, 0.4], [0.1, 0.4, 0.5, 0.8], orders=[1.0, -0.2])
    assert mean_changes(changes) == pytest.approx({"layer-0": 0.1, "layer-1": 0.3, "layer-2": 0.4, "layer-3": 0.6})
    said = " ".join(describe_robustness(changes))
    assert said.startswith("Here too the lower layers")
    assert "0.10 in layer-0 and 0.60 in layer-3" in said
    assert "is +1.00, and above 0 under 1 of 2 degradations" in said
    assert "layer-3, layer-2, layer-1, which are the last 3" in said


def test_the_reverse_and_no_order_are_described_too():
    assert describe_robustness(changes_of([0.4, 0.3, 0.1]))[0].startswith("Here the deeper layers")
    assert describe_robustness(changes_of([0.1, 0.4, 0.1, 0.3]))[0].startswith("Here robustness depends little")
    assert "nothing to compare" in describe_robustness(changes_of([0.2, 0.2]))[0]
    assert "nothing to compare" in describe_robustness([])[0]
    assert "without bound" in describe_robustness(changes_of([0.2, math.inf]))[1]


@pytest.fixture(scope="module")
def page(reported):
    """(the page, its numbers); blur is off in training."""
    report = reported / "report"
    return (report / "frequencies.html").read_text(encoding="utf-8"), read_json(report / "frequencies.json")


def test_every_layer_has_its_spectra(page):
    text, numbers = page
    assert [layer["layer"] for layer in numbers["layers"]] == ["backbone.0", "backbone.1", "embedding", "target_head"]
    for layer in numbers["layers"]:
        assert layer["bands"].keys() == {"data", "gradients on crops", "gradients on noise", "none", *KINDS}
        assert 0.6 < layer["white"] < 0.9  # 3/4 in the limit: the area of a ring
    assert len(re.findall('<svg class="plot"', text)) == 2 * 4


def test_every_degradation_that_acts_has_a_row(page):
    text, numbers = page
    names = [row["degradation"] for row in numbers["robustness"]]
    assert names == [name for name in DegradeSettings.model_fields if name != "blur"]
    assert [row["degradation"] for row in numbers["severities"]] == ["light", "medium", "heavy", "scan"]
    for row in numbers["robustness"]:
        assert f'<th scope="row">{row["degradation"]}</th><td>{row["strength"]:g}</td>' in text
        assert [one["layer"] for one in row["layers"]] == ["backbone.0", "backbone.1", "embedding", "target_head"]


def test_inverting_is_undone_before_the_first_layer(page):
    _, numbers = page
    (row,) = [row for row in numbers["robustness"] if row["degradation"] == "invert"]
    assert 0 < row["touched"] < 1
    assert row["pixels"] == 0
    assert row["order"] is None
