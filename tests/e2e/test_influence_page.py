"""The page of a table's influences in a real browser: it fits a phone, is dark at night, and asks for nothing."""

import pytest

from tasks.influence.example import TARGET, write_example
from tasks.influence.explain import explain_table
from tasks.influence.page import write_influence_page
from tests.e2e.browsing import NEEDS_BROWSER, chromium, grounds_of, show
from tests.tasks.influence.toytable import table_params

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("influence")
    params = table_params(epochs=4, rows=20, path=4)
    write_example(folder / "retail.csv", rows=1000)
    numbers = explain_table(params, folder / "retail.csv", target=TARGET, nuisance="store_size", row=1)
    write_influence_page(folder / "page.html", numbers, settings=params.influence.model_dump())
    return folder / "page.html"


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver


@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_and_asks_for_nothing(browser, page, width):
    show(browser, page, width=width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.get_log("browser") == []
    asked = [entry["message"] for entry in browser.get_log("performance")]
    assert not [message for message in asked if "Network.requestWillBeSent" in message and '"url":"http' in message]


def test_it_has_a_map_of_every_neuron_and_variable(browser, page):
    show(browser, page)
    cells = browser.execute_script(
        "return [...document.querySelectorAll('.matrix')].map((table) => table.querySelectorAll('td').length)"
    )
    assert cells == [12 * 5, 24 * 5]  # embedding, then hidden.0: neurons × variables
    bars = browser.execute_script(
        "return [...document.querySelectorAll('.evidence-bar')].map((bar) => getComputedStyle(bar, '::before').width)"
    )
    widths = [float(bar.removesuffix("px")) for bar in bars]
    assert len(widths) == 5 and widths[0] > 50 and widths == sorted(widths, reverse=True)


def test_it_is_dark_at_night(browser, page):
    light, dark = grounds_of(browser, page)
    assert light > 600 and dark < 150
