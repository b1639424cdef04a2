import math

import pytest

from models.settings import LossSettings
from tasks.common.files import read_json
from tasks.report.losses import curves, gamma_of, loss_shares
from tests.toyhome import toy_params
from tests.toyreport import write_results
from tests.toyrounds import make_mined_home

EXAMPLES = {"edges": [0.0, 0.5, 0.8, 1.0], "groups": {"text": [1, 0, 3], "mined": [4, 2, 0]}}


def loss(gamma, **changes):
    settings = {"name": "focal", "gamma": gamma, "alpha": None, "smoothing": 0.0, "prior_bias": False, "hardest": 1.0}
    return LossSettings(**(settings | changes))


def focal(p, gamma):
    """Lin et al. (2017), eq. 4, by hand."""
    return (1 - p) ** gamma * -math.log(p)


@pytest.fixture(scope="module", params=["cross_entropy", "focal"])
def page(request, tmp_path_factory):
    """(the page, its numbers) of a model trained with that loss; focal: γ is 3, which the paper does not draw."""
    params = toy_params()
    params = params.model_copy(update={"loss": loss(3.0, name=request.param, smoothing=0.1)})
    home = make_mined_home(tmp_path_factory.mktemp(request.param), params=params)
    report = write_results(params, home)
    return (report / "losses.html").read_text(encoding="utf-8"), read_json(report / "losses.json")


def test_cross_entropy_is_focal_loss_at_0():
    assert gamma_of(loss(2.0)) == 2
    assert gamma_of(loss(2.0, name="cross_entropy")) == 0


def test_the_curves_are_the_papers():
    found = curves([0.0, 0.5, 2.0])
    for gamma in (0.0, 0.5, 2.0):
        for p, factor, value in zip(
            found["p"], found["factor"][f"{gamma:g}"], found["loss"][f"{gamma:g}"], strict=True
        ):
            # At γ below 1 the factor is kept off 0 where p is 1, and pays nothing there.
            assert factor == pytest.approx((1 - p) ** gamma, abs=2e-3 if p == 1 else 2e-6)
            assert value == pytest.approx(focal(p, gamma), abs=2e-6)


def test_easy_examples_contribute_a_fraction_of_the_loss():
    paid = loss_shares(EXAMPLES, [0.0, 2.0])
    assert {group: (found["examples"], found["easy"]) for group, found in paid.items()} == {
        "text": (4, 0.75), "mined": (6, 0.0), "all": (10, 0.3),
    }  # fmt: skip
    for gamma in (0.0, 2.0):
        easy = 3 * focal(0.9, gamma)
        hard = 5 * focal(0.25, gamma) + 2 * focal(0.65, gamma)
        assert paid["all"]["paid"][f"{gamma:g}"] == pytest.approx(easy / (easy + hard), abs=1e-6)
        assert paid["text"]["paid"][f"{gamma:g}"] == pytest.approx(easy / (easy + focal(0.25, gamma)), abs=1e-6)
        assert paid["mined"]["paid"][f"{gamma:g}"] == 0


def test_a_group_of_no_examples_has_no_shares():
    paid = loss_shares({"edges": [0.0, 1.0], "groups": {"text": [0]}}, [0.0])
    assert paid["all"] == {"examples": 0, "easy": None, "paid": {"0": None}}
    assert loss_shares(None, [0.0]) == {}
    assert loss_shares({"edges": [0.0, 1.0], "groups": {}}, [0.0]) == {}


def test_the_page_marks_the_gamma_that_this_model_trained_with(page):
    text, numbers = page
    gammas = [0.0, 0.5, 1.0, 2.0, 5.0]
    assert [float(gamma) for gamma in numbers["curves"]["loss"]] == sorted({*gammas, numbers["gamma"]})
    assert numbers["gamma"] == (3 if numbers["loss"]["name"] == "focal" else 0)
    # In the factor's and the product's pictures, and in each histogram: two groups in round 0, three in round 1.
    sinusoids = 2 * 3
    assert text.count('<polyline class="series') == 1 + 2 * len(numbers["curves"]["loss"]) + 5 + sinusoids
    assert text.count(' own"') - text.count('own" aria-hidden') == 2 + 5
    assert "label smoothing of 0.1." in text


def test_every_round_tells_the_histograms_of_its_examples(page):
    text, numbers = page
    first, second, stopped = numbers["rounds"]
    assert first["groups"].keys() == {"text", "Zxxx", "all"}
    assert second["groups"].keys() == {"text", "Zxxx", "mined", "all"}
    assert stopped["groups"] == {}
    assert text.count("Nothing was trained in this round") == 1
    assert "with γ = 2 they would contribute" in text
