import re
import shutil

import pytest
import torch

from tasks.common.files import read_json, write_json
from tasks.crop_table.shards import read_images
from tasks.explain.compare import compare_models, seed_pairs
from tasks.explain.compare_numbers import numbers_of
from tasks.explain.redundancy import redundant_units
from tasks.explain.units import explain_units
from tasks.report.compare import compared_page, replica_folders, write_compared
from tasks.report.evidence import model_folders, read_evidence
from tasks.report.overview import links_of
from tasks.report.redundancy import write_redundancy
from tasks.report.site import Site, unit_page
from tasks.train.card import weights_of
from tasks.train.weights import load_model, save_model
from tests.toyhome import toy_params
from tests.toyrounds import make_mined_home

PARAMS = toy_params(compare=toy_params().compare.model_dump() | {"batch": 8, "pairs": 3, "top": 2})


def report_of(home, params=PARAMS):
    """The pages of comparing and pruning alone."""
    evidence = read_evidence(params, home=home, fonts=home / "fonts.parquet")
    network, card = load_model(evidence.chosen_folder)
    size = {name: card[name] for name in ("height", "width")}
    explained = explain_units(network, table=evidence.table, target=params.labels.target, **size, top=2, crops=100)
    links = links_of(evidence, explained)
    site = Site(folder=home / "report", problem=params.problem, target=params.labels.target, links=links)
    write_compared(site, evidence, explained)
    write_redundancy(site, evidence, explained)
    return site.folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(report, home); the chosen model has two units that are one, and one that is dead."""
    home = make_mined_home(tmp_path_factory.mktemp("compared"), params=PARAMS)
    chosen = read_json(home / "chosen.json")
    network, card = load_model(home / chosen["path"])
    with torch.no_grad():
        for values in (network.backbone[0].conv.weight, *network.backbone[0].norm.state_dict().values()):
            if values.dim():
                values[3] = values[1]
        network.embedding.norm.weight[2], network.embedding.norm.bias[2] = 0, -1
    save_model(home / chosen["path"], network, card)
    shas = {"weights": weights_of(home / chosen["path"])}
    write_json(home / "chosen.json", chosen | shas)
    return report_of(home), home


def text_of(report, name):
    return (report / f"{name}.html").read_text(encoding="utf-8")


def test_every_mode_stands_beside_the_baseline_and_round_0_beside_the_last(made):
    report, home = made
    pairs = read_json(report / "compared.json")["pairs"]
    assert [(one["first"], one["second"]) for one in pairs] == [
        ("erm", "conditional"),
        ("erm", "conditional+pairs"),
        ("round-0", "round-2"),
    ]
    for one in pairs:
        names = one["first"], one["second"]
        alone = numbers_of(compare_models(PARAMS, table=home / "table", models=model_folders(home), names=names))
        assert one == {name: alone[name] for name in one}
        page = read_json(report / f"{compared_page(names)}.json")
        assert alone == {name: page[name] for name in alone}
        assert f'href="{compared_page(names).replace("+", "%2B")}.html"' in text_of(report, "compared")


def test_a_pair_s_page_links_the_units_of_the_chosen_model_alone(made):
    report, home = made
    chosen = read_json(home / "chosen.json")["name"]
    shown = read_json(report / "compared-erm-conditional+pairs.json")["shown"]
    sides = [side for layer in shown for pair in layer["pairs"] for side in pair["sides"]]
    assert chosen == "conditional+pairs" and len(sides) == 2 * 3 * 4
    pages = ["layer-0-backbone.0", "layer-1-backbone.1", "layer-2-embedding", "layer-3-target_head"]
    wanted = [f"{unit_page(page, side['unit'])}.html" for page, layer in zip(pages, shown, strict=True)
              for pair in layer["pairs"] for side in pair["sides"] if side["name"] == chosen]  # fmt: skip
    text = text_of(report, "compared-erm-conditional+pairs")
    assert re.findall(r'<h5>[^<]*<a href="([^"]+)"', text) == wanted
    assert 'href="unit-' not in text_of(report, "compared-erm-conditional")


def test_a_pair_s_crops_are_cut_from_one_sheet(made):
    report, _ = made
    crops = text_of(report, "compared-erm-conditional").count('<img src="sprites/compared-erm-conditional.png"')
    shown = read_json(report / "compared-erm-conditional.json")["shown"]
    assert crops == sum(len(side["crops"]) for layer in shown for pair in layer["pairs"] for side in pair["sides"]) > 20
    assert "data:" not in text_of(report, "compared-erm-conditional")


def test_the_seeds_of_a_study_set_the_measure_in_the_report_too(made, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(made[1], home, ignore=shutil.ignore_patterns("report"))
    shutil.copytree(home / "rounds" / "1", home / "invariance" / "erm" / "study" / "seed-1")
    (home / "invariance" / "erm" / "study" / "seed-2").mkdir()  # not trained yet
    replicas = replica_folders(home)
    assert replicas == {"erm/seed-1": home / "invariance" / "erm" / "study" / "seed-1"}
    assert seed_pairs(("erm", "conditional"), model_folders(home), replicas) == [("erm", "erm/seed-1")]
    report_of(home)
    first, _, rounds = read_json(home / "report" / "compared.json")["pairs"]
    assert [(one["first"], one["second"]) for one in first["references"]] == [("erm", "erm/seed-1")]
    assert rounds["references"] == []
    assert "differ in their seed alone" in text_of(home / "report", "compared-erm-conditional")


def test_redundant_units_of_the_chosen_model(made):
    report, home = made
    name = read_json(home / "chosen.json")["name"]
    numbers = read_json(report / "redundancy.json")
    alone = redundant_units(PARAMS, table=home / "table", models={name: model_folders(home)[name]})[name]
    states = ("dead", "always_on")
    plain = [{key: of for key, of in layer.items() if key not in states} for layer in numbers["layers"]]
    assert plain == [{key: of for key, of in layer.items() if key not in states} for layer in alone["layers"]]
    assert all(alone[key] == numbers[key] for key in alone if key != "layers")
    # Which units are dead is said of the crops of the layers' own pages, clean ones of train and validation.
    images, _ = read_images(home / "table", ["train", "validation"])
    with torch.inference_mode():
        network, _ = load_model(model_folders(home)[name])
        above = (network.embed(torch.from_numpy(images)[:, None].float() / 255) > 0).double().mean(0).tolist()
    assert numbers["layers"][-1]["dead"] == [unit for unit, share in enumerate(above) if share == 0]
    assert numbers["layers"][-1]["always_on"] == [unit for unit, share in enumerate(above) if share >= 0.99]
    text = text_of(report, "redundancy")
    first, *_, last = numbers["layers"]
    assert [1, 3, 1.0] in first["near_duplicates"] and 2 in last["dead"]
    link = '<a href="unit-0-{0}.html">{0}</a>'
    assert f"{link.format(1)} and {link.format(3)} " in text
    assert "<dt>Dead</dt><dd>" in text and '<a href="unit-2-2.html">2</a>' in text


def test_one_model_alone_is_compared_with_none(tmp_path):
    params = PARAMS.model_copy(
        update={"rounds": {}, "invariance": PARAMS.invariance.model_copy(update={"modes": ["erm"]})}
    )
    home = make_mined_home(tmp_path, params=params)
    report_of(home, params)
    assert read_json(home / "report" / "compared.json") == {"pairs": []}
    assert "nothing to compare" in text_of(home / "report", "compared")


def test_matched_units_have_an_optimised_image_each_beside_the_other(made):
    report, _ = made
    numbers, page = read_json(report / "compared-round-0-round-2.json"), text_of(report, "compared-round-0-round-2")
    sides = [(side["unit"], side["name"]) for of in numbers["shown"] for pair in of["pairs"] for side in pair["sides"]]
    alive = [side["crops"] for of in numbers["shown"] for pair in of["pairs"] for side in pair["sides"]]
    shown = re.findall(r"an image optimised for unit (\d+) of ([\w-]+)", page)
    assert {(int(unit), name) for unit, name in shown} <= {side for side, own in zip(sides, alive, strict=True) if own}
    assert len(shown) >= 0.8 * sum(map(bool, alive)) > 0  # no gradient may reach one or another
