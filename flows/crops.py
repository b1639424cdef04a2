"""Crops: words drawn in fonts, and pictures with no text in them."""

import sys

from flows.fonts import OUT as FONTS
from flows.stage import main, stage, step
from flows.words import OUT as WORDS
from tasks.params import Params
from tasks.render import make_crops
from tasks.stages import StageFacts
from tasks.track import Record


@stage("crops")
def crops(params: Params, facts: StageFacts, record: Record) -> None:
    """Draw the crops, clean, each with its script, style and design."""
    record.metrics(
        step(make_crops)(
            params.crops,
            tag=params.tag,
            seed=params.seed,
            fonts=FONTS,
            words=WORDS,
            out=params.home / "crops",
        )
    )


if __name__ == "__main__":
    main(crops, sys.argv)
