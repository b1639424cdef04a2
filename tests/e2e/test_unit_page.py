"""The page of `unfont draw` in a real browser: it fits, fetches nothing, escapes names and works by keyboard."""

import pytest

from tasks.inspect.subject import model_subject
from tasks.inspect.unit_page import write_units_page
from tasks.inspect.unit_text import numbers_of
from tasks.inspect.units import inspect_units
from tasks.train.weights import load_model, save_model
from tests.e2e.browsing import NEEDS_BROWSER, grounds_of, show
from tests.toyhome import make_toy_home, toy_params

pytestmark = NEEDS_BROWSER
HOSTILE = '</style><script>document.title = "taken"</script><b>"bold", ' + "x" * 10_000
PARAMS = toy_params()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Three labels' units, one with a hostile name, and a search over the first one's settings."""
    folder = tmp_path_factory.mktemp("units")
    home = make_toy_home(folder, params=PARAMS)
    network, card = load_model(home / "rounds" / "0")
    save_model(folder / "model", network, {**card, "labels": [HOSTILE, "Latn", "Zxxx"]})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        PARAMS.home.parent.mkdir()
        PARAMS.home.symlink_to(home)
        subject = model_subject(PARAMS, folder / "model", name=HOSTILE, pictures=None)
    found = inspect_units(PARAMS, subject, "target_head", [0, 1, 2], steps=8, tried=9, seed=0)
    write_units_page(folder / "page.html", found, numbers=numbers_of(found))
    return folder / "page.html"


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_asks_for_nothing_and_takes_no_orders(browser, page, width):
    show(browser, page, width=width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.get_log("browser") == []
    assert browser.title == "Units of target_head · unfont"
    assert browser.execute_script("return document.scripts.length") == 0
    asked = [entry["message"] for entry in browser.get_log("performance")]
    assert not [message for message in asked if "Network.requestWillBeSent" in message and '"url":"http' in message]
    assert "</style><script>" in browser.find_element("tag name", "main").text
    assert len(browser.find_elements("css selector", ".unit")) == 3
    # Every picture is shown whole, in the proportions of its pixels.
    shapes = (
        "return [...document.images].map((image) => [image.clientWidth / image.clientHeight,"
        " image.naturalWidth / image.naturalHeight, image.alt.length > 0])"
    )
    for image in browser.find_elements("css selector", ".unit, li"):
        browser.execute_script("arguments[0].scrollIntoView()", image)
    for shown, own, named in browser.execute_script(shapes):
        assert shown == pytest.approx(own, rel=0.05) and named


def test_the_page_is_dark_at_night(browser, page):
    light, dark = grounds_of(browser, page)
    assert light > 600 and dark < 150


def test_the_legend_opens_by_keyboard(browser, page):
    show(browser, page)
    legend = browser.find_element("css selector", "details.terms-of")
    assert legend.get_attribute("open") is None
    legend.find_element("tag name", "summary").send_keys("\n")
    assert legend.get_attribute("open") is not None
