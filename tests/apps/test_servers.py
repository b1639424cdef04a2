import fnmatch
import socket

import pytest

from apps.servers import _check_cron, _check_free, _mlflow_command, _prefect_command, _zone
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
