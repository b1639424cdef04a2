"""The page that `unfont ui` opens on: what it links, under which names it answers, and what it gives out."""

import asyncio
import json
import re
import socket

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from apps.front import make_front, serving
from tasks.common.front_address import DEFAULT_PORT, front_address, keep_front_address
from tasks.common.mlflow_store import client, experiment_of, use_store
from tests.ports import free_ports
from tests.toyhome import toy_params

PARAMS = toy_params()
NAMES = ["localhost", "127.0.0.1", "::1", "runs.example.org", "*.lan"]


@pytest.fixture
def front(store):
    """The application over an empty store; called with a name, a reader who came by it."""
    use_store()
    app = make_front(PARAMS, names=NAMES, mlflow_port=5001, prefect_port=4201)
    return lambda name: TestClient(app, base_url=f"http://{name}", follow_redirects=False)


def links(page: str) -> dict[str, str]:
    """Addresses of a page's links, by their texts."""
    return {text: address for address, text in re.findall(r'<a href="([^"]+)">([^<]+)</a>', page)}


@pytest.mark.parametrize(
    ("came", "host"),
    [
        ("127.0.0.1:8760", "127.0.0.1"),
        ("Runs.Example.org", "runs.example.org"),
        ("a.lan:9", "a.lan"),
        ("[::1]:8760", "[::1]"),
    ],
)
def test_links_go_to_the_name_by_which_the_reader_came_training_runs_first(front, came, host):
    page = front(came).get("/").text
    runs = experiment_of(PARAMS.problem)
    assert [(text, to) for text, to in links(page).items() if text != "debug"] == [
        ("Training runs", f"//{host}:5001/#/experiments/{runs}/runs"),
        ("Models", f"//{host}:5001/#/models"),
        ("Flow runs", f"//{host}:4201/runs"),
        ("Deployments", f"//{host}:4201/deployments"),
    ]
    assert "There is no report yet" in page


@pytest.mark.parametrize("came", ["evil.example", "runs.example.org.evil.example", "", "[", "lan"])
def test_another_name_is_refused(front, came):
    answer = front("localhost").get("/", headers={"host": came})
    assert answer.status_code == 403 and "--allowed-hosts" in answer.text


def test_experiments_of_other_problems_are_linked_and_their_names_escaped(front):
    evil = '"><script>alert(1)</script>'
    number = client().create_experiment(evil)
    page = front("localhost").get("/").text
    assert f"/#/experiments/{number}/runs" in page
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_a_run_is_found_by_its_id_alone(front):
    run = client().create_run(experiment_of(PARAMS.problem)).info
    answer = front("localhost").get(f"/runs/{run.run_id}")
    assert answer.headers["location"] == f"//localhost:5001/#/experiments/{run.experiment_id}/runs/{run.run_id}"
    for wrong in ("0" * 32, "%2e%2e%2fetc", run.run_id.upper() + "0"):
        assert front("localhost").get(f"/runs/{wrong}").status_code == 404


def test_the_report_is_given_out_also_where_dvc_links_its_files_and_nothing_beside_it(front, store):
    report = PARAMS.home / "report"
    report.mkdir(parents=True)
    (store / "cache").mkdir()
    (store / "cache" / "page").write_text("<h1>here</h1>")
    (report / "index.html").symlink_to(store / "cache" / "page")
    (PARAMS.home / "secret.json").write_text(json.dumps("no"))
    reader = front("localhost")
    assert "report/index.html" in links(reader.get("/").text).values()
    answer = reader.get("/report/index.html")
    assert answer.text == "<h1>here</h1>" and answer.headers["content-type"].startswith("text/html")
    assert reader.get("/report/").text == "<h1>here</h1>"
    for wrong in (
        "../secret.json",
        "%2e%2e/secret.json",
        "..%2fsecret.json",
        "/etc/passwd",
        "%2fetc/passwd",
        "none.html",
    ):
        assert reader.get(f"/report/{wrong}").status_code == 404


def test_the_address_is_the_one_where_it_opened_last(here):
    assert front_address() == f"http://127.0.0.1:{DEFAULT_PORT}"
    keep_front_address("http://runs.example.org:8000")
    assert front_address() == "http://runs.example.org:8000"


def test_the_block_begins_once_the_page_answers(monkeypatch):
    start = uvicorn.Server.startup

    async def start_slowly(server, sockets=None):
        await asyncio.sleep(0.2)
        await start(server, sockets)

    monkeypatch.setattr(uvicorn.Server, "startup", start_slowly)
    (port,) = free_ports(1)
    with serving(FastAPI(), "127.0.0.1", port):
        socket.create_connection(("127.0.0.1", port)).close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # uvicorn's own, in its thread
def test_a_page_that_cannot_open_is_an_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(RuntimeError, match="did not open"), serving(FastAPI(), *taken.getsockname()):
            pass
