"""Invariance: train on while the trunk forgets the nuisance."""

import sys

from flows.stage import main, stage, step
from tasks.params import Params
from tasks.stages import StageFacts
from tasks.track import Record
from tasks.unlearn import train_invariance


@stage("invariance")
def invariance(params: Params, facts: StageFacts, record: Record) -> None:
    """Train one mode from the last round's weights."""
    mode = facts.item
    out = params.home / "invariance" / mode
    summary = step(train_invariance)(
        params,
        mode=mode,
        table=params.home / "table",
        start=params.home / "rounds" / last_round(params),
        out=out,
        work=facts.work(),
    )
    record.training(out, summary)


def last_round(params: Params) -> str:
    return max(("0", *params.rounds), key=int)


if __name__ == "__main__":
    main(invariance, sys.argv)
