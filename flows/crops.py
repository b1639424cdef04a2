"""Crops: rendered words and generated non-text crops, the user's own pictures, or both."""

import sys

from flows.fanout import fan_out
from flows.fonts import OUT as FONTS
from flows.stage import main, stage, working
from flows.words import OUT as WORDS
from tasks.common.dvc_stage import StageFacts
from tasks.common.mlflow_record import Record
from tasks.common.params import Params
from tasks.crops.build import make_crops


@stage("crops")
def crops(params: Params, facts: StageFacts, record: Record) -> None:
    """Render clean crops, each with its script, font style and design, or read the user's pictures."""
    # No step: the shards are the task runs here, and a step's context would travel to every worker of theirs.
    with working():
        counts = make_crops(
            params.crops,
            problem=params.labels,
            tag=params.tag,
            seed=params.seed,
            fonts=FONTS,
            words=WORDS,
            pictures=params.pictures,
            out=params.home / "crops",
            work=facts.work(),
            fan_out=fan_out(params.crops),
        )
    record.metrics(counts)


if __name__ == "__main__":
    main(crops, sys.argv)
