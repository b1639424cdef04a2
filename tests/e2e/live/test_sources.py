"""The live page's sources: pictures, text, the webcam, the pad, a video; and what is none of them."""

import numpy as np

from tests.e2e.browsing import NEEDS_BROWSER, show
from tests.e2e.live.conftest import CAMERA
from tests.e2e.live.page import DROP, PIXELS, RECORD, click, drop_files, give, pixels_until, png, press, until

pytestmark = NEEDS_BROWSER


def test_a_picture_is_dropped_and_its_layers_shown(page, tmp_path):
    pixels = np.full((16, 64), 255, np.uint8)
    pixels[4:12, 10:50:4] = 0
    page.execute_script(DROP, [png(tmp_path, pixels)])
    pixels_until(page, "#windows canvas", lambda found: found == pixels.ravel().tolist())


def test_several_pictures_are_gone_through_by_keys(page, tmp_path):
    shades = [np.full((16, 64), shade, np.uint8) for shade in (200, 100)]
    page.execute_script(DROP, [png(tmp_path, shade, f"{number}.png") for number, shade in enumerate(shades)])
    until(page, "return document.querySelectorAll('#thumbs button').length === 2")
    for shade in (200, 100, 200):
        pixels_until(page, "#windows canvas", lambda found, shade=shade: found[0] == shade)
        press(page, "n")


def test_a_folder_is_dropped_with_its_folders_and_without_hidden_files(page, tmp_path):
    for number, place in enumerate(("b.png", "a.png", "inner/c.png", ".hidden.png")):
        (tmp_path / "signs" / place).parent.mkdir(parents=True, exist_ok=True)
        png(tmp_path / "signs", np.full((16, 64), 40 + 50 * number, np.uint8), place)
    drop_files(page, tmp_path / "signs")
    until(page, "return document.querySelectorAll('#thumbs button').length === 3")
    for shade in (90, 40, 140):  # by name
        pixels_until(page, "#windows canvas", lambda found, shade=shade: found[0] == shade)
        press(page, "n")


def test_the_screen_is_followed_and_a_region_of_it_chosen(page):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By

    click(page, "[data-source=screen]")
    until(page, "return document.getElementById('rate').textContent.includes('frames/s')")
    wide = until(page, "return document.getElementById('video').videoWidth")
    assert wide > CAMERA[1]  # not the webcam
    whole = pixels_until(page, "#windows canvas", lambda found: max(found) > min(found))
    preview = page.find_element(By.ID, "preview")
    ActionChains(page).move_to_element_with_offset(preview, -20, -20).click_and_hold().move_by_offset(
        40, 40
    ).release().perform()
    assert page.execute_script("return document.getElementById('region').hidden") is False
    # What is read is another part, and all of the screen again without a region.
    pixels_until(page, "#windows canvas", lambda found: np.abs(np.subtract(found, whole)).mean() > 10)
    click(page, "#all")
    assert page.execute_script("return document.getElementById('region').hidden") is True
    click(page, "[data-source=text]")
    assert page.execute_script("return document.getElementById('video').srcObject") is None


def test_text_is_drawn_live_and_swept_through_all_fonts(page, engine):
    give(page, "#text", "αβγδ", "input")
    until(page, "return document.getElementById('script').value === 'Grek'")
    give(page, "#text", "abc", "input")
    until(page, "return document.getElementById('script').value === 'Latn'")
    give(page, "#script", "Grek", "change")
    until(page, "return document.getElementById('font').selectedOptions[0]?.value === arguments[0]", first_of(engine))
    give(page, "#text", "abc", "input")
    until(page, "return document.getElementById('script').value === 'Latn'")
    click(page, "#sweep")
    fonts = len(engine.fonts.of_script("Latn"))
    until(page, f"return document.querySelectorAll('#sweep-list li').length === {fonts}")
    chances = page.execute_script(
        "return [...document.querySelectorAll('#sweep-list li')].map((item) => item.textContent)"
    )
    assert len(chances) == fonts
    if page.execute_script("return !!document.querySelector('#sweep-list li.wrong button')"):
        click(page, "#sweep-list li.wrong button")
        until(page, "return !document.getElementById('problem').hidden")


def first_of(engine):
    """The row of the font that a word of Greek is drawn in."""
    return str(engine.fonts.font_for(engine.fonts.word_of("Grek"), "Grek").row)


def test_the_webcam_is_followed_frozen_and_left(page):
    click(page, "[data-source=webcam]")
    until(page, "return document.getElementById('rate').textContent.includes('frames/s')")
    assert page.execute_script("return document.getElementById('preview').width") >= CAMERA[1]
    seen = {tuple(until(page, PIXELS, ".grid")) for _ in range(12)}
    assert len(seen) > 1
    press(page, "f")
    until(page, "return document.getElementById('freeze').getAttribute('aria-pressed') === 'true'")
    click(page, "[data-source=pad]")
    until(page, "return document.getElementById('stage').className === 'pad'")
    assert page.execute_script("return document.getElementById('video').srcObject") is None


def test_the_pad_is_drawn_on(page):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By

    click(page, "[data-source=pad]")
    pad = page.find_element(By.ID, "preview")
    ActionChains(page).move_to_element_with_offset(pad, -60, 0).click_and_hold().move_by_offset(
        120, 5
    ).release().perform()
    pixels_until(page, "#preview", lambda found: min(found) < 50)


def test_a_video_is_played_and_a_damaged_one_said(page):
    page.set_script_timeout(60)
    assert page.execute_async_script(RECORD)
    until(page, "return document.getElementById('rate').textContent.includes('frames/s')")
    page.execute_script(DROP, [["bad.mp4", "video/mp4", [1, 2, 3]]])
    until(page, "return document.getElementById('problem').textContent.includes('damaged')")


def test_what_is_no_picture_is_said_and_the_page_goes_on(page, tmp_path):
    page.execute_script(DROP, [["notes.txt", "text/plain", list(b"no picture")]])
    until(page, "return document.getElementById('problem').textContent.includes('this is no picture')")
    page.execute_script(DROP, [png(tmp_path, np.full((16, 64), 90, np.uint8))])
    pixels_until(page, "#windows canvas", lambda found: found[0] == 90)


def test_without_a_webcam_the_page_says_so(one_browser, address):
    show(one_browser, address)
    until(one_browser, "return document.querySelectorAll('.grid').length === 1")
    click(one_browser, "[data-source=webcam]")
    until(one_browser, "return /no webcam|not allowed/.test(document.getElementById('problem').textContent)")
    one_browser.get("about:blank")  # or the page would stay a viewer
