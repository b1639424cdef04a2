"""Fonts: the packages of data/fonts, or a folder of the user's, into one table."""

import sys
from pathlib import Path

from flows.stage import main, stage, step
from tasks.common.dvc_stage import StageFacts
from tasks.common.mlflow_record import Record
from tasks.common.params import Params
from tasks.fonts.build import make_fonts, write_no_fonts

OUT = Path("data/fonts.parquet")


@stage("fonts")
def fonts(params: Params, facts: StageFacts, record: Record) -> None:
    """Fetch the fonts and write them as one table, a row a font; none for a problem that renders no crops."""
    if not params.labels.draws:
        record.metrics(step(write_no_fonts)(OUT))
        return
    record.metrics(
        step(make_fonts)(
            params.fonts, scripts=params.words.scripts, out=OUT, designs=Path(params.fonts.source) / "designs.json"
        )
    )


if __name__ == "__main__":
    main(fonts, sys.argv)
