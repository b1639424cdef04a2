"""Words: those of CLDR and of the user's lists, into one table."""

import sys
from pathlib import Path

from flows.stage import main, stage, step
from tasks.common.dvc_stage import StageFacts
from tasks.common.mlflow_record import Record
from tasks.common.params import Params
from tasks.words.build import make_words, write_no_words

OUT = Path("data/words.parquet")


@stage("words")
def words(params: Params, facts: StageFacts, record: Record) -> None:
    """Collect words of every script."""
    if params.labels.draws:
        record.metrics(step(make_words)(params.words, out=OUT))
    else:
        record.metrics(step(write_no_words)(OUT))


if __name__ == "__main__":
    main(words, sys.argv)
