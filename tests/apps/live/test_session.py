"""What a viewer asks beside pictures: text, sweeps, crops to keep, units, occlusion, the style."""

import threading

import pytest
from starlette.testclient import TestClient

from apps.live.server import make_app
from tasks.live.engine import Engine
from tasks.live.typed import FontBook
from tests.apps.live.conftest import HOST, frame, viewer
from tests.toyhome import make_toy_home, toy_params
from tests.toytables import make_toy_tables
from tests.waiting import wait_until

PARAMS = toy_params()


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("session")
    return make_toy_home(folder, params=PARAMS), make_toy_tables(folder)


@pytest.fixture
def page(tables, here):
    """A viewer of a toy project's model."""
    home, fonts = tables
    PARAMS.home.parent.mkdir()
    (here / PARAMS.home).mkdir()
    for name in ("rounds", "table"):
        (here / PARAMS.home / name).symlink_to(home / name)
    engine = Engine({"round-0": PARAMS.home / "rounds/0"}, params=PARAMS, book=FontBook(fonts["fonts"], fonts["words"]))
    with TestClient(make_app(engine, threads=1), base_url=f"http://{HOST}") as client, viewer(client) as found:
        found.engine = engine
        found.ask(type="show", names=["round-0"], view={}, version=0)
        yield found


def test_text_becomes_the_picture(page):
    page.ask(type="type", text="abc", number=12)
    typed, arrays = page.look()
    assert (typed["kind"], typed["script"], typed["text"]) == ("typed", "Latn", "abc")
    assert arrays["picture"].ndim == 2
    look, _ = page.look()
    assert (look["kind"], look["frame"]) == ("look", 12)


def test_text_that_is_drawn_late_does_not_take_the_place_of_a_later_picture(page):
    page.socket.send_bytes(frame(20, height=16, width=64))
    assert page.look()[0]["frame"] == 20
    page.ask(type="type", text="abc", number=19)
    assert page.look()[0]["kind"] == "typed"
    assert page.look()[0]["frame"] == 20


@pytest.mark.parametrize(
    ("where", "asked"),
    [
        ("apps.live.session.Engine.fit_style", {"type": "style", "name": "round-0"}),
        ("tasks.live.engine.sweep", {"type": "sweep", "name": "round-0", "text": "abc", "script": "Latn"}),
    ],
)
def test_what_fails_is_said_and_the_session_goes_on(page, monkeypatch, where, asked):
    def failing(*_, **__):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(where, failing)
    page.ask(**asked)
    assert "this failed: out of memory" in page.socket.receive_json()["text"]
    page.ask(type="describe", name="round-0")
    assert page.socket.receive_json()["kind"] == "network"


def test_a_sweep_comes_in_parts_and_ends_with_all_fonts(page):
    page.ask(type="sweep", name="round-0", text="abc", script="Latn")
    header, rows = {"done": 0, "total": 1}, []
    while header["done"] < header["total"]:
        header, arrays = page.look()
        rows += header["answers"]
        assert len(arrays["pictures"]) == len(header["answers"])
    assert len(rows) == len(page.engine.fonts.of_script("Latn"))


def test_a_crop_is_kept_or_refused_in_one_line(page):
    train = next(font for font in page.engine.fonts.of_script("Grek") if font.side == "train")
    held = next(font for font in page.engine.fonts.of_script("Grek") if font.side == "test_unseen")
    page.ask(type="keep", text="α", font=train.row)
    kept = page.socket.receive_json()
    assert kept["kind"] == "kept" and kept["count"] == 1 and (PARAMS.home / "live/manifest.csv").is_file()
    page.ask(type="keep", text="α", font=held.row)
    assert "the test stays a test" in page.socket.receive_json()["text"]


def test_occlusion_and_style_are_answered_beside_the_frames(page):
    page.ask(type="occlude", name="round-0")
    assert "no picture yet" in page.socket.receive_json()["text"]
    page.socket.send_bytes(frame(1, height=16, width=64))
    page.look()
    page.ask(type="occlude", name="round-0")
    header, arrays = page.look()
    assert header["kind"] == "occlusion" and arrays["occlusion"].shape == (16, 64)
    page.ask(type="style", name="round-0")
    assert page.socket.receive_json() == {"kind": "style", "name": "round-0"}
    assert "round-0" in page.engine.styles


def test_the_newest_frame_wins(page, monkeypatch):
    """While one is computed, only the last of those that come is kept."""
    looked, gate = [], threading.Event()
    look = page.engine.look

    def slow(source, *args, **options):
        looked.append(source.number)
        assert gate.wait(60)
        return look(source, *args, **options)

    monkeypatch.setattr(page.engine, "look", slow)
    page.socket.send_bytes(frame(0, height=16, width=64))
    wait_until(lambda: looked)
    for number in range(1, 20):
        page.socket.send_bytes(frame(number, height=16, width=64))
    page.ask(type="show", names=["round-0"], view={}, version=7)
    wait_until(lambda: page.socket.portal.call(drained, page) or True)
    gate.set()
    seen = [page.look()[0]["frame"] for _ in range(2)]
    while seen[-1] != 19:
        seen.append(page.look()[0]["frame"])
    assert seen[0] == 0 and len(seen) <= 4


async def drained(_page):
    """Let the server's loop take what was sent."""
    import anyio

    for _ in range(100):
        await anyio.sleep(0)


def test_too_many_questions_at_a_time_are_refused(page, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(page.engine, "described", lambda name: gate.wait(60) and {"name": name})
    for _ in range(30):
        page.ask(type="describe", name="round-0")
    problem = page.socket.receive_json()
    gate.set()
    assert "too much is asked" in problem["text"]


def test_what_is_answered_is_a_message_of_the_page(page):
    page.ask(type="describe", name="round-0")
    assert page.socket.receive_json()["layers"][0] == ["backbone.0", 4, 8, 32]
    page.ask(type="unit", name="round-0", layer="backbone.0", unit=0)
    assert "there is no report" in page.socket.receive_json()["text"]
