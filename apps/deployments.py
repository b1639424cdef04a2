"""What `unfont serve` serves: the flows of `flows/deployments.py`, and two commands with parameters."""

from pathlib import Path
from typing import Annotated, Any

from prefect import flow
from prefect.schedules import Cron
from pydantic import Field

from flows.deployments import mining_round, pipeline, report


@flow(name="tagging")
def tagging(
    folder: Annotated[str, Field(min_length=1)], pattern: str | None = None, beside_drawn: bool = False
) -> None:
    """Import your own pictures, and split them without leakage.

    Args:
        folder: Your pictures on the server: a folder, a .tar.gz or a .zip.
        pattern: How the pictures' paths name their labels, as in {script}/{font_style}/*.png.
        beside_drawn: Keep the rendered crops too.
    """
    from apps.bring import bring_and_tag
    from tasks.common.run_lock import one_run

    with one_run():
        bring_and_tag(Path(folder), pattern=pattern, manifest=None, columns={}, labels={}, beside_drawn=beside_drawn)


@flow(name="weekly-sweep")
def sweep(modes: str | None = None, seeds: Annotated[int, Field(ge=1, le=100)] | None = None) -> None:
    """Train modes of invariance with many settings and seeds, and measure each on validation.

    Args:
        modes: Modes with commas between; those of params.yaml where empty.
        seeds: Trainings of each setting; those of params.yaml where empty.
    """
    from apps.sweep import sweep_modes

    sweep_modes(modes, {}, seeds=seeds, yes=True)


def deployments(*, cron: str, sweep_cron: str, timezone: str) -> list[Any]:
    """The deployments, ready for `prefect.serve` with a limit of one run; a run that DVC's lock concerns waits as well.

    A deployment's own `concurrency_limit` is no way to that: in Prefect 3.8.8 a served run loses its slot while it
    starts and is cancelled.
    """
    return [
        pipeline.to_deployment("pipeline", schedule=Cron(cron, timezone=timezone)),
        sweep.to_deployment("sweep", schedule=Cron(sweep_cron, timezone=timezone)),
        mining_round.to_deployment("mining-round", parameters={"number": 1}),
        tagging.to_deployment("tagging"),
        report.to_deployment("report"),
    ]
