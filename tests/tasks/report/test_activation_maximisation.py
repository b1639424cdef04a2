import pytest
from PIL import Image

from models.explain.maximise.ascent_settings import PAPER, AscentSettings
from tasks.common.files import read_json
from tasks.explain.search_results import strength_of

KINDS = ("decay", "blur", "norm", "contribution", "jitter")


@pytest.fixture(scope="module")
def report(reported):
    return reported / "report"


@pytest.fixture(scope="module")
def numbers(report):
    return read_json(report / "activation-maximisation.json")


@pytest.fixture(scope="module")
def text(report):
    return (report / "activation-maximisation.html").read_text(encoding="utf-8")


def test_strengths_are_said_in_words():
    assert strength_of(AscentSettings()) == ""
    assert strength_of(AscentSettings(blur_width=1.0)) == ""  # never: blur_every is 0
    assert strength_of(PAPER["contribution"]) == "blur 0.5 px every 4, contribution 90%"
    assert (
        strength_of(AscentSettings(decay=0.0123, norm_percent=33.4, jitter=2)) == "decay 0.012, norm 33%, jitter 2 px"
    )


def test_each_layer_has_every_image_beside_its_top_activating_crops(report, numbers, text):
    assert [layer["layer"] for layer in numbers["layers"]] == ["backbone.0", "backbone.1", "embedding", "target_head"]
    for place, layer in enumerate(numbers["layers"]):
        alone = [one["name"] for one in layer["images"] if not one["combined"]]
        assert alone == ["none"] + [name for name in KINDS for _ in range(5)]
        assert [one["name"] for one in layer["images"] if one["combined"]] == list(PAPER)
        assert all(one["settings"]["steps"] == 8 for one in layer["images"])
        shown = sum(not one["silent"] for one in layer["images"])
        assert text.count(f'src="sprites/maximised-{place}.png"') == shown
        assert len(layer["crops"]) == 3
    # The head's crops stand beside its sheet and beside its search.
    assert text.count('src="sprites/maximised-crops.png"') == 3 * (4 + 1)


def test_the_crops_are_those_of_the_layers_page(report, numbers):
    units = read_json(report / "layer-0-backbone.0.json")["all"]
    layer = numbers["layers"][0]
    assert [crop["key"] for crop in layer["crops"]] == [crop["key"] for crop in units[layer["unit"]]["crops"]]


def test_small_images_are_enlarged(report, numbers):
    assert numbers["layers"][0]["field"] == [5, 5]
    with Image.open(report / "sprites" / "maximised-0.png") as sheet:
        assert sheet.width % 60 == 0  # twelve times
        pixels = sheet.convert("L").crop((0, 0, 12, 12))
    assert len(set(pixels.getdata())) == 1


def test_the_search_is_ranked_and_its_best_come_first(numbers, text):
    tried = numbers["search"]["tried"]
    assert sorted(one["rank"] for one in tried) == [1, 2, 3, 4, 5, 6]
    assert [one["best"] for one in tried] == 4 * [True] + 2 * [False]
    assert tried[0]["rank"] == 1
    ordered = sorted(tried, key=lambda one: one["rank"])
    assert [one["mean_rank"] for one in ordered] == sorted(one["mean_rank"] for one in tried)
    assert text.count('<span class="tag">best ') == 4
    silent = sum(one["silent"] for one in tried)
    assert text.count('src="sprites/maximised-search.png"') == 6 - silent


def test_the_searched_unit_is_the_label_of_lowest_accuracy(report, numbers):
    groups = read_json(report / "accuracy.json")["by"]["script"]
    lowest = min(group["accuracy"] for group in groups)
    search = numbers["search"]
    assert search["label"] in [group["value"] for group in groups if group["accuracy"] == lowest]
    assert read_json(report / "index.json")["labels"][search["unit"]] == search["label"]


def test_a_silent_unit_says_so(numbers, text):
    silent = sum(one["silent"] for layer in numbers["layers"] for one in layer["images"])
    silent += sum(one["silent"] for one in numbers["search"]["tried"])
    assert silent  # a toy network is hardly trained: some units have no gradient
    assert text.count("no gradient reached the pixels</span>") == silent
