import html
import re

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from models.degrade import SEVERITIES, degrade, seeds_of
from models.explain.attribution_checks import area
from tasks.common.files import read_json
from tasks.crop_table.shards import read_images
from tasks.explain.attribution import explain_crops
from tasks.explain.attribution_maps import METHODS
from tasks.explain.attribution_page import overlay
from tasks.report.evidence import read_evidence
from tasks.report.mistakes import quick, write_mistakes
from tasks.report.site import Site
from tests.toyhome import toy_params
from tests.toyrounds import make_mined_home

EVIL = '<script>alert("x")</script>' + "x" * 10_000
PARAMS = toy_params()
CARD = re.compile(r'<li class="mistake".*?\n</ul>\n</li>', re.S)


def made_of(home, params, out):
    """(numbers, page) of the page of mistakes alone."""
    evidence = read_evidence(params, home=home, fonts=home / "fonts.parquet")
    site = Site(folder=out, problem=params.problem, target=params.labels.target, links=[])
    write_mistakes(site, evidence)
    return read_json(out / "mistakes.json"), (out / "mistakes.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_mined_home(tmp_path_factory.mktemp("mistakes"), params=PARAMS)


@pytest.fixture(scope="module")
def made(home, tmp_path_factory):
    out = tmp_path_factory.mktemp("page") / "out"
    return *made_of(home, PARAMS, out), out


def wrong_of(home):
    """The chosen model's mistakes as the file of predictions has them, the surest first."""
    rows, chosen = pd.read_parquet(home / "predictions.parquet"), read_json(home / "chosen.json")["name"]
    rows = rows[(rows["model"] == chosen) & (rows["severity"] == "light") & (rows["split"] != "validation")]
    return rows, rows[rows["true"] != rows["predicted"]].sort_values(["p", "key"], ascending=[False, True])


def test_every_mistake_of_both_test_splits_is_there_the_surest_first(home, made):
    numbers, page, _ = made
    rows, wrong = wrong_of(home)
    assert len(wrong) > 2 and set(wrong["split"]) <= {"test_seen", "test_unseen"}
    for column in ("key", "split", "true", "predicted"):
        assert [one[column] for one in numbers["mistakes"]] == wrong[column].tolist()
    assert [one["p"] for one in numbers["mistakes"]] == pytest.approx(wrong["p"].tolist(), abs=1e-4)
    for split, of in numbers["splits"].items():
        assert of == {"crops": (rows["split"] == split).sum(), "mistakes": (wrong["split"] == split).sum()}
    cards = CARD.findall(page)
    assert [re.search(r'id="m-(\w+)"', card)[1] for card in cards] == [key[:16] for key in wrong["key"]]
    assert max(len(card.encode()) for card in cards) < 2000


def test_the_numbers_are_those_of_the_maps_of_the_wrong_label(home, made):
    numbers, page, _ = made
    _, wrong = wrong_of(home)
    params = PARAMS.model_copy(update={"attribution": quick(PARAMS)})
    chosen = read_json(home / "chosen.json")
    options = {"table": home / "table", "model_folder": home / chosen["path"], "temperature": chosen["temperature"]}
    labels = wrong["predicted"].tolist()
    explained = explain_crops(params, wrong["key"].tolist(), severity="light", labels=labels, **options)
    found, randomisation = explained.attribution, explained.randomisation
    gains = {method: found.curves[method].deletion_gain.tolist() for method in METHODS}
    for row, one in enumerate(numbers["mistakes"]):
        for method in METHODS:
            own = area(found.curves[method].insertion[row : row + 1]).item()
            assert one["areas"][method]["insertion"] == pytest.approx(own, abs=1e-4)
            gain = one["areas"]["random"]["deletion"] - one["areas"][method]["deletion"]
            assert gain == pytest.approx(gains[method][row], abs=2e-4)
        assert one["completeness_error"] == pytest.approx(found.completeness_error[row], abs=1e-4)
    for method in METHODS:
        mean = numbers["methods"][method]
        assert mean["n"] == len(wrong)
        assert mean["deletion_gain"] == pytest.approx(np.mean(gains[method]), abs=2e-4)
    assert f"{numbers['methods'][METHODS[0]]['deletion_gain']:+.3f}".replace("-", "−") in page
    errors = [one["completeness_error"] for one in numbers["mistakes"]]
    assert numbers["completeness_error"] == {
        "n": len(errors), "mean": pytest.approx(np.mean(errors), abs=1e-4),
        "median": pytest.approx(np.median(errors), abs=1e-4),
    }  # fmt: skip
    assert [row["layer"] for row in numbers["randomisation"]] == list(randomisation[METHODS[0]])
    for row in numbers["randomisation"]:
        for method in METHODS:
            assert row[method] == pytest.approx(randomisation[method][row["layer"]], abs=1e-4)


def test_a_sheet_shows_the_crop_as_tested_and_its_maps(home, made):
    numbers, page, out = made
    first = numbers["mistakes"][0]
    places = [(int(x), int(y)) for x, y in re.findall(r"--x:(\d+);--y:(\d+)", CARD.findall(page)[0])]
    assert len(places) == 1 + 2 * len(METHODS)
    sheet = np.asarray(Image.open(out / "sprites" / "mistakes-0.png").convert("RGB")).astype(int)
    pixels, _ = read_images(home / "table", keys=[first["key"]])
    clean = torch.from_numpy(pixels)[:, None].float() / 255
    image = degrade(clean, seeds_of([first["key"]], 0), SEVERITIES["light"])[0]
    expected = (image[0] * 255).round().int().numpy()
    (x, y), (height, width) = places[0], expected.shape
    assert np.abs(sheet[y : y + height, x : x + width] - expected[..., None]).mean() < 12
    params = PARAMS.model_copy(update={"attribution": quick(PARAMS)})
    options = {"table": home / "table", "model_folder": home / read_json(home / "chosen.json")["path"]}
    of_wrong, of_right = (
        explain_crops(params, [first["key"]], severity="light", labels=[first[name]], **options)
        for name in ("predicted", "true")
    )
    last = numbers["randomisation"][0]
    passing_first = sorted(METHODS, key=lambda method: last[method] >= 0.5)
    for found, shown in ((of_wrong, places[1:4]), (of_right, places[4:])):
        for method, (x, y) in zip(passing_first, shown, strict=True):
            laid = overlay(image, found.attribution.maps[method][0]).astype(int)
            assert np.abs(sheet[y : y + height, x : x + width] - laid).mean() < 12


def test_some_mistakes_of_each_pair_are_attributed_and_all_are_shown(home, made, tmp_path):
    every, whole, _ = made
    pairs = pd.DataFrame(every["mistakes"]).groupby(["true", "predicted"]).head(1)["key"].tolist()
    assert 1 < len(pairs) < len(every["mistakes"])
    params = toy_params(report=PARAMS.report.model_dump() | {"attributed": len(pairs)})
    numbers, page = made_of(home, params, tmp_path / "out")
    known = {one["key"]: one for one in every["mistakes"]}
    assert [one["key"] for one in numbers["mistakes"]] == list(known)
    # A map of fewer pictures in a batch differs in rounding.
    found = [one for one in numbers["mistakes"] if one["areas"]]
    assert [one["key"] for one in found] == pairs
    assert numbers["methods"][METHODS[0]]["n"] == numbers["completeness_error"]["n"] == len(pairs)
    for one in found:
        for method in METHODS:
            assert one["areas"][method] == pytest.approx(known[one["key"]]["areas"][method], abs=2e-3)
    pictures = [card.count("<img") for card in CARD.findall(page)]
    assert pictures == [1 + 2 * len(METHODS) if key in pairs else 1 for key in known]
    assert f"{len(pairs)} of them have their attribution" in page and "unfont report --full" in page
    assert "unfont report --full" not in whole


def test_many_mistakes_are_spread_over_sheets(home, made, tmp_path, monkeypatch):
    numbers, _, _ = made
    monkeypatch.setattr("tasks.report.mistakes.SHEET", 3)
    _, page = made_of(home, PARAMS, tmp_path / "out")
    sheets = [re.search(r"mistakes-(\d+).png", card)[1] for card in CARD.findall(page)]
    assert sheets == [str(place // 3) for place in range(len(numbers["mistakes"]))]
    assert {file.stem for file in (tmp_path / "out" / "sprites").iterdir()} == {f"mistakes-{n}" for n in set(sheets)}


def test_a_model_without_mistakes_has_a_page_that_says_so(home, tmp_path):
    (tmp_path / "home").mkdir()
    for part in home.iterdir():
        (tmp_path / "home" / part.name).symlink_to(part)
    rows = pd.read_parquet(home / "predictions.parquet")
    (tmp_path / "home" / "predictions.parquet").unlink()
    rows.assign(predicted=rows["true"]).to_parquet(tmp_path / "home" / "predictions.parquet")
    numbers, page = made_of(tmp_path / "home", PARAMS, tmp_path / "out")
    assert "There is no mistake." in page and "<form" not in page
    assert numbers["mistakes"] == [] and numbers["completeness_error"] is None
    assert not (tmp_path / "out" / "sprites").exists()


def test_long_and_hostile_labels_are_cut_and_escaped(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.toyrounds.STYLES", [EVIL, EVIL, EVIL])
    labels = sorted(["Latn", EVIL, "Zxxx"])
    numbers, page = made_of(make_mined_home(tmp_path, params=PARAMS, labels=labels), PARAMS, tmp_path / "out")
    assert EVIL in {one["predicted"] for one in numbers["mistakes"]}  # whole beside the page
    assert page.count("<script") == 1 and "x" * 61 not in page
    assert html.escape(EVIL[:40]).replace("&quot;", "&#34;") in page


def test_an_answer_that_no_crop_of_the_table_has_is_explained(home, tmp_path):
    """The model knows Cyrl; the table's Cyrl crops are all called Latn."""
    evidence = read_evidence(PARAMS, home=home, fonts=home / "fonts.parquet")
    target = PARAMS.labels.target
    for rows in evidence.tests.values():
        rows["true"] = rows["true"].replace("Cyrl", "Latn")
        rows[target] = rows["true"]
    site = Site(folder=tmp_path / "out", problem="scripts", target=target, links=[])
    write_mistakes(site, evidence)
    numbers = read_json(tmp_path / "out" / "mistakes.json")
    assert "Cyrl" in {one["predicted"] for one in numbers["mistakes"]}
    assert "Cyrl" not in {one["true"] for one in numbers["mistakes"]}


def test_the_page_is_part_of_the_report_and_linked(reported):
    index = (reported / "report" / "index.html").read_text(encoding="utf-8")
    assert '<a href="mistakes.html">Mistakes</a>' in index
    assert (reported / "report" / "mistakes.js").is_file()
