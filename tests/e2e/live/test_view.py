"""What the live page shows of a network: layers, units, attributions, models side by side, degradations, the style."""

from tests.e2e.browsing import NEEDS_BROWSER, grounds_of, show
from tests.e2e.live.page import click, give, press, text, until

pytestmark = NEEDS_BROWSER


def test_the_page_begins_with_a_word_and_every_layer(page):
    assert text(page, "first").startswith("conditional+pairs")
    until(page, "return document.querySelectorAll('#answers .probabilities tr').length === 3")
    tabs = page.execute_script(
        "return [...document.querySelectorAll('#layer-tabs button')].map((tab) => tab.dataset.layer)"
    )
    assert tabs == ["backbone.0", "backbone.1", "embedding", "target_head"]
    until(page, "return document.querySelectorAll('#overviews canvas').length === 4")


def test_keys_choose_units_layers_and_attributions(page):
    from selenium.webdriver.common.keys import Keys

    until(page, "return document.getElementById('unit-title').textContent.includes('backbone.1, unit 0')")
    press(page, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    until(page, "return document.getElementById('unit-title').textContent.includes('unit 2')")
    press(page, "b")
    until(page, "return document.getElementById('unit-panes').textContent.includes('deconvnet of the picture')")
    press(page, "g")
    until(page, "return document.getElementById('unit-panes').textContent.includes('Grad-CAM of')")
    press(page, "o")
    until(page, "return document.getElementById('maps').textContent.includes('Occlusion')")
    press(page, Keys.PAGE_DOWN)
    until(page, "return document.getElementById('unit-title').textContent.includes('embedding')")
    press(page, "?")
    until(page, "return document.getElementById('help').open")


def test_a_unit_is_chosen_by_a_click_and_the_report_stands_beside_it(page):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By

    grid = page.find_element(By.CSS_SELECTOR, ".grid")
    size = grid.size
    # The layer's six units stand in three columns and two rows: this is the last.
    ActionChains(page).move_to_element_with_offset(
        grid, int(size["width"] * 0.4), int(size["height"] * 0.3)
    ).click().perform()
    until(page, "return document.getElementById('unit-title').textContent.includes('unit 5')")
    until(page, "return document.getElementById('report').textContent.includes('In the report')")


def test_two_models_stand_side_by_side(page):
    give(page, "#second", "round-0", "change")
    until(page, "return document.querySelectorAll('.grid').length === 2")
    until(page, "return document.querySelectorAll('#answers .side h3').length === 2")


def test_sliders_degrade_the_picture_and_bars_say_how_much_each_layer_changes(page):
    click(page, "#degrade summary")
    give(page, "[name=noise]", 0.5, "input")
    until(page, "return document.querySelectorAll('#changes tr').length === 4")


def test_what_the_embedding_tells_of_the_style_is_fitted_and_shown(page):
    click(page, "#style summary")
    until(
        page, "return /held out the probe is right|knows nothing/.test(document.getElementById('styles').textContent)"
    )


def test_by_night_the_ground_is_dark_and_a_phone_sees_no_sideways_scroll(browser, address):
    light, dark = grounds_of(browser, address)
    assert light > 600 and dark < 150
    show(browser, address, width=390)
    until(browser, "return document.querySelectorAll('.grid').length === 1")
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
