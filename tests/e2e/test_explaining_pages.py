"""The pages of `unfont compare` and `unfont explain` in a real browser: they fit, fetch nothing and escape labels."""

import pytest

from tasks.crop_table.png import encode_png
from tasks.crop_table.shards import read_images
from tasks.explain.attribution_page import write_attribution_page
from tasks.explain.compare import compare_models
from tasks.explain.compare_numbers import numbers_of
from tasks.explain.compare_page import write_comparison_page
from tasks.explain.redundancy import redundant_units
from tasks.inspect.attribution_files import explain_files
from tasks.inspect.attribution_text import numbers_of as numbers_of_attribution
from tasks.train.weights import load_model
from tests.e2e.browsing import NEEDS_BROWSER, grounds_of, show
from tests.toyhome import make_toy_home, toy_params

pytestmark = NEEDS_BROWSER
HOSTILE = '</style><script>document.title = "taken"</script><b>"bold", ' + "x" * 10_000
QUICK = {"steps": 4, "parts": 4, "randomised": 1}
PARAMS = toy_params()
PARAMS = toy_params(
    compare=PARAMS.compare.model_dump() | {"batch": 8}, attribution=PARAMS.attribution.model_dump() | QUICK
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    home = make_toy_home(folder, params=PARAMS, labels=[HOSTILE, "Latn", "Zxxx"])
    models = {"erm": home / "invariance" / "erm", HOSTILE: home / "rounds" / "0"}
    found = compare_models(PARAMS, table=home / "table", models=models, names=("erm", HOSTILE))
    numbers = numbers_of(found) | {"redundancy": redundant_units(PARAMS, table=home / "table", models=models)}
    compared = folder / "compare.html"
    write_comparison_page(compared, found, numbers=numbers, settings=PARAMS.compare, weights=("a" * 64, "b" * 64))
    files = [folder / "a.png", folder / "<img src=x onerror=alert(1)>.png"]
    for file, pixels in zip(files, read_images(home / "table", ["validation"])[0], strict=False):
        file.write_bytes(encode_png(pixels))
    explained, _ = explain_files(PARAMS, files, model_folder=models["erm"])
    said = numbers_of_attribution(explained)
    attribution = folder / "attribution.html"
    options = {"settings": PARAMS.attribution, "model": HOSTILE, "weights": "c" * 64}
    network, _ = load_model(models["erm"])
    assert write_attribution_page(attribution, explained, network, numbers=said, **options) == 0
    return {"compare": compared, "attribution": attribution}


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["compare", "attribution"])
def test_a_page_fits_asks_for_nothing_and_takes_no_orders(browser, pages, name, width):
    show(browser, pages[name], width=width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.get_log("browser") == []
    assert browser.title.endswith("· unfont")
    assert browser.execute_script("return document.scripts.length") == 0
    asked = [entry["message"] for entry in browser.get_log("performance")]
    assert not [message for message in asked if "Network.requestWillBeSent" in message and '"url":"http' in message]
    pictures = "[...document.querySelectorAll('img:not(.still)')]"
    heights = f"return {pictures}.map((image) => (image.loading = 'eager', image.naturalHeight))"
    assert all(height in (0, 16) for height in browser.execute_script(heights))
    assert "</style><script>" in browser.find_element("tag name", "main").text


@pytest.mark.parametrize("name", ["compare", "attribution"])
def test_a_page_is_dark_at_night(browser, pages, name):
    light, dark = grounds_of(browser, pages[name])
    assert light > 600 and dark < 150


def test_every_layer_has_its_row_and_every_picture_its_maps(browser, pages):
    show(browser, pages["compare"])
    rows = browser.find_elements("css selector", ".matrix tbody tr")
    assert [len(row.find_elements("tag name", "td")) for row in rows] == [4, 4, 4, 4]
    assert len(browser.find_elements("css selector", ".pair")) == 4 + 4 + 4 + 3  # of layers of 4, 6, 8 and 3 units
    show(browser, pages["attribution"])
    pictures = browser.find_elements("css selector", ".picture")
    for of, count in ((".pictures img", 4), (".still", 4)):  # the input and three methods' maps; four layers
        assert [len(picture.find_elements("css selector", of)) for picture in pictures] == [count, count]
    assert [len(picture.find_elements("css selector", "polyline")) for picture in pictures] == [8, 8]
