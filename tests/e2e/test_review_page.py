"""The page of suspected labels in a real browser: decide by mouse and keyboard, save, and hand the file in."""

import pandas as pd
import pytest

from tasks.browse.review_page import MOST, write_review_page
from tasks.crop_table.shards import read_rows
from tasks.mine.review import read_decisions
from tests.e2e.browsing import NEEDS_BROWSER, chromium, grounds_of, show
from tests.tasks.toycrops import make_toy_table

pytestmark = NEEDS_BROWSER
HOSTILE = '</script><script>document.title = "taken"</script><b>"bold", ' + "x" * 10_000
LABELS = ["Grek", "Hebr", "Latn", HOSTILE]


def suspects(keys):
    frame = pd.DataFrame({"key": keys, "given": "Latn", "suggested": "Grek", "p_given": 0.031, "p_suggested": 0.95})
    return frame.assign(round=2)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return make_toy_table(tmp_path_factory.mktemp("review") / "table")


@pytest.fixture(scope="module")
def keys(table):
    return read_rows(table, splits=["pool"])["key"].tolist()[:8]


@pytest.fixture(scope="module")
def page(table, keys):
    found = suspects([*keys, "0" * 64])  # the last is no longer in the table
    found.loc[1, "given"] = HOSTILE
    out = table.parent / "index.html"
    assert write_review_page(out, found, table=table, labels=LABELS, problem="debug", target="script") == 0
    return out


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium() as driver:
        driver.downloads = tmp_path_factory.mktemp("downloads")
        allowed = {"behavior": "allow", "downloadPath": str(driver.downloads)}
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)
        yield driver


def card(browser, key):
    return browser.find_element("css selector", f"[data-key='{key}']")


def choose(browser, key, value):
    radio = card(browser, key).find_element("css selector", f"[value={value}]")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", radio)
    radio.click()


def saved(browser):
    """What the page gives to save, read as `unfont review --from` reads it."""
    from selenium.webdriver.support.ui import WebDriverWait

    for old in browser.downloads.iterdir():
        old.unlink()
    browser.find_element("id", "download").click()
    path = browser.downloads / "decisions.csv"
    WebDriverWait(browser, 20).until(lambda _: path.exists())
    return dict(read_decisions(path).itertuples(index=False, name=None))


def said(browser):
    return browser.find_element("id", "message").text


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_asks_for_nothing_and_shows_every_picture(browser, page, keys, width):
    show(browser, page, width=width)
    choose(browser, keys[1], "other")  # its list of labels is filled now
    assert len(browser.find_elements("css selector", "option")) == len(keys) + 1 + len(LABELS)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.get_log("browser") == []
    asked = [entry["message"] for entry in browser.get_log("performance")]
    assert not [message for message in asked if "Network.requestWillBeSent" in message and '"url":"http' in message]
    sizes = browser.execute_script("return [...document.images].map((image) => image.naturalWidth)")
    assert sizes == [48] * len(keys)
    assert "no longer has this picture" in card(browser, "0" * 64).text


def test_a_hostile_label_is_text_and_is_cut(browser, page, keys):
    show(browser, page)
    assert browser.title == "Suspected labels · unfont, debug"
    label = card(browser, keys[1]).find_element("tag name", "strong").text
    assert label.startswith("</script><script>") and len(label) == 60


def test_the_page_is_dark_at_night(browser, page):
    light, dark = grounds_of(browser, page)
    assert light > 600 and dark < 150


def test_what_is_clicked_is_what_is_saved(browser, page, keys):
    from selenium.webdriver.support.ui import Select

    show(browser, page)
    assert said(browser) == "0 of 9 decided"
    assert not browser.find_element("id", "download").is_enabled()
    for key, value in zip(keys, ["keep", "keep", "suggestion", "other", "drop", "other"], strict=False):
        choose(browser, key, value)
    assert said(browser) == "4 of 9 decided"  # two have no other label yet
    other = card(browser, keys[3]).find_element("tag name", "select")
    Select(other).select_by_visible_text("Hebr")
    assert said(browser) == "5 of 9 decided"
    expected = {keys[0]: "Latn", keys[1]: HOSTILE, keys[2]: "Grek", keys[3]: "Hebr", keys[4]: ""}
    assert saved(browser) == expected
    assert "unfont review --from decisions.csv" in said(browser)


def test_it_is_decided_by_keyboard_alone(browser, page, keys):
    from selenium.webdriver.common.keys import Keys

    show(browser, page)
    browser.execute_script("arguments[0].focus()", card(browser, keys[0]).find_element("css selector", "input:checked"))
    for key in ("2", "1", "4", "3"):  # each goes on to the next picture, 3 to the labels
        browser.switch_to.active_element.send_keys(key)
    assert browser.switch_to.active_element.tag_name == "select"
    browser.switch_to.active_element.send_keys("Heb")
    assert said(browser) == "4 of 9 decided"
    browser.switch_to.active_element.send_keys(Keys.TAB, Keys.TAB)
    browser.switch_to.active_element.send_keys(Keys.ARROW_UP)  # from later to leaving out
    assert said(browser) == "5 of 9 decided"
    browser.execute_script("arguments[0].focus()", card(browser, keys[0]).find_element("css selector", "input:checked"))
    browser.switch_to.active_element.send_keys("0")
    assert saved(browser) == {keys[1]: HOSTILE, keys[2]: "", keys[3]: "Hebr", keys[4]: ""}


def test_a_page_holds_the_most_suspicious_and_says_how_many_more_there_are(browser, table, keys):
    many = suspects([f"{n:064x}" for n in range(MOST + 12)])
    out = table.parent / "many.html"
    assert write_review_page(out, many, table=table, labels=LABELS, problem="debug", target="script") == 12
    show(browser, out)
    assert browser.execute_script("return document.querySelectorAll('.suspect').length") == MOST
    told = browser.execute_script("return document.querySelector('main').textContent")
    assert "12 more come when these are decided" in told
    assert card(browser, f"{MOST - 1:064x}")
