import socket

import pytest

from apps.servers import _check_cron, _check_free, _mlflow_command, _prefect_command
from unfont.errors import UserError


def test_servers_bind_to_the_given_host():
    for command in (_mlflow_command("127.0.0.1", 5000), _prefect_command("127.0.0.1", 4200)):
        assert command[command.index("--host") + 1] == "127.0.0.1"


def test_a_taken_port_is_one_line_that_names_the_option():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match="--mlflow-port"):
            _check_free("127.0.0.1", taken.getsockname()[1], "--mlflow-port")


def test_a_schedule_that_is_none_is_refused():
    _check_cron("0 2 * * *")
    with pytest.raises(UserError, match="--cron"):
        _check_cron("every night")
