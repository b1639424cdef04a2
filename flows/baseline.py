"""Baseline: round 0, before any mining."""

import sys

from flows.stage import main, stage, step
from tasks.baseline.train import baseline_jobs, train_baseline
from tasks.common.dvc_stage import StageFacts
from tasks.common.mlflow_record import Record
from tasks.common.params import Params
from tasks.train.job import gather


@stage("baseline")
def baseline(params: Params, facts: StageFacts, record: Record) -> None:
    """Train round 0 on all training text and a small random set of Zxxx; in a study, once a seed."""
    out = params.home / "rounds" / "0"
    jobs = baseline_jobs(params, table=params.home / "table", work=facts.work())
    summaries = [step(train_baseline)(job) for job in jobs]
    step(gather)(jobs, out=out)
    record.training(out, summaries[0])


if __name__ == "__main__":
    main(baseline, sys.argv)
