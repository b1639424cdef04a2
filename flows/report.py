"""Report: what was measured, mined and learned, as a static site."""

import sys

from flows.artifacts import publish_report
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
        publish_report(params.problem, out / "index.html", record)


if __name__ == "__main__":
    main(report, sys.argv)
