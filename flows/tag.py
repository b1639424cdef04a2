"""Tag: the crop table, each row with its split."""

import sys

from flows.fonts import OUT as FONTS
from flows.stage import main, stage, step
from tasks.common.dvc_stage import StageFacts
from tasks.common.mlflow_record import Record
from tasks.common.params import Params
from tasks.tag.build import make_table


@stage("tag")
def tag(params: Params, facts: StageFacts, record: Record) -> None:
    """Check the crops, reject unusable ones, and split the rest without leakage."""
    record.metrics(
        step(make_table)(
            params.tag,
            problem=params.labels,
            name=params.problem,
            seed=params.seed,
            crops=params.home / "crops",
            fonts=FONTS,
            out=params.home / "table",
            rejected=params.home / "rejected.parquet",
        )
    )


if __name__ == "__main__":
    main(tag, sys.argv)
