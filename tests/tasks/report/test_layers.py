import re

import numpy as np
import pytest
import torch
from PIL import Image

from models.explain.maximise.ascent_settings import PAPER
from tasks.common.files import read_json
from tasks.crop_table.shards import read_images
from tasks.report.build import make_report
from tasks.report.site import unit_page
from tasks.train.weights import load_model
from tests.toyreport import REPORTED


@pytest.fixture
def made(reported):
    """(home, report folder) of the toy home."""
    return reported, reported / "report"


def features_of(home):
    """(keys, features[crops, units]) of the chosen model over train and validation, in one plain pass."""
    network, _ = load_model(home / read_json(home / "chosen.json")["path"])
    images, rows = read_images(home / "table", ["train", "validation"])
    with torch.inference_mode():
        return rows["key"].tolist(), network.embed(torch.from_numpy(images)[:, None].float() / 255).numpy()


def test_the_weakest_crops_are_those_of_a_plain_forward_pass(made):
    home, report = made
    _, features = features_of(home)
    for unit in read_json(report / "layer-2-embedding.json")["all"]:
        wanted = np.sort(features[:, unit["unit"]])[:3]
        assert [crop["strength"] for crop in unit["weakest"]] == pytest.approx(wanted, abs=1e-3)


def test_the_units_shown_as_learned_are_the_most_selective(made):
    """Of the embedding: one label a group is the published index, computed here from a plain forward pass."""
    home, report = made
    keys, features = features_of(home)
    rows = read_images(home / "table", ["train", "validation"])[1].set_index("key")
    labels = rows.loc[keys, "script"].astype(str).to_numpy()
    means = np.stack([features[labels == label].mean(0) for label in sorted(set(labels))], 1)
    layers = {layer["layer"]: layer["units"] for layer in read_json(report / "learned.json")["layers"]}
    first, *_ = layers["embedding"]
    best = 0.0
    for row in means:
        inside = row >= row.max() / 2
        inside[row.argmin()] = False
        if row.max() > 0:
            a, b = row[inside].mean(), row[~inside].mean()
            best = max(best, (a - b) / (a + b))
    assert first["index"] == pytest.approx(best, abs=1e-4)
    taken = [label for unit in layers["embedding"] for label in unit["group"]]
    assert len(taken) == len(set(taken))


def test_every_picture_lies_in_its_sheet(made):
    _, report = made
    sheet = re.compile(r'<img src="(sprites/[^"]+)" loading="lazy"[^>]*style="--x:(\d+);--y:(\d+)"')
    for page in [*report.glob("layer-*.html"), *report.glob("unit*.html"), report / "learned.html"]:
        shown = sheet.findall(page.read_text(encoding="utf-8"))
        assert shown
        for file, x, y in shown:
            with Image.open(report / file) as image:
                assert int(x) < image.width and int(y) < image.height


def test_the_numbers_say_where_the_optimised_images_are(made):
    _, report = made
    for page in report.glob("layer-*.json"):
        for unit in read_json(page)["all"]:
            html = page_of(report, page, unit["unit"])
            shown = re.findall(r"alt=\"(\w+) image by (\w+)\" style=\"--x:(\d+);--y:(\d+)\"", html)
            places = unit["pictures"]["places"] if unit["pictures"] else {}
            assert {f"{setting}/{kind}": [int(x), int(y)] for kind, setting, x, y in shown} == places
            assert not places or unit["pictures"]["file"] in html


def page_of(report, layer, unit):
    """The text of a unit's page, by that of its layer."""
    return (report / f"{unit_page(layer.stem, unit)}.html").read_text(encoding="utf-8")


def test_a_real_crop_stands_beside_every_synthetic_image(made):
    """Of a unit that any crop excites; of a dead one there is none."""
    _, report = made
    for page in report.glob("unit-*.html"):
        unit = page.read_text(encoding="utf-8")
        dead = "No crop activates it." in unit
        assert dead or ("-images.png" not in unit) or ("-crops.png" in unit.split("-images.png")[0])


def test_a_unit_has_a_page_wherever_it_is_named(made):
    _, report = made
    pages = {page.name for page in report.glob("unit-*.html")}
    assert len(pages) == 4 + 6 + 8 + 3
    for name in ("units", "layer-0-backbone.0", "learned", "picture", "activation-maximisation", "redundancy"):
        text = (report / f"{name}.html").read_text(encoding="utf-8")
        links = re.findall(r'href="(unit-[^"]+)">', text)
        assert links and set(links) <= pages
        assert name != "units" or set(links) == pages
        assert name != "layer-0-backbone.0" or set(links) == {f"unit-0-{unit}.html" for unit in range(4)}


def test_a_unit_s_page_is_light_and_has_every_picture_of_its_numbers(made):
    """Its size follows from the crops of a unit: nine of each side, as in params.yaml, are three times those here."""
    _, report = made
    for layer in report.glob("layer-*.json"):
        for unit in read_json(layer)["all"]:
            text = page_of(report, layer, unit["unit"])
            images = sum(len(kinds) for kinds in [unit["pictures"]["places"] if unit["pictures"] else {}])
            filters = 1 if layer.stem == "layer-0-backbone.0" else 0
            crops = len(unit["crops"]) + len(unit["weakest"]) + 4 * unit["attributions"]
            ids = re.findall(r'<a class="enlarge" id="([^"]+)" href="#([^"]+)"', text)
            assert len(ids) == crops + images + filters
            assert all(name == at for name, at in ids) and len(set(ids)) == len(ids)
            assert 3 * len(text) < 200_000


def test_the_first_layer_shows_its_filters(made):
    _, report = made
    text = (report / "layer-0-backbone.0.html").read_text(encoding="utf-8")
    assert re.findall(r'alt="filter of unit (\d+)"', text) == ["0", "1", "2", "3"]
    assert read_json(report / "layer-0-backbone.0.json")["filters"][0] == {"unit": 0, "colour": None}
    for page in report.glob("layer-[123]*.html"):
        assert "filter of unit" not in page.read_text(encoding="utf-8")


def test_the_pages_numbers_hold_every_climb(made):
    _, report = made
    for page in report.glob("layer-*.json"):
        for unit in read_json(page)["all"]:
            assert set(unit["optimised"]) == set(PAPER)
            assert unit["silent"] == all(run["silent"] for run in unit["optimised"].values())


def test_a_report_of_some_units_says_so_and_keeps_the_others(made, tmp_path):
    home, whole = made
    params = REPORTED.model_copy(update={"report": REPORTED.report.model_copy(update={"units": 2})})
    make_report(params, home=home, fonts=home / "none", out=tmp_path / "report")
    count = 0
    for page in whole.glob("layer-*.json"):
        some, every = (read_json(folder / page.name)["all"] for folder in (tmp_path / "report", whole))
        chosen = [unit for unit in some if unit["optimised"]]
        assert 2 <= len(chosen) <= 4
        # Of fewer images the sheet is another one.
        assert all(unit | {"pictures": None} == every[unit["unit"]] | {"pictures": None} for unit in chosen)
        assert [unit["crops"] for unit in some] == [unit["crops"] for unit in every]
        text = (tmp_path / "report" / page.name).with_suffix(".html").read_text(encoding="utf-8")
        count += len(chosen)
        fewer = len(chosen) < len(some)  # of four units, two are the purest and two others the most selective
        assert ("unfont report --full" in text) == fewer
        assert not fewer or all(
            f'<a href="{unit_page(page.stem, unit["unit"])}.html">{unit["unit"]}</a>' in text for unit in chosen
        )
        assert "unfont report --full" not in page.with_suffix(".html").read_text(encoding="utf-8")
    units = (tmp_path / "report" / "units.html").read_text(encoding="utf-8")
    assert f"optimised for {count} of these units" in units and units.count('data-optimised="1"') == count


def test_provenance_names_versions_seed_and_dvc_hashes(made):
    _, report = made
    numbers = read_json(report / "index.json")
    assert torch.__version__.startswith(numbers["versions"]["torch"].split("+")[0])
    assert numbers["data"] == {"data/x/table": "abc.dir"} and numbers["settings"]["seed"] == 0
    text = (report / "index.html").read_text(encoding="utf-8")
    assert "abc.dir" in text and f"torch {numbers['versions']['torch']}" in text
