"""Invariance: continue training while the backbone unlearns the nuisance."""

import sys

from flows.stage import main, stage, step
from tasks.common.dvc_stage import StageFacts
from tasks.common.mlflow_record import Record
from tasks.common.params import Params
from tasks.invariance.train import mode_jobs, train_mode
from tasks.train.job import gather


@stage("invariance")
def invariance(params: Params, facts: StageFacts, record: Record) -> None:
    """Train one mode from the last round's weights; in a study, once a seed."""
    out = params.home / "invariance" / facts.item
    jobs = mode_jobs(
        params,
        mode=facts.item,
        table=params.home / "table",
        last_round=params.home / "rounds" / last_round(params),
        work=facts.work(),
    )
    summaries = [step(train_mode)(job) for job in jobs]
    step(gather)(jobs, out=out)
    record.training(out, summaries[0])


def last_round(params: Params) -> str:
    return max(("0", *params.rounds), key=int)


if __name__ == "__main__":
    main(invariance, sys.argv)
