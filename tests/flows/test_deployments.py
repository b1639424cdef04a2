"""What is tried again at night, and what is not."""

import pytest

from flows.deployments import DELAYS_S, patiently
from tasks.common.parallel import WorkerLostError
from unfont.errors import UnreachableError, UserError

AWAY = UnreachableError("the MLflow server does not answer", where="http://a:5000", fix="start it")


@pytest.fixture
def slept(monkeypatch):
    delays = []
    monkeypatch.setattr("time.sleep", delays.append)
    return delays


def failing(*errors):
    left = list(errors)

    def work():
        if left:
            raise left.pop(0)
        return "done"

    return work


def test_what_may_pass_is_tried_again_with_growing_delays(slept):
    assert patiently(failing(AWAY, ConnectionResetError(), WorkerLostError("lost"))) == "done"
    assert slept == list(DELAYS_S) == sorted(DELAYS_S)


def test_at_last_it_is_given_up(slept):
    with pytest.raises(UnreachableError):
        patiently(failing(*[AWAY] * 4))
    assert len(slept) == 3


@pytest.mark.parametrize("error", [UserError("no such stage", where="round@9", fix="choose"), ValueError("a bug")])
def test_what_stays_wrong_is_not_tried_again(slept, error):
    with pytest.raises(type(error)):
        patiently(failing(error))
    assert slept == []
