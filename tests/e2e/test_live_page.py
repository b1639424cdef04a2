"""The live page in headless Chromium, over a real server: every kind of source, the layers, the units, wrong input."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from apps.live.server import make_app
from tasks.live.engine import Engine
from tasks.live.report_units import UnitReport
from tasks.live.typed import FontBook
from tasks.report.build import make_report
from tests.apps.live.conftest import served
from tests.e2e.browsing import NEEDS_BROWSER, chromium, grounds_of, show
from tests.toyhome import toy_params
from tests.toyrounds import make_mined_home
from tests.toytables import make_toy_tables

pytestmark = NEEDS_BROWSER

PARAMS = toy_params()
CAMERA = (64, 96)  # height and width of the fake webcam's frames
# A video that the page itself records: a dark bar that wanders over white.
RECORD = """
const done = arguments[arguments.length - 1];
const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 80 });
const context = canvas.getContext("2d");
const recorder = new MediaRecorder(canvas.captureStream(20));
const parts = [];
recorder.ondataavailable = (event) => parts.push(event.data);
recorder.onstop = () => {
  const moved = new DataTransfer();
  moved.items.add(new File(parts, "bar.webm", { type: "video/webm" }));
  const input = document.getElementById("video-file");
  input.files = moved.files;
  input.dispatchEvent(new Event("change"));
  done(true);
};
recorder.start();
let x = 0;
const timer = setInterval(() => {
  context.fillStyle = "#fff";
  context.fillRect(0, 0, 160, 80);
  context.fillStyle = "#000";
  context.fillRect((x += 8) % 150, 20, 8, 40);
  if (x > 160) {
    clearInterval(timer);
    recorder.stop();
  }
}, 50);
"""
DROP = """
const moved = new DataTransfer();
for (const [name, type, bytes] of arguments[0]) moved.items.add(new File([new Uint8Array(bytes)], name, { type }));
document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: moved }));
"""
GIVE = """
const field = document.querySelector(arguments[0]);
field.value = arguments[1];
field.dispatchEvent(new Event(arguments[2]));
"""
PIXELS = """
const canvas = document.querySelector(arguments[0]);
if (!canvas || canvas.width < 2) return null;
const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
return [...data].filter((_, place) => place % 4 === 0);
"""


def write_camera(path: Path) -> None:
    """Frames for the fake webcam: a dark bar on white, at another place in each (YUV4MPEG2)."""
    height, width = CAMERA
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(20):
            bright = np.full((height, width), 250, np.uint8)
            bright[20:44, 4 * number : 4 * number + 8] = 10
            file.write(b"FRAME\n" + bright.tobytes() + bytes([128]) * (height * width // 2))


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    home = make_mined_home(folder, params=PARAMS)
    tables = make_toy_tables(folder)
    make_report(PARAMS, home=home, fonts=home / "none", out=home / "report", data={"data/x/table": "abc.dir"})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        PARAMS.home.parent.mkdir()
        shutil.move(home, PARAMS.home)
        names = {"round-0": "rounds/0", **{mode: f"invariance/{mode}" for mode in PARAMS.invariance.modes}}
        yield Engine(
            {name: PARAMS.home / path for name, path in reversed(names.items())},
            params=PARAMS, book=FontBook(tables["fonts"], tables["words"]), report=UnitReport.of_project(PARAMS),
        )  # fmt: skip


@pytest.fixture(scope="module")
def address(engine):
    with served(make_app(engine, threads=1)) as found:
        yield f"http://{found}/"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    camera = tmp_path_factory.mktemp("camera") / "camera.y4m"
    write_camera(camera)
    fake = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={camera}")
    with chromium(*fake, "--use-fake-ui-for-media-stream") as found:
        yield found


@pytest.fixture
def page(browser, address):
    show(browser, address)
    until(browser, "return document.querySelectorAll('.grid').length === 1")
    browser.get_log("browser")
    yield browser
    assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def until(browser, true, *arguments):
    """What a script gives once it is true."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 60).until(lambda found: found.execute_script(true, *arguments))


def text(browser, name):
    return browser.execute_script("return document.getElementById(arguments[0]).textContent", name)


def click(browser, selector):
    browser.execute_script("document.querySelector(arguments[0]).click()", selector)


def give(browser, selector, value, event):
    browser.execute_script(GIVE, selector, value, event)


def press(browser, *keys):
    from selenium.webdriver.common.by import By

    browser.execute_script("document.activeElement.blur()")
    browser.find_element(By.TAG_NAME, "body").send_keys(*keys)


def pixels_until(browser, selector, true):
    """The red of a canvas's pixels once `true` of it."""
    from selenium.webdriver.support.ui import WebDriverWait

    def found(driver):
        pixels = driver.execute_script(PIXELS, selector)
        return pixels if pixels and true(pixels) else None

    return WebDriverWait(browser, 60).until(found)


def png(folder, pixels, name="word.png"):
    Image.fromarray(pixels).save(folder / name)
    return [name, "image/png", list((folder / name).read_bytes())]


def test_the_page_begins_with_a_word_and_every_layer(page):
    assert text(page, "first").startswith("conditional+pairs")
    until(page, "return document.querySelectorAll('#answers .probabilities tr').length === 3")
    tabs = page.execute_script(
        "return [...document.querySelectorAll('#layer-tabs button')].map((tab) => tab.dataset.layer)"
    )
    assert tabs == ["backbone.0", "backbone.1", "embedding", "target_head"]
    until(page, "return document.querySelectorAll('#overviews canvas').length === 4")


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


def test_without_a_webcam_the_page_says_so(address):
    with chromium() as bare:
        show(bare, address)
        until(bare, "return document.querySelectorAll('.grid').length === 1")
        click(bare, "[data-source=webcam]")
        until(bare, "return /no webcam|not allowed/.test(document.getElementById('problem').textContent)")


def test_by_night_the_ground_is_dark_and_a_phone_sees_no_sideways_scroll(browser, address):
    light, dark = grounds_of(browser, address)
    assert light > 600 and dark < 150
    show(browser, address, width=390)
    until(browser, "return document.querySelectorAll('.grid').length === 1")
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
