"""Round: mine the previous model's false positives and retrain."""

import sys

from flows.fanout import fan_out
from flows.stage import main, stage, step, working
from tasks.common.dvc_stage import StageFacts
from tasks.common.mlflow_record import Record
from tasks.common.params import Params
from tasks.mine.job import round_jobs
from tasks.mine.round import finish_round, score_for, train_round


@stage("round")
def mining_round(params: Params, facts: StageFacts, record: Record) -> None:
    """Score the pool with the previous model, add its hardest false positives to the training set, retrain."""
    rounds = params.home / "rounds"
    jobs = round_jobs(
        params,
        number=int(facts.item),
        table=params.home / "table",
        previous=rounds / params.rounds[facts.item].previous,
        work=facts.work(),
    )
    summaries = []
    for job in jobs:
        # No step: the pool's parts are the task runs here, and a step's context would travel to every worker of theirs.
        with working():
            score_for(job, fan_out=fan_out(params.score, name="score-parts", item="part", section="score"))
        summaries.append(step(train_round)(job))
    step(finish_round)(jobs, out=rounds / facts.item)
    record.training(rounds / facts.item, summaries[0])


if __name__ == "__main__":
    main(mining_round, sys.argv)
