"""Report: what was measured, mined and learned, as a static site."""

import sys

from flows.fonts import OUT as FONTS
from flows.stage import main, stage, step
from tasks.params import Params
from tasks.site import make_report
from tasks.stages import StageFacts
from tasks.track import Record


@stage("report")
def report(params: Params, facts: StageFacts, record: Record) -> None:
    """Write the report."""
    out = params.home / "report"
    record.metrics(step(make_report)(params, home=params.home, fonts=FONTS, out=out))
    record.artifact(out, "report")


if __name__ == "__main__":
    main(report, sys.argv)
