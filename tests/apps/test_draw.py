"""`unfont draw` through the command: on the project's model, on networks of the user's own, and on wrong input."""

import json
import re
import shutil
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from tasks.crop_table.shards import read_images
from tasks.train.weights import load_model, save_model
from tests.command import status_of
from tests.conftest import ROOT
from tests.toyhome import make_toy_home, toy_params

PARAMS = toy_params()
HOSTILE = '"><script>alert(1)</script>' + "x" * 10_000
NETWORKS = """
import torch
from torch import nn
from torch.nn import functional

def small(channels=1, inplace=False):
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU(inplace), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, padding=1),
        nn.ReLU(inplace), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(6, 3),
    )

def colour():
    return small(3)

def in_place():
    return small(inplace=True)

def dense():
    return nn.Sequential(nn.Flatten(), nn.Linear(12 * 16, 8), nn.ReLU(), nn.Linear(8, 3))

def wide():
    return nn.Sequential(nn.Conv2d(1, 2, 33, padding=16), nn.ReLU())

def any_channels():
    return nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU())

def dead():
    network = small()
    nn.init.constant_(network[3].bias, -100)
    return network

class Functional(nn.Module):
    def __init__(self, bias=0.0):
        super().__init__()
        self.conv, self.after, self.head = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3), nn.Linear(4, 2)
        nn.init.constant_(self.conv.bias, bias)

    def forward(self, images):
        return self.head(functional.relu(self.after(functional.relu(self.conv(images)))).mean((2, 3)))

class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two, self.relu = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 6, 3), nn.ReLU()

    def forward(self, images):
        return self.relu(self.two(self.relu(self.one(images))))

class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(16, 5, batch_first=True)

    def forward(self, images):
        return self.lstm(images[:, 0])[0]

class Constant(nn.Module):
    def __init__(self):
        super().__init__()
        self.choice = Choice()

    def forward(self, images):
        return self.choice(images)

class Choice(nn.Module):
    def forward(self, images):
        return (images > 0.5).flatten(1).float()

class FunctionalDead(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.pool = nn.Conv2d(1, 4, 3), nn.MaxPool2d(2)
        nn.init.constant_(self.conv.bias, -100)

    def forward(self, images):
        return self.pool(functional.relu(self.conv(images)))

functional_dead = FunctionalDead

def never_positive():
    return nn.Sequential(nn.Flatten(), nn.Linear(12 * 16, 8), nn.LogSoftmax(dim=1))

ready = small()
three = 3

def nothing():
    return None

def broken():
    raise RuntimeError("no weights\\nfor you")
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project's folder with a chosen model, networks of the user's own, and 12 grey pictures of 12×16 pixels."""
    folder = tmp_path_factory.mktemp("draw")
    make_toy_home(folder / "made", params=PARAMS)
    (folder / PARAMS.home.parent).mkdir()
    (folder / "made/home").rename(folder / PARAMS.home)
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS.model_dump()), encoding="utf-8")
    (folder / "drawn_networks.py").write_text(NETWORKS, encoding="utf-8")
    (folder / "drawn_broken.py").write_text("import torch\n1 / 0\n", encoding="utf-8")
    (folder / "drawn_lacking.py").write_text("import no_such_package\n", encoding="utf-8")
    pictures(folder / "grey")
    return folder


@pytest.fixture(autouse=True)
def stand(project, monkeypatch):
    """In the project; what a call puts on Python's path is off it again."""
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "path", list(sys.path))


def pictures(folder, *, count=12, size=(12, 16), colour=False):
    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        pixels = np.full((*size, 3), 240, np.uint8)
        row, column = rng.integers(0, 8, 2)
        pixels[row : row + 4, column : column + 6] = rng.integers(0, 100, 3 if colour else 1)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")


def own(name, *arguments, images="grey", module="drawn_networks"):
    return *arguments, "--network", f"{module}:{name}", "--images", str(images), "--steps", "6"


def run(monkeypatch, capsys, tmp_path, *arguments):
    """(status, what it printed, what it complained of, the page or None)."""
    out = tmp_path / "page.html"
    out.unlink(missing_ok=True)
    status = status_of(monkeypatch, "draw", *arguments, "--out", str(out))
    said = capsys.readouterr()
    page = out.read_text(encoding="utf-8") if out.exists() else None
    return status, said.out, said.err, page


@pytest.fixture
def draw(monkeypatch, capsys, tmp_path):
    def drawn(*arguments):
        status, out, err, page = run(monkeypatch, capsys, tmp_path, *arguments)
        assert status == 0, err
        check_page(page)
        return out, err, page

    return drawn


@pytest.fixture
def refused(monkeypatch, capsys, tmp_path):
    def line(*arguments):
        status, out, err, page = run(monkeypatch, capsys, tmp_path, *arguments)
        assert (status, out, page) == (2, "", None), err
        assert err.startswith("unfont: ") and err.count("\n") == 1 and len(err) < 1000
        return err

    return line


class Seen(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.addresses = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]


def check_page(page):
    seen = Seen()
    seen.feed(page)
    assert "script" not in seen.tags
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in seen.addresses)
    for unit in page.split('<section class="unit"')[1:]:  # a real image beside every synthetic one
        assert "image by" not in unit or 'alt="Top-activating 1' in unit or 'alt="Least-activating 1' in unit


def plain_pass(network, images, layer):
    with torch.no_grad():
        for name, module in network.named_children():
            images = module(images)
            if name == layer:
                return images
    raise AssertionError(layer)


def made(name):
    return getattr(sys.modules["drawn_networks"], name)


def seeded(make):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make()


def as_tensor(folder, mode="L"):
    files = sorted(folder.glob("*.png"))
    arrays = [np.asarray(Image.open(file).convert(mode), dtype=np.float32) / 255 for file in files]
    images = torch.from_numpy(np.stack(arrays))
    return images[:, None] if mode == "L" else images.permute(0, 3, 1, 2)


# the project's model


def test_units_of_the_champion_are_shown_validation_crops(draw, project):
    out, err, page = draw("backbone.1", "0", "3", "--format", "json")
    numbers = json.loads(out)
    network, _ = load_model(
        project / PARAMS.home / json.loads((project / PARAMS.home / "chosen.json").read_text())["path"]
    )
    images, rows = read_images(project / PARAMS.home / "table", ["validation"])
    with torch.no_grad():
        peaks = network.backbone(network.standardise(torch.from_numpy(images)[:, None].float() / 255)).amax((2, 3))
    assert numbers["images"] == len(rows) and [unit["unit"] for unit in numbers["units"]] == [0, 3]
    for unit in numbers["units"]:
        wanted = peaks[:, unit["unit"]]
        assert unit["max"] == pytest.approx(float(wanted.max()), abs=1e-3)
        assert unit["active"] == pytest.approx(float((wanted > 0).float().mean()), abs=1e-3)
        lowest = wanted.sort().values[:3].tolist()
        assert [crop["strength"] for crop in unit["weakest"]] == pytest.approx(lowest, abs=1e-3)
        assert set(unit["optimised"]) == {"norm", "decay", "blur", "contribution"}
    assert err.startswith("page: ")
    assert page.count('<section class="unit"') == 2


def test_a_line_a_unit_says_what_was_reached(draw):
    out, _, _ = draw("target_head", "0", "2", "--model", "erm", "--steps", "6")
    head, *lines = out.splitlines()
    assert head.split() == ["unit", "max", "images", "active", "norm", "decay", "blur", "contribution", "start"]
    assert [line.split()[:2] for line in lines] == [["0", "Cyrl"], ["2", "Zxxx"]]


def test_a_label_names_its_unit(draw, refused):
    out, _, page = draw("target_head", "--label", "Latn", "--format", "json")
    (unit,) = json.loads(out)["units"]
    assert (unit["unit"], unit["label"]) == (1, "Latn")
    assert ">Latn<" in page
    said = refused("target_head", "--label", HOSTILE)
    assert "the model knows no label" in said and "Cyrl, Latn, Zxxx" in said
    assert "have no labels" in refused("backbone.0", "--label", "Latn")


def test_a_label_of_any_kind_is_shown_as_text(draw, project):
    network, card = load_model(project / PARAMS.home / "rounds" / "0")
    save_model(project / "hostile", network, {**card, "labels": [HOSTILE, "Latn", "Zxxx"]})
    out, _, page = draw("target_head", "0", "--model", "hostile")
    assert max(map(len, out.splitlines())) < 200
    assert "&lt;script&gt;" in page and "x" * 100 not in page


def test_the_same_seed_gives_the_same_page_and_another_seed_another(draw):
    pages = [draw("backbone.0", "1", "--seed", seed)[2] for seed in ("1", "1", "2")]
    assert pages[0] == pages[1] != pages[2]


def test_steps_are_a_number_the_papers_or_those_of_params(draw):
    lengths = {}
    for steps in (None, "3", "paper"):
        out, _, _ = draw("backbone.0", "1", "--format", "json", *(["--steps", steps] if steps else []))
        lengths[steps] = [one["steps"] for one in json.loads(out)["settings"].values()]
    assert lengths == {None: [8] * 4, "3": [3] * 4, "paper": [500, 750, 1000, 1000]}


def test_a_search_shows_every_setting_the_best_four_first(draw):
    out, _, page = draw("backbone.1", "2", "--search", "9", "--steps", "6", "--format", "json")
    tried = json.loads(out)["search"]
    assert [one["best"] for one in tried] == [True] * 4 + [False] * 5
    ranks = [one["mean_rank"] for one in tried[4:]]
    assert ranks == sorted(ranks)
    sheet = page.split('id="search"')[1]
    assert sheet.count("<li") == 9 and sheet.index('id="best"') < sheet.index('id="all"')
    table, _, _ = draw("backbone.1", "2", "--search", "9", "--steps", "6")
    assert [line.split()[1] for line in table.splitlines() if line.startswith("best ")] == ["1", "2", "3", "4"]


def test_without_a_layer_all_are_listed(monkeypatch, capsys, tmp_path):
    status, out, _, page = run(monkeypatch, capsys, tmp_path)
    lines = [line.split() for line in out.splitlines()]
    assert status == 0 and page is None
    assert lines[1:5] == [["backbone.0", "4"], ["backbone.1", "6"], ["embedding", "8"], ["target_head", "3"]]
    assert ["backbone.0.conv"] in lines


def test_own_pictures_are_fitted_into_a_models_crops(draw):
    out, _, _ = draw("backbone.0", "1", "--images", "grey", "--format", "json")
    numbers = json.loads(out)
    assert (numbers["image"], numbers["images"]) == ([16, 64], 12)


# networks of the user's own


def test_an_own_network_is_shown_the_folders_pictures(draw, project):
    out, _, _ = draw(*own("small", "4", "0", "5"), "--format", "json")
    numbers = json.loads(out)
    peaks = plain_pass(seeded(made("small")), as_tensor(project / "grey"), "4").amax((2, 3))
    names = [f"{number:02}.png" for number in range(12)]
    assert (numbers["channels"], numbers["image"], numbers["grid"]) == (1, [12, 16], [6, 8])
    for unit in numbers["units"]:
        wanted = peaks[:, unit["unit"]].tolist()
        assert unit["max"] == pytest.approx(max(wanted), abs=1e-4)
        by = dict(zip(names, wanted, strict=True))
        assert [crop["strength"] for crop in unit["crops"]] == pytest.approx(
            [by[crop["key"]] for crop in unit["crops"]], abs=1e-4
        )


def test_the_canvas_reaches_as_far_as_the_pictures(draw, project):
    out, _, _ = draw(*own("small", "1", "0"), "--format", "json")
    pixels = as_tensor(project / "grey").numpy()
    low, high = np.quantile(pixels, [0.005, 0.995])
    wanted = {"low": low, "high": high, "neutral": pixels.mean()}
    assert json.loads(out)["canvas"] == pytest.approx(wanted, abs=1e-4)


def test_grey_pictures_are_shown_in_one_channel_where_the_network_takes_any(draw):
    assert json.loads(draw(*own("any_channels", "1", "0"), "--format", "json")[0])["channels"] == 1


def test_folders_are_labels_and_a_ready_network_needs_no_call(draw, project, tmp_path):
    for name in ("b", "a"):
        pictures(tmp_path / name, count=3)
    (tmp_path / "notes.txt").write_text("no picture")
    out, _, _ = draw(*own("ready", "1", "0", images=tmp_path), "--format", "json")
    (unit,) = json.loads(out)["units"]
    assert json.loads(out)["images"] == 6
    assert dict(unit["labels"]).keys() <= {"a", "b"} and all("/" in crop["key"] for crop in unit["weakest"])


def test_colour_is_shown_in_three_channels(draw, project, tmp_path):
    pictures(tmp_path / "colour", colour=True)
    out, err, _ = draw(*own("colour", "1", "0", images=tmp_path / "colour"), "--format", "json")
    peaks = plain_pass(seeded(made("colour")), as_tensor(tmp_path / "colour", "RGB"), "1").amax((2, 3))
    assert json.loads(out)["units"][0]["max"] == pytest.approx(float(peaks[:, 0].max()), abs=1e-4)
    assert "note:" not in err


def test_a_grey_network_sees_coloured_pictures_in_grey_and_says_so(draw, tmp_path):
    pictures(tmp_path / "colour", colour=True)
    out, err, page = draw(*own("small", "1", "0", images=tmp_path / "colour"), "--format", "json")
    assert json.loads(out)["channels"] == 1
    assert "it got them in grey" in err and "it got them in grey" in page


def test_a_colour_network_sees_grey_pictures_in_three_channels_and_says_so(draw, project):
    out, err, page = draw(*own("colour", "1", "0"), "--format", "json")
    peaks = plain_pass(seeded(made("colour")), as_tensor(project / "grey", "RGB"), "1").amax((2, 3))
    assert json.loads(out)["units"][0]["max"] == pytest.approx(float(peaks[:, 0].max()), abs=1e-4)
    assert "all three are the same" in err and "all three are the same" in page


def test_a_network_without_convolutions_sees_whole_images(draw):
    out, _, page = draw(*own("dense", "2", *"01234567"), "--format", "json")
    numbers = json.loads(out)
    assert (numbers["grid"], numbers["field"]) == ([1, 1], [12, 16])
    assert "A unit depends on the whole image." in page and "<i style" not in page
    assert sum(unit["max"] > 0 for unit in numbers["units"]) > 2


def test_a_map_of_which_each_position_sees_the_whole_image_has_no_boxes(draw):
    out, _, page = draw(*own("wide", "1", "0", "1"), "--format", "json")
    numbers = json.loads(out)
    assert (numbers["grid"], numbers["field"]) == ([12, 16], [12, 16])
    assert "A unit depends on the whole image." in page and "<i style" not in page
    assert "<i style" in draw(*own("small", "1", "0", "1"))[2]


def test_relus_in_place_change_nothing(draw):
    plain, working = (
        json.loads(draw(*own(name, "4", "0", "1", "2"), "--format", "json")[0]) for name in ("small", "in_place")
    )
    assert plain["units"] == working["units"] and working["refused"] is None


def test_a_shared_relu_is_taken_at_its_first_place_and_that_is_said(draw, project):
    out, err, page = draw(*own("Shared", "relu", "0", "1"), "--format", "json")
    network = seeded(made("Shared"))
    with torch.no_grad():
        peaks = network.one(as_tensor(project / "grey")).relu().amax((0, 2, 3))
    assert [unit["max"] for unit in json.loads(out)["units"]] == pytest.approx(peaks[:2].tolist(), abs=1e-4)
    assert "runs 2 times" in err and "runs 2 times" in page


def test_without_a_deconvnet_the_gradient_stands_there_with_the_reason(draw):
    out, err, page = draw(*own("Functional", "head", "0", "1"), "--format", "json")
    assert "calls a ReLU as a function" in json.loads(out)["refused"]
    assert "calls a ReLU as a function" in err
    assert "There is no deconvnet and no guided backpropagation here, only the plain gradient" in page
    assert "<figcaption>deconvnet" not in page
    live = [unit for unit in json.loads(out)["units"] if unit["max"] > 0]
    assert page.count("<figcaption>gradient") == sum(unit["attributions"] for unit in live)


def test_a_dead_layer_is_told(draw):
    out, err, page = draw(*own("dead", "4", "0", "1"))
    assert [line.split()[:3] for line in out.splitlines()[1:]] == [["0", "0", "0%"], ["1", "0", "0%"]]
    assert "No unit of layer 4 is above zero on any of 12 images" in err
    assert page.count(">dead<") == 2 and page.count("No image activates it.") == 2


def test_a_dead_layer_behind_a_functional_relu_is_told(draw):
    out, err, page = draw(*own("functional_dead", "pool", "0"))
    assert out.splitlines()[1].split()[:3] == ["0", "0", "0%"]
    assert "No unit of layer pool is above zero" in err and ">dead<" in page


def test_a_unit_that_is_never_above_zero_still_has_its_top_images(draw, project):
    out, _, page = draw(*own("never_positive", "2", "0"), "--format", "json")
    (unit,) = json.loads(out)["units"]
    assert unit["state"] == "never above zero" and unit["max"] < 0 and len(unit["crops"]) == 3
    assert "never above zero" in page


def test_a_files_name_is_shown_as_text(draw, tmp_path):
    folder = tmp_path / "pictures"
    pictures(folder, count=3)
    deep = folder / ("<b>" + "d" * 200)
    deep.mkdir()
    (folder / "00.png").rename(deep / ('"onerror="alert(1)' + "n" * 200 + ".png"))
    _, _, page = draw(*own("small", "1", "0", images=folder))
    assert "&lt;b&gt;ddd" in page and "d" * 61 not in page


def test_the_worked_example_of_the_guide(draw, monkeypatch, tmp_path):
    guide = (ROOT / "docs" / "how-to" / "own-network.md").read_text(encoding="utf-8")
    network, boxes, from_python = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    shutil.copy("params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edges.py").write_text(network)
    exec(boxes, {})
    out, _, _ = draw("1", "0", "1", "--network", "edges:make", "--images", "boxes")
    printed = re.search(r"```text\n(.*?)```", guide, re.DOTALL)[1]
    # Units, max and fraction of images are exact; activations may differ in the last digit between machines.
    assert [line.split()[:3] for line in out.splitlines()] == [line.split()[:3] for line in printed.splitlines()]
    found = {}
    exec(from_python, found)
    assert found["maximised"].best.shape == (8, 1, 3, 3)
    filters = found["attributions"].amax((2, 3)) / found["summary"].strength[:, :1]
    assert filters.flatten().tolist() == pytest.approx([1, 1], abs=1e-5)


# wrong input


def test_a_layer_that_is_not_there(refused):
    said = refused(*own("small", "9", "0"))
    assert "there is no layer '9'" in said
    assert "such as 1 (4 units), 4 (6 units), 7 (3 units); without a layer all are listed" in said
    assert "there is no layer" in refused(HOSTILE, "0")


def test_a_unit_that_is_not_there(refused):
    assert refused(*own("small", "4", "0", "6")) == "unfont: there is no unit 6 (layer 4): name units from 0 to 5\n"
    assert "no unit is named" in refused(*own("small", "4"))
    assert "201 units are named" in refused("backbone.0", *map(str, range(201)))


def test_a_layer_that_gives_no_map(refused):
    assert "layer 'lstm' gives tuple, not one tensor" in refused(*own("Recurrent", "lstm", "0"))


def test_a_layer_without_gradient(refused):
    assert "has no gradient to the pixels" in refused(*own("Constant", "choice", "0"))


def test_pictures_of_several_sizes(refused, tmp_path):
    pictures(tmp_path / "mixed", count=3)
    Image.new("L", (20, 10)).save(tmp_path / "mixed" / "odd.png")
    said = refused(*own("small", "1", "0", images=tmp_path / "mixed"))
    assert "2 sizes: 12×16 in 3 (00.png, 01.png, 02.png), 10×20 in 1 (odd.png)" in said


def test_a_picture_of_one_pixel(refused, tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    Image.new("L", (1, 1)).save(folder / "dot.png")
    assert "the picture has 1×1 pixels" in refused(*own("small", "1", "0", images=folder))


def test_a_picture_that_is_none(refused, tmp_path):
    pictures(tmp_path / "some", count=2)
    (tmp_path / "some" / "z.png").write_text("text")
    said = refused(*own("small", "1", "0", images=tmp_path / "some"))
    assert "this is no picture" in said and "z.png" in said


def test_no_pictures_and_no_folder(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "there are no pictures in this folder" in refused(*own("small", "1", "0", images=tmp_path / "empty"))
    for folder in ("nowhere", "params.yaml", HOSTILE):
        assert "there is no such folder" in refused(*own("small", "1", "0", images=folder))
    assert "needs real images" in refused("1", "0", "--network", "drawn_networks:small")


def test_pictures_of_a_size_that_the_network_does_not_take(refused, tmp_path):
    pictures(tmp_path / "large", count=2, size=(24, 24))
    assert "the network takes no 24×24 pictures" in refused(*own("dense", "2", "0", images=tmp_path / "large"))


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("no_such_module:make", "there is no module 'no_such_module'"),
        (
            "drawn_lacking:make",
            "importing 'drawn_lacking' failed: ModuleNotFoundError: No module named 'no_such_package'",
        ),
        ("drawn_broken:make", "importing 'drawn_broken' failed: ZeroDivisionError: division by zero"),
        ("drawn_networks.py:small", "leave out .py: --network drawn_networks:small"),
        ("drawn_networks", "this is no MODULE:CALLABLE"),
        ("drawn_networks:", "this is no MODULE:CALLABLE"),
        ("drawn_networks:absent", "there is no 'absent' in it"),
        ("drawn_networks:three", "'three' is int, not callable"),
        ("drawn_networks:nothing", "it returns None, not a torch.nn.Module"),
        ("drawn_networks:broken", "'broken()' failed: RuntimeError: no weights"),
        (HOSTILE + ":make", "there is no module"),
    ],
)
def test_a_network_that_cannot_be_made(refused, address, reason):
    assert reason in refused("1", "0", "--network", address, "--images", "grey")


def test_where_the_users_code_failed_is_told(refused):
    said = refused("1", "0", "--network", "drawn_broken:make", "--images", "grey")
    assert "drawn_broken.py line 2" in said


@pytest.mark.parametrize("steps", ["0", "-1", "many", "1.5", "", "100001", "9" * 5000])
def test_steps_that_are_none(refused, steps):
    assert "is no number of steps" in refused("backbone.0", "0", "--steps", steps)


def test_a_search_is_for_one_unit(refused):
    assert "a search is for one unit, and 2 are named" in refused("backbone.0", "0", "1", "--search", "9")
    assert "--search" in refused("backbone.0", "0", "--search", "0")


def test_options_that_exclude_each_other(refused):
    assert "two networks are named" in refused(*own("small", "1", "0"), "--model", "erm")
    assert "has no labels" in refused(*own("small", "1", "--label", "Latn"))
    assert "there is no model 'nobody'" in refused("backbone.0", "0", "--model", "nobody")


def test_a_page_is_an_html_file(monkeypatch, capsys, tmp_path, project):
    assert status_of(monkeypatch, "draw", "backbone.0", "0", "--out", str(tmp_path / "page.txt")) == 2
    assert "a page is an HTML file" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
