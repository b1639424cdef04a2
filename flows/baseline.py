"""Baseline: round 0, before any mining."""

import sys

from flows.stage import main, stage, step
from tasks.params import Params
from tasks.stages import StageFacts
from tasks.track import Record
from tasks.train import train_baseline


@stage("baseline")
def baseline(params: Params, facts: StageFacts, record: Record) -> None:
    """Train round 0 on all training text and a small random set of Zxxx."""
    out = params.home / "rounds" / "0"
    summary = step(train_baseline)(params, table=params.home / "table", out=out, work=facts.work())
    record.training(out, summary)


if __name__ == "__main__":
    main(baseline, sys.argv)
