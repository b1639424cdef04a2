"""What `unfont serve` serves: the pipeline every night, one mining round by number, the report."""

from typing import Any

from prefect import flow

from flows.pipeline import run_one, run_stale


@flow(name="pipeline")
def pipeline() -> list[str]:
    """Bring everything up to date; a night with nothing stale does no work."""
    return run_stale()


@flow(name="mining-round")
def mining_round(number: int) -> None:
    """Rerun one mining round alone."""
    run_one(f"round@{number}")


@flow(name="report")
def report() -> None:
    """Write the report again."""
    run_one("report")


def deployments(cron: str) -> list[Any]:
    """The deployments, ready for `prefect.serve` with a limit of one run: DVC's lock allows no more.

    A deployment's own `concurrency_limit` is no way to that: in Prefect 3.8.8 a served run loses its slot while it
    starts and is cancelled.
    """
    return [
        pipeline.to_deployment("pipeline", cron=cron),
        mining_round.to_deployment("mining-round", parameters={"number": 1}),
        report.to_deployment("report"),
    ]
