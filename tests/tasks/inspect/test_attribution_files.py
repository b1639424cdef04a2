"""Picture files are explained in one window each, with the predictions of `unfont predict`."""

import numpy as np
import pytest
from PIL import Image

from models.explain.hooks import layers_of
from tasks.crop_table.png import encode_png
from tasks.crop_table.shards import read_images
from tasks.explain.attribution_maps import METHODS
from tasks.explain.attribution_page import write_attribution_page
from tasks.inspect.attribution_files import explain_files
from tasks.inspect.attribution_text import format_attribution, numbers_of
from tasks.predict.predict import predict_files
from tasks.predict.torch_model import TorchModel
from tasks.train.weights import load_model, save_model
from tests.toyhome import make_toy_home, toy_params
from tests.unfont.drawing import word
from unfont.reading import read

PARAMS = toy_params()
PARAMS = toy_params(attribution=PARAMS.attribution.model_dump() | {"steps": 4, "parts": 4, "randomised": 1})


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return make_toy_home(tmp_path_factory.mktemp("attribution"), params=PARAMS)


@pytest.fixture(scope="module")
def model(home):
    return home / "rounds" / "0"


@pytest.fixture(scope="module")
def found(home, model, tmp_path_factory):
    """A crop, a line and a word as files, and one file that is none."""
    folder = tmp_path_factory.mktemp("files")
    files = [folder / name for name in ("crop.png", "line.png", "word.png", "notes.png")]
    files[0].write_bytes(encode_png(read_images(home / "table", ["test_unseen"])[0][0]))
    Image.fromarray(word("the quick brown fox")).save(files[1])
    Image.fromarray(word("if")).save(files[2])
    files[3].write_text("no picture")
    return files, *explain_files(PARAMS, files, model_folder=model, temperature=2.0)


def test_predictions_are_those_of_predict_and_every_other_file_has_an_error(found, model):
    files, explained, problems = found
    records, _ = predict_files(files, model=TorchModel.of_folder(model, temperature=2.0))
    assert explained.names == [str(file) for file in files[:3]]
    assert explained.predictions == [{name: of for name, of in record.items() if name != "file"} for record in records]
    assert explained.labels == [record["script"] for record in records]
    (problem,) = problems
    assert str(problem) == f"this is no picture ({files[3]}): give PNG, JPEG, PGM, TIFF, WebP or BMP"


def test_each_step_is_told(found, model):
    files, _, _ = found
    steps = []
    explain_files(PARAMS, files[:2], model_folder=model, progress=steps.append)
    assert steps[0] == "predictions for 2 pictures"
    assert [step.partition(" of ")[0] for step in steps[1:5]] == [
        *METHODS[-1:],
        *METHODS[:-1],
        "insertion and deletion",
    ]
    assert [step.partition(" of ")[0] for step in steps[5:]] == [f"weight randomisation, {name}" for name in METHODS]


def test_no_readable_file_is_no_explanation(model, tmp_path):
    explained, problems = explain_files(PARAMS, [tmp_path / "none.png"], model_folder=model)
    assert explained is None and len(problems) == 1


def test_of_a_line_the_window_with_the_clearest_prediction_is_shown(found, model):
    _, explained, _ = found
    warm = TorchModel.of_folder(model, temperature=2.0)
    windows = read(word("the quick brown fox"), height=16, width=64, scales=(1.0,)).windows
    label = warm.labels.index(explained.labels[1])
    of_label = [warm.probabilities(window[None])[0, label] for window in windows]
    best = int(np.argmax(of_label))
    assert explained.windows == [(1, 1), (best + 1, len(windows)), (1, 1)] and len(windows) > 2
    np.testing.assert_allclose(explained.images[1, 0], windows[best] / 255, atol=1e-6)


def test_a_model_without_the_label_of_no_text_is_shown_whole_pictures(found, model, tmp_path):
    network, card = load_model(model)
    save_model(tmp_path / "model", network, {**card, "labels": ["Cyrl", "Grek", "Latn"]})
    explained, _ = explain_files(PARAMS, found[0][1:2], model_folder=tmp_path / "model")
    assert explained.windows == [(1, 1)]


def test_the_same_files_give_the_same_numbers_and_no_hook_stays(found, model):
    files, explained, _ = found
    again, _ = explain_files(PARAMS, files, model_folder=model, temperature=2.0)
    assert numbers_of(again) == numbers_of(explained)


def test_the_text_has_a_line_a_picture_and_what_the_checks_say(found):
    files, explained, _ = found
    numbers = numbers_of(explained)
    layers = ["target_head", "embedding.linear", "backbone.1.conv"]
    for method in METHODS:
        assert list(numbers["randomisation"][method])[:3] == layers
        assert numbers["pictures"][0]["methods"][method]["deletion_gain"] == pytest.approx(
            explained.attribution.curves[method].deletion_gain[0].item(), abs=1e-6
        )
    lines = format_attribution(numbers).splitlines()
    assert [line.split()[0] for line in lines[1:4]] == [str(file) for file in files[:3]]
    assert lines[1].endswith(f"{100 * numbers['pictures'][0]['completeness_error']:.1f}%")
    number, of = explained.windows[1]
    assert "window" in lines[0] and f" {number} of {of} " in lines[2] and " 1 of 1 " in lines[1]
    single = format_attribution({**numbers, "pictures": numbers["pictures"][:1]})
    assert "window" not in single.splitlines()[0]


def test_the_page_says_which_window_it_shows(found, model, tmp_path):
    _, explained, _ = found
    options = {"settings": PARAMS.attribution, "model": "erm", "weights": "a" * 64}
    network, _ = load_model(model)
    write_attribution_page(tmp_path / "a.html", explained, network, numbers=numbers_of(explained), **options)
    crop, line, _ = (tmp_path / "a.html").read_text(encoding="utf-8").split('<section class="picture"')[1:]
    number, of = explained.windows[1]
    assert f"<figcaption>window {number} of {of}</figcaption>" in line and "combines all windows" in line
    assert "<figcaption>input</figcaption>" in crop and "window" not in crop
    maps = [
        f"The maps of {units} units of {layer}" for layer, units in layers_of(network, explained.images[:1]).items()
    ]
    assert len(maps) == 4 and all(text in card for card in (crop, line) for text in maps)


def test_the_page_says_of_a_mixed_and_turned_picture_what_it_is(found, model, tmp_path):
    _, explained, _ = found
    numbers = numbers_of(explained)
    shares = {"shares": {"Latn": 0.625, "Cyrl": 0.375}, "turned": 180, "script": "mixed", "p": 0.9}
    numbers["pictures"][0]["prediction"] |= shares
    options = {"settings": PARAMS.attribution, "model": "erm", "weights": "a" * 64}
    write_attribution_page(tmp_path / "a.html", explained, load_model(model)[0], numbers=numbers, **options)
    mixed, line, _ = (tmp_path / "a.html").read_text(encoding="utf-8").split('<section class="picture"')[1:]
    assert "mixed</strong> 0.900: Latn in 62%, Cyrl in 38% of the sure windows" in mixed
    assert "turned by 180 degrees" in mixed and "turned by" not in line and "mixed" not in line


def test_a_picture_is_explained_turned_as_it_was_read(found, model, tmp_path, monkeypatch):
    files, explained, _ = found
    record = predict_files(files[1:2], model=TorchModel.of_folder(model, temperature=2.0))[0][0]
    Image.fromarray(np.rot90(word("the quick brown fox"), 2)).save(tmp_path / "over.png")
    over = record | {"file": str(tmp_path / "over.png"), "turned": 180}
    monkeypatch.setattr("tasks.inspect.attribution_files.predict_files", lambda *_, **__: ([over], []))
    turned, _ = explain_files(PARAMS, [tmp_path / "over.png"], model_folder=model, temperature=2.0)
    assert turned.windows == explained.windows[1:2]
    np.testing.assert_array_equal(turned.images[0], explained.images[1])
