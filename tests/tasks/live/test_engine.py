import io

import numpy as np
import pytest
import torch
from PIL import Image

from tasks.live.engine import Engine
from tasks.live.network import LiveNetwork
from tasks.live.packing import unpack
from tasks.live.source import FILE, HEADER, Source
from tasks.live.view import View
from tests.tasks.live.conftest import PARAMS
from unfont.errors import UserError


@pytest.fixture
def engine(live_home, book, small, here):
    PARAMS.home.parent.mkdir()
    (here / PARAMS.home).symlink_to(live_home)
    folders = {"round-0": PARAMS.home / "rounds/0", "erm": PARAMS.home / "invariance/erm"}
    return Engine(folders, params=PARAMS, book=book, own=small)


def source(number=3):
    return Source.of_pixels(number, np.random.default_rng(0).integers(0, 256, (16, 64), dtype=np.uint8))


def test_two_networks_look_at_one_picture(engine):
    header, arrays = unpack(engine.look(source(), ["round-0", "erm"], View(), version=5))
    assert (header["kind"], header["frame"], header["view"]) == ("look", 3, 5)
    assert [network["name"] for network in header["networks"]] == ["round-0", "erm"]
    assert {"0/grid", "1/grid", "0/windows", "1/windows"} <= arrays.keys()
    answers = [network["answer"]["top"] for network in header["networks"]]
    assert answers[0] != answers[1]


def test_a_network_of_the_users_comes_first_and_is_looked_at_beside_a_model(engine):
    assert engine.names == ["small", "round-0", "erm"]
    assert engine.described("small") == {
        "name": "small", "layers": [["1", 4, 12, 16], ["4", 6, 6, 8], ["6", 3, 1, 1]], "labels": ["0", "1", "2"],
        "size": [12, 16], "channels": 1, "weights": None, "model": False,
    }  # fmt: skip
    header, _ = unpack(engine.look(source(), ["small", "round-0"], View(), version=0))
    assert [network["layer"]["name"] for network in header["networks"]] == ["1", "backbone.0"]


def test_networks_are_opened_once_and_unknown_ones_refused(engine):
    assert engine.network("erm") is engine.network("erm")
    with pytest.raises(UserError, match="choose one of small, round-0, erm"):
        engine.network("../../etc")


def test_occlusion_says_how_far_the_logit_falls(engine):
    """Of a network of the user's own windows of an eighth of height and width lie side by side: each by brute force."""
    header, arrays = unpack(engine.occlude(source(), "small", View(target=1)))
    live = engine.network("small")
    image = live.images(source().windows(live, whole=False).pixels)
    falls = np.zeros((12, 16))
    with torch.no_grad():
        for row in range(12):
            for column in range(0, 16, 2):
                covered = image.clone()
                covered[..., row, column : column + 2] = image.mean()
                fall = live.network(image) - live.network(covered)
                falls[row, column : column + 2] = float(fall[0, 1])
    assert header["label"] == "1" and header["fall"] == pytest.approx(falls.max(), abs=1e-3)
    wanted = falls / np.abs(falls).max() * 127 + 128
    assert np.allclose(arrays["occlusion"], wanted, atol=1)


def test_the_style_is_read_once_its_probe_is_fitted(engine):
    view = View(style=True)
    assert unpack(engine.look(source(), ["erm"], view, version=0))[0]["networks"][0]["style"] is None
    engine.fit_style("erm")
    found = unpack(engine.look(source(), ["erm"], view, version=0))[0]["networks"][0]
    said = found["answer"]["each"][0][0]
    assert (found["style"] is None) == (said == "Zxxx")
    with pytest.raises(UserError, match="no styles to read"):
        engine.fit_style("small")


def test_text_is_drawn_in_the_font_that_was_chosen_if_it_can(engine, book):
    font = book.of_script("Latn")[1].row
    assert engine.type("abc", font=font, script=None)[0].row == font
    drawn, text, picture = engine.type("αβγ", font=font, script=None)
    assert drawn.script == "Grek" and text == "αβγ" and picture.ndim == 2
    other, word, _ = engine.type("abc", font=None, script="Grek")
    assert other.script == "Grek" and word == book.word_of("Grek")
    with pytest.raises(UserError, match="no font can draw"):
        engine.type("日本", font=None, script=None)


def test_without_fonts_and_report_the_page_still_shows_layers(small):
    alone = Engine({}, own=small)
    hello = alone.hello()
    assert (hello["names"], hello["problem"], hello["scripts"], hello["report"], hello["styles"]) == (
        ["small"],
        None,
        [],
        None,
        [],
    )
    assert unpack(alone.look(source(), ["small"], View(), version=0))[0]["networks"][0]["name"] == "small"
    for ask in (
        lambda: alone.type("a", font=None, script=None),
        lambda: alone.keep(0, "a"),
        lambda: list(alone.sweep("small", "a", "Latn")),
    ):
        with pytest.raises(UserError, match="there are no fonts"):
            ask()
    with pytest.raises(UserError, match="there is no report"):
        alone.unit("small", "1", 0)


def test_a_coloured_picture_is_grey_for_a_grey_network_and_coloured_for_another(small):
    out = io.BytesIO()
    Image.new("RGB", (16, 12), (255, 0, 0)).save(out, format="PNG")
    red = Source.of_message(HEADER.pack(FILE, 1, 0, 0) + out.getvalue())
    assert red.windows(small, whole=False).pixels.tolist() == np.full((1, 12, 16), 76).tolist()
    coloured = LiveNetwork(name="c", network=small.network, layers=[], labels=[], size=(12, 16), channels=3)
    assert red.windows(coloured, whole=False).pixels[0, 0, 0].tolist() == [255, 0, 0]
