"""The report in a real browser: no network, at a desk and on a phone, by day and by night."""

import pytest

from tasks.common.files import read_json
from tests.e2e.browsing import NEEDS_BROWSER, show
from tests.toyhome import toy_params
from tests.toyreport import write_report
from tests.toyrounds import make_mined_home, study_of

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Of a study: the widest tables and the fullest plots."""
    params = study_of(toy_params())
    return write_report(params, make_mined_home(tmp_path_factory.mktemp("page"), params=params))


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_fits_and_complains_of_nothing(browser, report, width):
    for page in sorted(report.glob("*.html")):
        show(browser, page, width=width)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width, page.name
        assert browser.get_log("browser") == [], page.name
        asked = [entry["message"] for entry in browser.get_log("performance")]
        assert not [message for message in asked if "Network.requestWillBeSent" in message and '"url":"http' in message]


def test_pictures_are_there(browser, report):
    for name in ("accuracy", "round-1", "layer-0-backbone.0"):
        show(browser, report / f"{name}.html", width=1280)
        loaded = browser.execute_async_script(
            """const done = arguments[0];
            for (const image of document.images) image.loading = "eager";
            Promise.all([...document.images].map((image) => image.decode())).then(
                () => done([...document.images].map((image) => image.naturalWidth)),
                (error) => done(String(error)));"""
        )
        assert loaded and min(loaded) > 0


def test_the_page_is_dark_at_night(browser, report):
    grounds = []
    for dark in (False, True):
        show(browser, report / "index.html", width=390, dark=dark)
        grounds.append(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert brightness(grounds[0]) > 600 and brightness(grounds[1]) < 150


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["frequencies", "index", "invariance", "losses"])
def test_plots_are_legible_by_day_and_by_night(browser, report, name, width, dark):
    show(browser, report / f"{name}.html", width=width, dark=dark)
    ground = brightness(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    inks = browser.execute_script(
        """const marks = ".plot text, .plot .series, .plot .easy, .plot .dot, .plot .dots";
        return [...document.querySelectorAll(marks)].map((mark) => {
            const style = getComputedStyle(mark);
            return mark.matches("text, .easy") ? style.fill : style.stroke;
        });"""
    )
    assert len(inks) > 20
    assert min(abs(brightness(ink) - ground) for ink in inks) > 180
    assert browser.execute_script(MARKS_OUTSIDE) == []


# Texts and marks that a plot cuts off, and columns of no height.
MARKS_OUTSIDE = """return [...document.querySelectorAll(".plot")].flatMap((plot) => {
    const box = plot.getBoundingClientRect();
    return [...plot.querySelectorAll("text, circle, rect, polyline, path")].filter((mark) => {
        const own = mark.getBoundingClientRect();
        const inside = own.left >= box.left - 1 && own.right <= box.right + 1
            && own.top >= box.top - 1 && own.bottom <= box.bottom + 1;
        return !inside || (mark.tagName === "rect" && !(own.height > 0));
    }).map((mark) => mark.outerHTML);
});"""


def brightness(colour):
    """Sum of the three parts of rgb(…), 0 to 765."""
    return sum(int(part) for part in colour[4:-1].split(","))


def test_units_are_found_and_ordered_by_keyboard(browser, report):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    show(browser, report / "layer-2-embedding.html", width=1280)
    visible = "return [...document.querySelectorAll('.unit:not([hidden])')].map((unit) => unit.dataset.unit)"
    assert len(browser.execute_script(visible)) == 8
    browser.execute_script("document.getElementById('find').focus()")
    browser.switch_to.active_element.send_keys("3")
    assert browser.execute_script(visible) == ["3"]
    browser.switch_to.active_element.send_keys(Keys.BACKSPACE, Keys.TAB, Keys.TAB, Keys.TAB, Keys.ARROW_DOWN)
    strengths = [float(unit.get_attribute("data-max")) for unit in browser.find_elements(By.CLASS_NAME, "unit")]
    assert strengths == sorted(strengths, reverse=True)


def test_all_units_are_filtered_by_layer_state_and_label_and_lead_to_their_card(browser, report):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select

    show(browser, report / "units.html", width=1280)
    visible = "return [...document.querySelectorAll('#units > :not([hidden])')].map((row) => row.innerText)"
    assert len(browser.execute_script(visible)) == 4 + 6 + 8 + 3
    rows = read_json(report / "units.json")["units"]
    by = {name: f"[data-filter={name}]" for name in ("layer", "state", "labels")}

    def choose(name, text):
        Select(browser.find_element(By.CSS_SELECTOR, by[name])).select_by_visible_text(text)

    choose("layer", "backbone.1")
    assert len(browser.execute_script(visible)) == 6
    choose("layer", "all layers")
    choose("state", "always on")
    assert len(browser.execute_script(visible)) == sum(row["state"] == "always on" for row in rows)
    choose("state", "all units")
    choose("labels", "Latn Latin")
    latin = [row for row in rows if "Latn" in dict(row["labels"])]
    assert 0 < len(latin) < len(rows) and len(browser.execute_script(visible)) == len(latin)
    browser.find_element(By.CSS_SELECTOR, "#units > :not([hidden]) a").click()
    first = latin[0]
    assert browser.current_url.endswith(f"{first['page']}.html#unit-{first['unit']}")


def test_a_link_to_a_unit_shows_it_whatever_was_filtered(browser, report):
    show(browser, report / "layer-2-embedding.html", width=1280)
    browser.execute_script(
        """document.getElementById("find").value = "3";
        document.getElementById("controls").dispatchEvent(new Event("input"));
        location.hash = "unit-5";"""
    )
    browser.execute_async_script("setTimeout(arguments[0], 50)")
    assert browser.execute_script("return document.getElementById('unit-5').hidden") is False


def test_the_first_stop_of_the_keyboard_skips_to_the_content(browser, report):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    show(browser, report / "index.html", width=1280)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to content"
