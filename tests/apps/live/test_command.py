"""`unfont live`: what is served, and wrong input. The server itself is in `test_server.py`."""

import sys

import pytest

from apps.live import command
from apps.live.server import listen
from tests.command import status_of
from tests.toyhome import make_toy_project, toy_params

PARAMS = toy_params()
NETWORK = """
from torch import nn

def make():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
"""


@pytest.fixture
def served(monkeypatch):
    """The applications that would be served, and their ports."""
    found = []
    monkeypatch.setattr(command, "make_app", lambda engine, threads: engine)
    monkeypatch.setattr(command, "listen", lambda port: port)
    monkeypatch.setattr(command, "serve", lambda engine, port: found.append((engine, port)))
    return found


@pytest.fixture
def project(here):
    make_toy_project(here, params=PARAMS)
    return here


@pytest.fixture
def mynet(here, monkeypatch):
    (here / "mylivenet.py").write_text(NETWORK)
    monkeypatch.syspath_prepend(str(here))
    yield "mylivenet:make"
    sys.modules.pop("mylivenet", None)


def run(monkeypatch, *words):
    return status_of(monkeypatch, "live", *words)


def test_the_champion_comes_first_and_every_trained_model_may_be_chosen(project, served, monkeypatch, capsys):
    assert not run(monkeypatch)
    ((engine, port),) = served
    assert engine.names[:3] == ["champion", "round-0", "round-1"] and port == 8765
    assert "http://127.0.0.1:8765" in capsys.readouterr().out
    assert engine.book is None and engine.report is None


def test_another_model_comes_first_by_name_or_folder(project, served, monkeypatch):
    assert not run(monkeypatch, "erm", "--port", "9000")
    assert not run(monkeypatch, str(PARAMS.home / "rounds/1"))
    assert [(engine.names[0], port) for engine, port in served] == [
        ("erm", 9000),
        (str(PARAMS.home / "rounds/1"), 8765),
    ]


def test_a_network_of_the_users_needs_no_project(mynet, served, monkeypatch):
    assert not run(monkeypatch, "--network", mynet, "--size", "20x30")
    ((engine, _),) = served
    assert engine.names == [mynet] and engine.own.size == (20, 30) and engine.params is None


def test_in_a_project_it_stands_beside_the_models(project, mynet, served, monkeypatch):
    assert not run(monkeypatch, "--network", mynet)
    ((engine, _),) = served
    assert engine.names[:2] == [mynet, "round-0"] and engine.own.size == (224, 224)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nosuch"], "there is no model 'nosuch'"),
        (["--size", "32x32"], "a model has its own size"),
        (["erm", "--network", "a:b"], "two networks are named"),
        (["--network", "nosuchmodule:make"], "there is no module"),
        (["--network", "mylivenet:make", "--size", "big"], "'big' is no size"),
        (["--port", "70000"], "--port"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(project, mynet, served, monkeypatch, capsys, words, said):
    assert run(monkeypatch, *words) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and not served


def test_outside_of_a_project_a_model_is_asked_for_in_vain(here, served, monkeypatch, capsys):
    assert run(monkeypatch) == 2
    assert "params.yaml" in capsys.readouterr().err


def test_a_model_of_another_problem_is_refused(project, served, monkeypatch, capsys):
    (project / "other").mkdir()
    (project / "other/model.json").write_text('{"format": 1, "labels": ["a"]}')
    assert run(monkeypatch, "other") == 2
    assert "no model card" in capsys.readouterr().err


def test_a_taken_port_is_one_line_and_status_2(project, monkeypatch, capsys):
    with listen(0) as taken:
        assert run(monkeypatch, "round-0", "--port", str(taken.getsockname()[1])) == 2
    assert "give another port by --port" in capsys.readouterr().err
