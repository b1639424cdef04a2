"""Flows that are served: the pipeline every night, one mining round by number, the report (`apps/deployments.py`)."""

import logging
import time
from collections.abc import Callable
from typing import Annotated, TypeVar

from prefect import flow
from pydantic import Field

from flows.pipeline import run_one, run_stale
from tasks.common.parallel import WorkerLostError
from tasks.common.run_lock import one_run
from unfont.errors import UnreachableError

# Minutes that a server, a registry or a machine takes to come back; what is wrong with the input stays wrong.
DELAYS_S = (60, 300, 900)
PASSING = (UnreachableError, ConnectionError, TimeoutError, WorkerLostError)

log = logging.getLogger("unfont")
R = TypeVar("R")


@flow(name="pipeline")
def pipeline() -> list[str]:
    """Bring everything up to date; a night with nothing stale does no work."""
    with one_run():
        return patiently(run_stale)


def patiently(work: Callable[[], R]) -> R:
    """Do the work, again after each of `DELAYS_S` where what stopped it may pass; it goes on from what is done."""
    for delay in DELAYS_S:
        try:
            return work()
        except PASSING as error:
            log.warning("%s: again in %d s", error, delay)
            time.sleep(delay)
    return work()


@flow(name="mining-round")
def mining_round(number: Annotated[int, Field(ge=1)]) -> None:
    """Rerun one mining round alone, stale or not.

    Args:
        number: The round, from 1; `rounds` in params.yaml has those that exist.
    """
    run_one(f"round@{number}")


@flow(name="report")
def report() -> None:
    """Write the report again."""
    run_one("report")
