import numpy as np
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from apps.live.server import MOST_BYTES, MOST_VIEWERS, STATIC, listen, make_app, of_this_page
from tests.apps.live.conftest import HOST, frame, opened, served, small_engine, viewer
from unfont.errors import UserError


def test_the_page_and_all_that_it_names_is_served(client):
    page = client.get("/")
    assert page.status_code == 200 and "unfont live" in page.text
    for name in [path.name for path in STATIC.iterdir() if path.name != "index.html"]:
        assert client.get(f"/static/{name}").status_code == 200
    assert client.get("/style.css").status_code == 200 and client.get("/fonts.json").json() == []


def test_the_page_needs_no_network():
    """Nothing is loaded from elsewhere: the browser would refuse it too."""
    for path in STATIC.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "//cdn" not in text and "https:" not in text.replace('=== "https:"', ""), path.name


def test_answers_carry_the_headers_that_keep_other_pages_out(client):
    headers = client.get("/").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765"])
def test_another_host_is_refused(engine, host):
    with TestClient(make_app(engine, threads=1), base_url=f"http://{host}") as client:
        assert client.get("/").status_code == 400


def test_the_files_of_the_server_are_no_way_out(client):
    for path in ("/static/../server.py", "/static/%2e%2e/server.py", "/static//etc/passwd"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("http://127.0.0.1:8765", "127.0.0.1:8765", True),
        ("http://localhost:9", "localhost:9", True),
        ("http://localhost:8765", "127.0.0.1:8765", False),
        ("http://evil.example", "127.0.0.1:8765", False),
        ("null", "127.0.0.1:8765", False),
        (None, "127.0.0.1:8765", False),
        (None, None, False),
    ],
)
def test_a_socket_is_for_a_page_of_this_server(origin, host, own):
    assert of_this_page(origin, host) == own


def test_a_page_of_another_origin_is_refused(client):
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(f"ws://{HOST}/socket", headers={"origin": "http://evil.example"}),
    ):
        pass


def test_a_picture_is_answered_with_every_thing_that_the_view_wants(client):
    with viewer(client) as page:
        assert page.hello["kind"] == "hello" and page.hello["names"] == ["small"]
        page.show(rule="gradient", grad_cam=True)
        page.socket.send_bytes(frame(5))
        header, arrays = page.look()
        assert (header["kind"], header["frame"], header["view"]) == ("look", 5, 1)
        assert arrays["0/grid"].shape == (4, 8, 12)
        assert {"0/windows", "0/map", "0/attribution", "0/grad_cam"} <= arrays.keys()
        assert header["networks"][0]["answer"]["label"] in "abc"


def test_another_view_of_the_same_picture_needs_no_new_one(client):
    with viewer(client) as page:
        page.show()
        page.socket.send_bytes(frame(1))
        first = page.look()
        page.show(layer="3")
        header, arrays = page.look()
        assert header["networks"][0]["layer"]["name"] == "3" and header["frame"] == 1
        assert np.array_equal(arrays["0/windows"], first[1]["0/windows"])


def test_bad_input_is_said_and_the_session_goes_on(client):
    with viewer(client) as page:
        page.show()
        for bad in (b"", b"\x02\x01\x00\x00\x00\x00\x00\x00\x00", b"\x00\x01\x00\x00\x00\x00\x00\x00\x00no picture"):
            page.socket.send_bytes(bad)
            assert page.socket.receive_json()["kind"] == "problem"
        for text in (
            "nonsense",
            '{"type": "unit", "name": "small", "layer": "1", "unit": 0}',
            '{"type": "describe", "name": "x"}',
        ):
            page.socket.send_text(text)
            assert page.socket.receive_json()["kind"] == "problem"
        page.socket.send_bytes(frame(9))
        assert page.look()[0]["frame"] == 9


def test_a_failure_of_the_users_network_is_said_and_the_server_goes_on(client, engine):
    def failing(*_):
        raise KeyError("broken")

    hook = engine.own.network[3].register_forward_pre_hook(failing)
    with viewer(client) as page:
        page.show()
        page.socket.send_bytes(frame(2))
        problem = page.socket.receive_json()
        assert problem["kind"] == "problem" and "broken" in problem["text"] and problem["frame"] == 2
        hook.remove()
        page.socket.send_bytes(frame(3))
        assert page.look()[0]["frame"] == 3


def test_several_viewers_each_see_their_own_picture():
    with served(make_app(small_engine(), threads=1)) as address:
        pages = [opened(address) for _ in range(4)]
        for number, page in enumerate(pages):
            page.recv()
            page.send('{"type": "show", "names": ["small"], "view": {}, "version": 0}')
            page.send(frame(10 + number))
        for number, page in enumerate(pages):
            assert b'"frame": %d' % (10 + number) in page.recv()
            page.close()


def test_more_viewers_than_there_is_room_for_are_told_so():
    with served(make_app(small_engine(), threads=1)) as address:
        pages = [opened(address) for _ in range(MOST_VIEWERS)]
        for page in pages:
            page.recv()
        with opened(address) as late, pytest.raises(ConnectionClosed, match="8 viewers are here already"):
            late.recv()
        pages.pop().close()
        with served_again(address) as page:
            assert "hello" in page.recv()
        for page in pages:
            page.close()


def served_again(address):
    """A place is free once the server has seen that a viewer left."""
    for _ in range(1000):
        page = opened(address)
        try:
            page.ping().wait(1)
            if not page.close_code:
                return page
        except ConnectionClosed:
            pass
    raise AssertionError


def test_a_message_of_fifty_megabytes_ends_its_own_connection_alone():
    with served(make_app(small_engine(), threads=1)) as address:
        with opened(address) as other, opened(address) as page:
            page.recv(), other.recv()
            with pytest.raises(ConnectionClosed) as closed:
                page.send(bytes(50 * 2**20))
                page.recv()
            assert closed.value.rcvd is None or closed.value.rcvd.code == 1009
            other.send('{"type": "show", "names": ["small"], "view": {}, "version": 0}')
            other.send(frame(1))
            assert b'"look"' in other.recv()
        assert MOST_BYTES < 50 * 2**20


def test_a_tab_that_is_closed_in_the_middle_of_a_frame_takes_nothing_with_it():
    with served(make_app(small_engine(), threads=1)) as address:
        for number in range(5):
            page = opened(address)
            page.recv()
            page.send('{"type": "show", "names": ["small"], "view": {"rule": "guided"}, "version": 0}')
            page.send(frame(number))
            page.socket.close()
        with opened(address) as page:
            assert "hello" in page.recv()


def test_a_page_of_another_origin_gets_no_socket_of_a_real_server():
    with served(make_app(small_engine(), threads=1)) as address, pytest.raises(InvalidStatus):
        opened(address, origin="http://evil.example")


def test_a_taken_port_is_one_line():
    with listen(0) as taken, pytest.raises(UserError, match="give another port by --port"):
        listen(taken.getsockname()[1])
