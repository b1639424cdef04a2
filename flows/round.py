"""Round: mine the previous model's false positives and retrain."""

import sys

from flows.stage import main, stage, step
from tasks.params import Params
from tasks.rounds import run_round
from tasks.stages import StageFacts
from tasks.track import Record


@stage("round")
def mining_round(params: Params, facts: StageFacts, record: Record) -> None:
    """Score the pool with the previous model, add its hardest false positives, train on."""
    number = facts.item
    out = params.home / "rounds" / number
    summary = step(run_round)(
        params,
        number=int(number),
        table=params.home / "table",
        previous=params.home / "rounds" / params.rounds[number].previous,
        out=out,
        work=facts.work(),
    )
    record.training(out, summary)


if __name__ == "__main__":
    main(mining_round, sys.argv)
