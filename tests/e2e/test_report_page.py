"""The report in a real browser: no network, at a desk and on a phone, by day and by night."""

import pytest

from tasks.common.files import read_json
from tasks.report.site import unit_page
from tests.e2e.browsing import NEEDS_BROWSER, look, photograph, show
from tests.toyhome import toy_params
from tests.toyreport import write_report
from tests.toyrounds import make_mined_home, study_of

pytestmark = NEEDS_BROWSER
HOSTILE = """'"></script><script>document.title = "taken"</script><img src=x onerror="document.title = 'taken'">"""
HOSTILE += '<b title="planted">bold</b>'


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Of a study: the widest tables and the fullest plots."""
    params = study_of(toy_params())
    return write_report(params, make_mined_home(tmp_path_factory.mktemp("page"), params=params))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Of labels, font styles and font families that are markup."""
    params = toy_params(words={**toy_params().words.model_dump(), "scripts": ["Latn", "Cyrl"]})
    with pytest.MonkeyPatch.context() as patch:
        for module in ("toyhome", "toyrounds"):
            patch.setattr(f"tests.{module}.STYLES", [f"{HOSTILE}{number}" for number in range(3)])
        patch.setattr("tests.toyhome.FAMILY", HOSTILE)
        home = make_mined_home(tmp_path_factory.mktemp("hostile"), params=params, labels=[HOSTILE, "Latn", "Zxxx"])
        return write_report(params, home)


def test_labels_styles_and_families_that_are_markup_are_shown_as_text(browser, hostile):
    shown = []
    for page in sorted(hostile.glob("*.html")):
        show(browser, page, width=390)
        assert browser.title.endswith("unfont, scripts"), page.name
        assert browser.execute_script("return [...document.scripts].every((script) => script.src)"), page.name
        assert browser.find_elements("css selector", "img[src='x'], b[title='planted']") == [], page.name
        assert browser.get_log("browser") == [], page.name
        shown += [page.stem] if "<script>" in browser.find_element("tag name", "main").text else []
    assert {"index", "accuracy", "confusion", "mistakes", "round-1"} <= set(shown)


# A page's places, and the files and places that it leads to; an anchor with "=" is a filter of the page of mistakes.
PLACES = """return [[...document.querySelectorAll("[id]")].map((each) => each.id),
    [...document.links].map((link) => [link.pathname.split("/").pop(), link.hash.slice(1)].map(decodeURIComponent))];"""


def test_every_page_fits_and_complains_of_nothing_and_every_link_leads_somewhere(browser, report):
    places, links = {}, []
    for page in sorted(report.glob("*.html")):
        for width, dark in ((1280, False), (1280, True), (390, True), (390, False)):
            if (width, dark) == (1280, False):
                show(browser, page, width=width)
            else:
                look(browser, width=width, dark=dark)
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width, page.name
            photograph(browser, f"{page.stem}-{width}-{'dark' if dark else 'light'}")
        assert browser.get_log("browser") == [], page.name
        asked = [entry["message"] for entry in browser.get_log("performance")]
        assert not [message for message in asked if "Network.requestWillBeSent" in message and '"url":"http' in message]
        places[page.name], found = browser.execute_script(PLACES)
        links += [(page.name, *link) for link in found]
    files = {path.relative_to(report).name for path in report.rglob("*") if path.is_file()}
    lost = [
        (page, file, anchor)
        for page, file, anchor in links
        if file not in files or (anchor and "=" not in anchor and anchor not in places[file])
    ]
    assert len(links) > 1000 and lost == []


def test_a_click_enlarges_a_picture_and_its_box_stands_around_what_it_marks(browser, report):
    from selenium.webdriver.common.by import By

    show(browser, report / "unit-1-0.html", width=1280)
    width = "return document.getElementById(arguments[0]).querySelector('img').getBoundingClientRect().width"
    before = browser.execute_script(width, "top-1")
    browser.find_element(By.ID, "top-1").click()
    assert browser.execute_script(width, "top-1") > 2 * before
    browser.find_element(By.LINK_TEXT, "Small again").click()
    assert browser.execute_script(width, "top-1") == before
    boxes = browser.execute_script(
        """return [...document.querySelectorAll(".crop i")].map((box) => {
            const own = box.getBoundingClientRect(), crop = box.parentElement.getBoundingClientRect();
            const inside = own.left >= crop.left - 0.5 && own.right <= crop.right + 0.5
                && own.top >= crop.top - 0.5 && own.bottom <= crop.bottom + 0.5;
            return [inside, own.width / crop.width, parseFloat(getComputedStyle(box).outlineOffset)];
        });"""
    )
    assert len(boxes) > 3
    # 9 × 9 pixels of 16 × 64, less at an edge; the line is outside of the pixels that it marks.
    assert all(inside and 0 < share <= 9 / 64 + 0.01 and offset >= 0 for inside, share, offset in boxes)


def test_pictures_are_there(browser, report):
    for name in ("accuracy", "round-1", "layer-0-backbone.0", "unit-0-0"):
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


def test_all_units_are_filtered_by_layer_state_and_label_and_lead_to_their_page(browser, report):
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
    assert browser.current_url.endswith(f"{unit_page(first['page'], first['unit'])}.html")


def test_the_first_stop_of_the_keyboard_skips_to_the_content(browser, report):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    show(browser, report / "index.html", width=1280)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to content"
