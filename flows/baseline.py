"""Baseline: round 0, before any mining."""

import sys

from flows.stage import main, stage, step
from tasks.baseline.train import finish_baseline, train_replica
from tasks.common.dvc_stage import StageFacts
from tasks.common.mlflow_runs import Record
from tasks.common.params import Params
from tasks.train.replicas import replicas_of


@stage("baseline")
def baseline(params: Params, facts: StageFacts, record: Record) -> None:
    """Train round 0 on all training text and a small random set of Zxxx; in a study, once a seed."""
    table, out, scratch = params.home / "table", params.home / "rounds" / "0", facts.work()
    replicas = replicas_of(params.study, 0)
    summaries = [step(train_replica)(params, replica, table=table, scratch=scratch) for replica in replicas]
    step(finish_baseline)(params, scratch=scratch, out=out)
    record.training(out, summaries[0])


if __name__ == "__main__":
    main(baseline, sys.argv)
