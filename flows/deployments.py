"""Flows that are served: the pipeline every night, one mining round by number, the report (`apps/deployments.py`)."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.pipeline import run_one, run_stale
from tasks.common.run_lock import one_run


@flow(name="pipeline")
def pipeline() -> list[str]:
    """Bring everything up to date; a night with nothing stale does no work."""
    with one_run():
        return run_stale()


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
