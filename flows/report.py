"""Report: what was measured, mined and learned, as a static site."""

import sys
from pathlib import Path

from flows.fonts import OUT as FONTS
from flows.stage import in_flow, main, stage, step
from tasks.common.dvc_stage import StageFacts
from tasks.common.mlflow_record import Record
from tasks.common.params import Params
from tasks.report.build import make_report


@stage("report")
def report(params: Params, facts: StageFacts, record: Record) -> None:
    """Write the report."""
    out = params.home / "report"
    record.metrics(step(make_report)(params, home=params.home, fonts=FONTS, out=out, data=facts.data))
    record.artifact(out, "report")
    if in_flow():
        _link(params.problem, out / "index.html", record)


def _link(problem: str, index: Path, record: Record) -> None:
    """The report as an artifact of the Prefect run that wrote it."""
    from prefect.artifacts import create_link_artifact

    create_link_artifact(
        key=f"report-{problem.replace('_', '-')}",
        link=index.absolute().as_uri(),
        link_text=str(index),
        description=f"What was measured, mined and learned. MLflow keeps it as `report` of run {record.run_id}.",
    )


if __name__ == "__main__":
    main(report, sys.argv)
