import fnmatch
import shutil
import socket
import sys
import urllib.request

import pytest

from apps import servers
from apps.commands.watch import ui
from apps.servers import _check_cron, _check_free, _mlflow_command, _prefect_command, _zone
from tasks.common.front_address import DEFAULT_PORT, front_address
from tests.conftest import ROOT
from tests.ports import free_ports
from unfont.errors import UserError


def test_servers_bind_to_the_given_host():
    for command in (_mlflow_command("127.0.0.1", 5000, []), _prefect_command("127.0.0.1", 4200)):
        assert command[command.index("--host") + 1] == "127.0.0.1"


def test_mlflow_answers_under_the_names_that_were_given_and_loopback_s_and_no_other():
    command = _mlflow_command("0.0.0.0", 5001, ["runs.example.org"])
    hosts = command[command.index("--allowed-hosts") + 1].split(",")
    origins = command[command.index("--cors-allowed-origins") + 1].split(",")

    def allowed(name, patterns):
        return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)

    for name in ("runs.example.org", "runs.example.org:5001", "localhost:5001", "[::1]"):
        assert allowed(name, hosts)
    assert not any(allowed(name, hosts) for name in ("evil.example.org", "localhost.evil.org"))
    assert allowed("https://runs.example.org", origins) and allowed("http://runs.example.org:5001", origins)
    assert not allowed("https://evil.org", origins)


def test_a_taken_port_is_one_line_that_names_the_option():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match="--mlflow-port"):
            _check_free("127.0.0.1", taken.getsockname()[1], "--mlflow-port")


def test_the_page_is_open_once_both_servers_are_and_ends_with_them(store, monkeypatch, capsys):
    """Python's own file server stands for each: what they are started with is tested above."""
    shutil.copy(ROOT / "params.yaml", store)
    ports = free_ports(3)
    for name in ("_mlflow_command", "_prefect_command"):
        command = lambda host, port, *_: [sys.executable, "-m", "http.server", "--bind", host, str(port)]  # noqa: E731
        monkeypatch.setattr(servers, name, command)
    monkeypatch.setattr(servers, "_end_on_sigterm", lambda: None)
    pages = []

    def read_then_interrupt(*processes):
        """A real Ctrl-C is lost where the tests run in the background, which ignores it."""
        assert front_address() == f"http://127.0.0.1:{ports[0]}"
        with urllib.request.urlopen(front_address()) as answer:
            pages.append(answer.read().decode())
        raise KeyboardInterrupt

    monkeypatch.setattr(servers, "_wait_for_any", read_then_interrupt)
    servers.serve_ui(
        host="127.0.0.1", port=ports[0], mlflow_port=ports[1], prefect_port=ports[2], allowed_hosts=["*.example.org"]
    )
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"open     http://127.0.0.1:{ports[0]}"
    assert f"set PREFECT_API_URL=http://127.0.0.1:{ports[2]}/api" in said[3]
    assert f'href="//127.0.0.1:{ports[1]}/#/experiments/' in pages[0]
    for port in ports:
        _check_free("127.0.0.1", port, "--port")


def test_two_servers_on_one_port_are_refused(here):
    shutil.copy(ROOT / "params.yaml", here)
    (port,) = free_ports(1)
    with pytest.raises(UserError, match="cannot share a port"):
        servers.serve_ui(host="127.0.0.1", port=port, mlflow_port=port, prefect_port=1, allowed_hosts=[])


def test_the_port_of_the_page_is_the_one_that_links_expect():
    assert ui.__defaults__[0] == DEFAULT_PORT


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("::1", "http://[::1]:80"), ("a.org", "http://a.org:80")],
)
def test_an_address_is_one_that_a_browser_takes(host, address):
    assert servers.address_at(host, 80) == address


def test_a_schedule_that_is_none_is_refused():
    _check_cron("0 2 * * *", "--cron")
    with pytest.raises(UserError, match="--cron"):
        _check_cron("every night", "--cron")


def test_the_time_zone_is_the_one_that_was_given_or_the_machine_s_own(monkeypatch):
    assert _zone("Europe/Berlin") == "Europe/Berlin"
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert _zone(None) == "Asia/Tokyo"


@pytest.mark.parametrize("wrong", ["Mars/Olympus", "", "../etc/passwd"])
def test_a_time_zone_that_is_none_is_refused(wrong):
    with pytest.raises(UserError, match="--timezone"):
        _zone(wrong)
