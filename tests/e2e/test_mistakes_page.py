"""The report's page of mistakes in a real browser: found, filtered, ordered and linked, with sheets that load late."""

import pytest

from tasks.common.files import read_json
from tasks.report.evidence import read_evidence
from tasks.report.mistakes import write_mistakes
from tasks.report.site import Site
from tests.e2e.browsing import NEEDS_BROWSER, show
from tests.toyreport import REPORTED

pytestmark = NEEDS_BROWSER
VISIBLE = "return [...document.querySelectorAll('.mistake:not([hidden])')].map((card) => card.id.slice(2))"
CHOOSE = """const field = document.getElementById("filter")[arguments[0]];
field.value = arguments[1];
field.dispatchEvent(new Event("input", {bubbles: true}));"""


@pytest.fixture(scope="module")
def report(reported, tmp_path_factory):
    """The page of mistakes alone, with two in a sheet."""
    out = tmp_path_factory.mktemp("mistakes") / "report"
    site = Site(folder=out, problem=REPORTED.problem, target=REPORTED.labels.target, links=[])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.report.mistakes.SHEET", 2)
        write_mistakes(site, read_evidence(REPORTED, home=reported, fonts=reported / "none"))
    return out


@pytest.fixture(scope="module")
def mistakes(report):
    return read_json(report / "mistakes.json")["mistakes"]


def keys(mistakes):
    return [one["key"][:16] for one in mistakes]


def test_mistakes_are_filtered_found_and_ordered(browser, report, mistakes):
    show(browser, report / "mistakes.html")
    assert browser.execute_script(VISIBLE) == keys(mistakes)
    labels = sorted({one["true"] for one in mistakes})
    browser.execute_script(CHOOSE, "true", "0")
    assert browser.execute_script(VISIBLE) == keys(one for one in mistakes if one["true"] == labels[0])
    browser.execute_script(CHOOSE, "split", "test_seen")
    both = [one for one in mistakes if one["true"] == labels[0] and one["split"] == "test_seen"]
    assert browser.execute_script(VISIBLE) == keys(both)
    said = browser.find_element("id", "found").text
    assert said == f"{len(both)} of {len(mistakes)} mistakes"
    browser.execute_script("document.getElementById('filter').reset()")
    browser.execute_script(CHOOSE, "order", "predicted")
    ordered = sorted(mistakes, key=lambda one: one["predicted"])  # stable: the surest first within a label
    assert browser.execute_script(VISIBLE) == keys(ordered)
    browser.execute_script(CHOOSE, "order", "p")
    assert browser.execute_script(VISIBLE) == keys(mistakes)


def test_the_keyboard_reaches_the_filter_and_a_whole_key_finds_its_crop(browser, report, mistakes):
    from selenium.webdriver.common.keys import Keys

    show(browser, report / "mistakes.html")
    browser.execute_script("document.getElementById('filter').find.focus()")
    browser.switch_to.active_element.send_keys(mistakes[1]["key"])
    assert browser.execute_script(VISIBLE) == keys(mistakes[1:2])
    names = []
    for _ in range(5):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        names.append(browser.execute_script("return document.activeElement.name || document.activeElement.hash"))
    assert names == ["true", "predicted", "split", "order", f"#m-{mistakes[1]['key'][:16]}"]


def test_a_link_leads_to_its_mistake_even_where_a_filter_hides_it(browser, report, mistakes):
    show(browser, report / "mistakes.html")
    last = mistakes[-1]
    browser.execute_script(CHOOSE, "find", mistakes[0]["key"])
    browser.execute_script("location.hash = arguments[0]", f"m-{last['key'][:16]}")
    inside = """const box = document.getElementById(location.hash.slice(1)).getBoundingClientRect();
    return !document.querySelector(":target").hidden && box.height > 0 && box.top < innerHeight && box.bottom > 0;"""
    assert browser.execute_async_script(f"setTimeout(() => arguments[0]((() => {{ {inside} }})()), 300)")
    assert browser.execute_script(VISIBLE) == keys(mistakes)


def test_sheets_load_late_and_all_pictures_are_there(browser, report, mistakes):
    show(browser, report / "mistakes.html")
    script = """const all = [...document.images];
    return [all.map((image) => image.loading), [...new Set(all.map((image) => image.src))]];"""
    loading, sheets = browser.execute_script(script)
    # Of each mistake the crop, and three methods' maps of the wrong label and of the right one.
    assert set(loading) == {"lazy"} and len(loading) == (1 + 3 + 3) * len(mistakes)
    assert len(sheets) == -(-len(mistakes) // 2)
    widths = browser.execute_async_script(
        """const done = arguments[0];
        for (const image of document.images) image.loading = "eager";
        Promise.all([...document.images].map((image) => image.decode())).then(
            () => done([...document.images].map((image) => image.naturalWidth)), (error) => done(String(error)));"""
    )
    assert min(widths) > 0


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_a_phone(browser, report, dark):
    show(browser, report / "mistakes.html", width=390, dark=dark)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    cut = """return [...document.querySelectorAll(".mistake .crop")].filter(
        (one) => one.getBoundingClientRect().right > innerWidth).length"""
    assert browser.execute_script(cut) == 0
    assert browser.get_log("browser") == []
